"""What validate tells of near duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.scenario.check import check_scenario
from harness.scenario.overlaps import find_overlaps

from .sample import item, turns, write_lines

LONG = "how long does it take until a refund reaches my bank account"


def put(folder: Path, split: str, *lines: dict[str, Any]) -> None:
    write_lines(folder / f"{split}.jsonl", *(item(split, i) for i in range(3)), *lines)


def test_a_sound_scenario_has_none(folder: Path) -> None:
    assert find_overlaps(folder) == []


def test_near_duplicates_are_notes_with_both_places(folder: Path) -> None:
    put(folder, "train", item("train", 0, id="t", messages=turns(LONG, "5 days")))
    put(folder, "heldout", item("heldout", 0, id="h", messages=turns(f"hi, {LONG} please", "5 days")))
    (note,) = find_overlaps(folder)
    assert (note.file, note.line) == (folder / "heldout.jsonl", 4)
    assert note.message == (
        f"'h' shares 86% of its words, in long runs, with 't' (train, {folder / 'train.jsonl'}:4)"
    )
    assert check_scenario(folder, None, None)[1] == []


def test_the_same_conversation_is_a_problem_and_no_note(folder: Path) -> None:
    put(folder, "train", item("train", 0, id="t", messages=turns(LONG, "5 days")))
    put(folder, "heldout", item("heldout", 0, id="h", messages=turns(LONG.upper(), "5 days")))
    (problem,) = check_scenario(folder, None, None)[1]
    assert (problem.file, problem.line) == (folder / "heldout.jsonl", 4)
    assert problem.message == f"asks the same as 't' (train, {folder / 'train.jsonl'}:4)"
    assert find_overlaps(folder) == []


def test_the_same_questions_after_another_answer_are_a_note(folder: Path) -> None:
    put(folder, "train", item("train", 0, id="t", messages=turns("hi", "hello", LONG, "5 days")))
    put(folder, "heldout", item("heldout", 0, id="h", messages=turns("hi", "good morning", LONG, "5 days")))
    assert check_scenario(folder, None, None)[1] == []
    assert [n.message for n in find_overlaps(folder)] == [
        f"'h' asks in the same words as 't' (train, {folder / 'train.jsonl'}:4)"
    ]


def test_a_question_in_an_article_or_a_prompt(folder: Path) -> None:
    put(folder, "heldout", item("heldout", 0, id="h", messages=turns(LONG, "5 days")))
    with (folder / "kb" / "lamp.md").open("a") as f:
        f.write(f"\n## {LONG}?\n")
    with (folder / "system.md").open("a") as f:
        f.write(f"Example: {LONG}\n")
    assert [n.message for n in find_overlaps(folder)] == [
        f"the question stands word for word in {folder / 'kb' / 'lamp.md'}",
        f"the question stands word for word in {folder / 'system.md'}",
    ]


def test_what_cannot_be_read_has_no_notes(folder: Path) -> None:
    (folder / "system.md").unlink()
    assert find_overlaps(folder) == []
    (folder / "scenario.yaml").write_text("]")
    assert find_overlaps(folder) == []
