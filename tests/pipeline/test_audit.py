"""The audit of a run: what the pipeline gives it, and what a planted leak does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.types.results import Audit

from .runs import change, run

pytestmark = pytest.mark.slow


def audit(folder: Path, run_dir: Path | None = None, **options: object) -> Audit:
    found = run(folder, run_dir, **options).comparison.audit
    assert found is not None
    return found


def statuses(found: Audit) -> dict[str, str]:
    return {line.check: line.status for line in found.lines}


def test_a_run_has_nine_checks_and_the_bought_answers_are_cautions(folder: Path) -> None:
    found = statuses(audit(folder))
    assert len(found) == 9
    assert found["Same template"] == found["Same decoding"] == found["Same engine and hardware"] == "caution"
    assert found["Leakage"] == found["Variants and looks"] == "ok"
    ours = statuses(audit(folder, folder.parent / "other" / "r", variants=("rag", "tuned", "tuned-rag")))
    assert set(ours.values()) == {"ok"}, ours


def test_a_planted_leak_is_found_and_the_score_told_without_it(folder: Path) -> None:
    question = "how long does it take until a refund reaches my bank account"
    for file, name, text in (("train", "t", f"hello, {question} thank you"), ("heldout", "h", question)):
        path = folder / f"{file}.jsonl"
        first = json.loads(path.read_text().splitlines()[0])
        messages = [{"role": "user", "content": text}, first["messages"][-1]]
        path.write_text(path.read_text() + json.dumps({**first, "id": name, "messages": messages}) + "\n")
    found = audit(folder)
    assert [(k.item, k.other, k.stage) for k in found.leaks] == [("h", "t", "n-gram")]
    assert found.n_leaked == 1
    assert {(c.all.n, c.clean.n) for c in found.clean if c.variant != "elsewhere"} == {(13, 12)}
    assert statuses(found)["Leakage"] == "broken", "one of thirteen is more than 5%"


def test_every_run_with_other_configurations_is_a_look(folder: Path) -> None:
    runs = folder.parent / "runs"
    assert audit(folder, runs / "one").looks.comparisons == 1
    assert audit(folder, runs / "two").looks.comparisons == 1, "the same look again"
    change(folder, lambda s: s["economics"]["serving"].update(price_per_hour=0.2))
    assert audit(folder, runs / "three").looks.comparisons == 1, "a price changes no answer"
    (folder / "reader.md").write_text("Read, then answer.\n")
    found = audit(folder, runs / "four")
    assert found.looks.comparisons == 2
    assert found.looks.configurations["rag"] == 2
    assert found.looks.configurations["prompt"] == 1
    assert statuses(found)["Variants and looks"] == "caution"


def test_a_preview_looked_at_some_of_the_items_and_counts(folder: Path) -> None:
    runs = folder.parent / "runs"
    audit(folder, runs / "quick", limit=4)
    assert audit(folder, runs / "full").looks.comparisons == 2


def test_other_held_out_items_were_not_looked_at(folder: Path) -> None:
    runs = folder.parent / "runs"
    audit(folder, runs / "one")
    path = folder / "heldout.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    assert audit(folder, runs / "two").looks.comparisons == 1
