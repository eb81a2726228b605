"""Variants that a server answers, beside local ones, from the command line to the report."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from fixtures.endpoints import FaultyProxy, Stub
from fixtures.small_scenario import RETRIEVAL, write_small_scenario

from harness.runs import Run

from .runs import change, command, contents, environment, run

pytestmark = pytest.mark.slow

KEY = "sk-live-0123456789abcdefXYZ"
VARIANTS = [
    {"name": "prompt"},
    {"name": "far", "weights": "endpoint:far"},
    {"name": "far-few", "weights": "endpoint:far", "context": {"kind": "few-shot", "examples": 2}},
    {"name": "far-rag", "weights": "endpoint:far", "context": RETRIEVAL, "system": "reader.md"},
]
PRICES = {
    "kind": "stated",
    "tiers": [{"above": 0, "input": 10.0, "output": 20.0, "cached_input": 1.0}],
    "as_of": "2026-11-01",
    "source": "a test",
}
MEASURED = ("latency", "ttft", "tokens_per_s")


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as server:
        yield server


def scenario(folder: Path, url: str, **endpoint: Any) -> Path:
    far = {"base_url": url, "model": "m", "key": "FAR_KEY", "max_concurrency": 4, **endpoint}
    write_small_scenario(folder, endpoints={"far": far})

    def edit(settings: dict[str, Any]) -> None:
        settings["variants"] = VARIANTS
        settings["economics"]["tokens"] = {v["name"]: PRICES for v in VARIANTS[1:]}

    change(folder, edit)
    return folder


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    monkeypatch.setenv("FAR_KEY", KEY)


def figures(run: Run, *without: str) -> list[Any]:
    c = run.comparison
    estimates = [e for e in c.estimates if e.metric not in (*MEASURED, *without)]
    differences = [d for d in c.differences if d.metric not in (*MEASURED, *without)]
    return [*estimates, *differences]


def test_endpoint_variants_stand_beside_a_local_one(tmp_path: Path, stub: Stub) -> None:
    made = run(scenario(tmp_path / "small", stub.url))
    for name in ("far", "far-few", "far-rag"):
        answers = [a for a in made.answers if a.variant == name]
        assert len(answers) == 12 + 3
        assert not [a for a in answers if a.error]
        timed = [a for a in answers if a.phase == "timing"]
        assert all(a.first_token_s and a.total_s and a.cached_tokens for a in timed)
    assert len(stub.requests) == 3 * 15
    shown = [r["messages"] for r in stub.requests]
    assert any("Passages:" in m[-1]["content"] for m in shown)
    assert any(len(m) == 6 for m in shown)
    text = (made.folder.path / "report.html").read_text()
    assert "Endpoint far" in text
    assert f"m at {stub.url}" in text


def test_tokens_are_paid_with_the_cached_ones_at_their_price(tmp_path: Path, stub: Stub) -> None:
    made = run(scenario(tmp_path / "small", stub.url))
    paid = {s.item: s.value for s in made.scores if (s.variant, s.metric) == ("far", "cost")}
    for a in (a for a in made.answers if (a.variant, a.phase) == ("far", "quality")):
        prompt, output, cached = a.prompt_tokens or 0, a.output_tokens or 0, a.cached_tokens or 0
        assert paid[a.item] == pytest.approx(((prompt - cached) * 10 + cached + output * 20) / 1e6)
    [tokens] = [
        line
        for cost in made.comparison.costs
        if cost.variant == "far"
        for line in cost.ledger
        if line.what == "Tokens"
    ]
    assert "of them from a cache) and" in tokens.source


def test_a_second_run_asks_nothing_and_a_resumed_one_only_what_is_missing(tmp_path: Path, stub: Stub) -> None:
    folder = scenario(tmp_path / "small", stub.url)
    made = run(folder)
    before = contents(made.folder.path)
    stub.requests.clear()
    run(folder)
    assert stub.requests == []
    assert contents(made.folder.path) == before
    journal = made.folder.answers("far").path
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:5] + lines[7:]))
    again = run(folder)
    assert len(stub.requests) == 2
    assert figures(again) == figures(made)


def test_limits_and_key_change_no_answer_and_ask_nothing_again(
    tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = scenario(tmp_path / "small", stub.url)
    run(folder)
    stub.requests.clear()
    monkeypatch.setenv("FAR_KEY", "another-key")
    change(folder, lambda s: s["endpoints"]["far"].update(max_concurrency=2, deadline_s=5, retries=1))
    run(folder)
    assert stub.requests == []
    change(folder, lambda s: s["endpoints"]["far"].update(options={"top_p": 0.5}))
    run(folder)
    assert len(stub.requests) == 3 * 15


def test_faults_in_a_fifth_of_all_requests_end_in_the_same_comparison(tmp_path: Path, stub: Stub) -> None:
    sound = run(scenario(tmp_path / "a" / "small", stub.url))
    with FaultyProxy(stub.url, 0.2, seed=2) as proxy:
        folder = scenario(tmp_path / "b" / "small", proxy.url, deadline_s=0.5)
        faulty = run(folder)
        assert proxy.faults.total() >= 5
        assert proxy.requests == 3 * 15 + proxy.faults.total()
    assert figures(faulty, "cost") == figures(sound, "cost")
    scores = [
        {(s.variant, s.item, s.metric): s.value for s in r.scores if s.metric not in (*MEASURED, "cost")}
        for r in (sound, faulty)
    ]
    assert scores[0] == scores[1]
    once = [(a.variant, a.item, a.phase) for a in faulty.answers]
    assert len(once) == len(set(once)) == 4 * 15
    far = [a for a in faulty.answers if a.variant != "prompt"]
    assert sum(a.attempts + a.refused for a in far) == proxy.requests


def test_retries_that_may_have_been_charged_are_on_the_bill(tmp_path: Path, stub: Stub) -> None:
    with FaultyProxy(stub.url, 0.3, seed=2, faults=("cut",)) as proxy:
        made = run(scenario(tmp_path / "small", proxy.url))
    lines = {(cost.variant, line.what): line for cost in made.comparison.costs for line in cost.ledger}
    quality = [a.attempts for a in made.answers if (a.variant, a.phase) == ("far-rag", "quality")]
    assert lines["far-rag", "Retries"].quantity == pytest.approx(sum(quality) / len(quality) - 1)


def compare_by_hand(folder: Path, run_dir: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, run_dir), env=environment(cache), capture_output=True, text=True, check=False
    )


def test_a_missing_key_stops_everything_before_it_starts(
    tmp_path: Path, stub: Stub, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = scenario(tmp_path / "small", stub.url)
    monkeypatch.delenv("FAR_KEY")
    done = compare_by_hand(folder, tmp_path / "run", own_cache)
    assert done.returncode == 2
    assert "scenario.yaml:" in done.stderr
    assert "the environment variable FAR_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
    assert stub.requests == []


def test_the_key_is_in_no_file_and_no_line_though_the_server_says_it(tmp_path: Path, own_cache: Path) -> None:
    def reply(asked: dict[str, Any]) -> Awaitable[web.Response] | None:
        if "lamp" in asked["messages"][-1]["content"]:
            return _echo({"error": {"message": f"unknown key {KEY}"}}, 403)
        if "chair" in asked["messages"][-1]["content"] and not asked.get("stream"):
            message = {"content": f"the key is {KEY}"}
            return _echo({"choices": [{"message": message, "finish_reason": "stop"}]}, 200)
        return None

    with Stub(reply=reply) as server:
        folder = scenario(tmp_path / "small", server.url, stop_after=2)
        done = compare_by_hand(folder, tmp_path / "run", own_cache)
    assert done.returncode == 0, done.stderr
    assert "unknown key [key]" in (tmp_path / "run" / "answers" / "far.jsonl").read_text()
    files = [p for p in (*(tmp_path / "run").rglob("*"), *own_cache.rglob("*")) if p.is_file()]
    assert len(files) > 10
    assert [p for p in files if KEY.encode() in p.read_bytes()] == []
    assert KEY not in done.stderr + done.stdout


async def _echo(data: dict[str, Any], status: int) -> web.Response:
    return web.json_response(data, status=status)


def test_an_endpoint_that_is_down_is_asked_little_and_again_the_next_time(tmp_path: Path) -> None:
    down = [True]

    def reply(_: dict[str, Any]) -> Awaitable[web.Response] | None:
        return _echo({"error": {"message": "no such model"}}, 404) if down else None

    with Stub(reply=reply) as server:
        folder = scenario(tmp_path / "small", server.url, stop_after=3, max_concurrency=1)
        made = run(folder)
        assert len(server.requests) < 3 * 15
        failed = [a for a in made.answers if a.error]
        assert len(failed) == 3 * 15
        assert {a.attempts for a in failed} == {0}
        before = contents(made.folder.path)
        assert contents(run(folder).folder.path) == before
        down.clear()
        server.requests.clear()
        assert not [a for a in run(folder).answers if a.error]
        assert len(server.requests) == 3 * 15
