"""The log of ``harness serve``: a line for each request, read as an A/B test."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import openai
import pytest
from cli.console import run
from fixtures.small_scenario import write_small_scenario

from harness.errors import InputError
from harness.serving.log import RequestLog
from harness.types.served import ServedRequest
from serving.servers import serving

pytestmark = pytest.mark.slow
SECRET = "how much is one lamp please"


def test_requests_are_logged_without_text_and_key_and_can_be_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small_scenario(tmp_path / "small", ["prompt"])
    log = tmp_path / "prompt.jsonl"
    environment = {"HARNESS_CACHE": str(tmp_path / "cache"), "BOT_KEY": "very-secret"}
    options = ("--log", str(log), "--api-key-env", "BOT_KEY")
    with serving(tmp_path / "small", "prompt", *options, cwd=tmp_path, environment=environment) as server:
        client = openai.OpenAI(base_url=server.url, api_key="very-secret", max_retries=0, timeout=60)
        messages = [{"role": "user", "content": SECRET}]
        whole = client.chat.completions.create(model="prompt", messages=messages)  # type: ignore[arg-type]
        chunks = list(client.chat.completions.create(model="prompt", messages=messages, stream=True))  # type: ignore[call-overload]
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(
                urllib.request.Request(
                    f"{server.url}/chat/completions", b"{}", {"Authorization": "Bearer very-secret"}
                )
            )
        client.close()
        assert server.stop() == 0
    text = log.read_text(encoding="utf-8")
    entries = [ServedRequest.model_validate_json(line) for line in text.splitlines()]
    assert [e.status for e in entries] == [200, 200, 415]
    assert [e.id for e in entries] == [whole.id, chunks[0].id, None]
    assert whole.usage is not None
    assert entries[0].output_tokens == whole.usage.completion_tokens
    assert 0 < (entries[1].ttft_s or 0) <= entries[1].latency_s
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", entries[0].time)
    assert "very-secret" not in text
    assert "lamp" not in text

    other = tmp_path / "rag.jsonl"
    other.write_text(text.replace('"prompt"', '"rag"').replace("chatcmpl-", "other-"), encoding="utf-8")
    said = tmp_path / "liked.jsonl"
    said.write_text(f'{{"id": "{whole.id}", "outcome": 1}}\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = run("abtest", str(log), str(other), "--control", "prompt", "--outcomes", str(said), "--json")
    assert done.code == 0, done.err
    arms = json.loads(done.out.splitlines()[-1])["arms"]
    assert [(a["variant"], a["rows"], a["missing"]) for a in arms] == [("prompt", 3, 2), ("rag", 3, 3)]


def test_a_log_that_cannot_be_opened_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--log"):
        RequestLog(tmp_path / "nowhere" / "log.jsonl", print)


def test_a_full_disk_is_told_once_and_stops_no_answer() -> None:
    told: list[str] = []
    log = RequestLog(Path("/dev/full"), told.append)
    entry = ServedRequest(
        time="t", variant="v", id=None, status=200, ttft_s=None, latency_s=1, prompt_tokens=None, output_tokens=None,
        cache=None,
    )  # fmt: skip
    for _ in range(3):
        log.write(entry)
    assert len(told) == 1
    assert "no longer logged" in told[0]
