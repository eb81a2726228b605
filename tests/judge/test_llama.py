"""A real llama.cpp server as the judge, held to the schema by its grammar, on the path of every endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.llama_server import llama_server
from fixtures.preferences import add_judges
from fixtures.small_scenario import write_small_scenario
from pipeline.runs import Quiet

from harness.flows.judge import ValidateOptions, exit_code, validate_judges

pytestmark = [pytest.mark.model, pytest.mark.slow]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with llama_server() as address:
        yield address


def test_its_replies_are_judgements_and_are_kept(
    url: str, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write_small_scenario(tmp_path / "small", ["prompt"])
    judge = {"kind": "pairwise", "model": "endpoint:local", "max_new_tokens": 60}
    add_judges(folder, {"duel": judge}, n=3, endpoints={"local": {"base_url": url, "model": "smol"}})
    records, file = validate_judges(folder, ValidateOptions(), Quiet())
    [record] = records.judges
    assert record.pairs is not None
    assert record.usage.requests == 6
    assert record.usage.output_tokens
    assert {f.kind for f in record.pairs.failures} <= {"cut off"}  # a grammar leaves no other way to fail
    assert record.pairs.n_failed < 3
    assert record.family == "SmolLM"
    assert exit_code(records) in (100, 101)
    assert json.loads(file.read_text())["judges"][0]["name"] == "duel"
    journal = tmp_path / "reports" / "small" / "judges" / "judgements" / "duel.jsonl"
    before = journal.read_bytes()
    again, _ = validate_judges(folder, ValidateOptions(judge="duel"), Quiet())
    assert journal.read_bytes() == before
    assert again.judges[0].pairs == record.pairs
