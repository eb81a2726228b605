"""Answers of another system: read, checked line by line, missing ones recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ScenarioError
from harness.types.answers import Answer
from harness.types.settings import VariantSpec
from harness.variants.precomputed import PrecomputedVariant

from .factories import heldout


def write(file: Path, *lines: Any) -> PrecomputedVariant:
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return PrecomputedVariant(VariantSpec(name="other", weights=f"precomputed:{file.name}"), file)


def reply(given: PrecomputedVariant, phase: str = "quality") -> dict[str, Answer]:
    told: list[Answer] = []
    items = heldout(3)
    given.reply(items, {i.id for i in items}, phase, told.append)  # type: ignore[arg-type]
    return {a.item: a for a in told}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "other.jsonl"


def test_text_times_and_tokens_are_taken(file: Path) -> None:
    line = {
        "id": "heldout-0",
        "text": "Ten euros.",
        "total_s": 0.5,
        "first_token_s": 0.1,
        "prompt_tokens": 9,
        "output_tokens": 3,
    }
    answer = reply(write(file, line), "timing")["heldout-0"]
    assert (answer.text, answer.error) == ("Ten euros.", None)
    assert (answer.total_s, answer.first_token_s, answer.prompt_tokens, answer.output_tokens) == (
        0.5,
        0.1,
        9,
        3,
    )
    assert (answer.compute_s, answer.variant, answer.phase) == (None, "other", "timing")


def test_a_missing_answer_and_a_recorded_error_are_failures(file: Path) -> None:
    given = write(file, {"id": "heldout-0", "text": ""}, {"id": "heldout-1", "error": "refused by the API"})
    told = reply(given)
    assert (told["heldout-0"].text, told["heldout-0"].error) == ("", None)
    assert told["heldout-1"].error == "refused by the API"
    assert told["heldout-2"].error == "other.jsonl has no answer for this item"


def test_blank_lines_and_answers_to_other_items_do_no_harm(file: Path) -> None:
    given = write(file, "", {"id": "heldout-0", "text": "a"}, "  ", {"id": "elsewhere", "text": "b"})
    assert reply(given)["heldout-0"].text == "a"


def test_a_line_separator_of_unicode_does_not_end_a_line(file: Path) -> None:
    assert (
        reply(write(file, {"id": "heldout-0", "text": "a\u2028b\x85c"}))["heldout-0"].text == "a\u2028b\x85c"
    )


def test_every_bad_line_is_named_with_its_number(file: Path) -> None:
    given = write(
        file,
        {"id": "heldout-0", "text": "fine"},
        "{not json",
        {"id": "heldout-1"},
        {"id": "heldout-0", "text": "again"},
        {"id": "heldout-2", "text": "x", "cost": 3},
        {"text": "no id"},
        '{"id": "heldout-3", "text": "x", "total_s": NaN}',
        {"id": "heldout-4", "text": "x", "first_token_s": -1},
        [1, 2],
    )
    with pytest.raises(ScenarioError) as caught:
        given.prepare()
    assert caught.value.exit_code == 2
    assert [p.line for p in caught.value.problems] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert {p.file for p in caught.value.problems} == {file}
    told = [p.message for p in caught.value.problems]
    assert told[1] == "neither text nor error"
    assert told[2] == "a second answer for 'heldout-0'"
    assert told[3].startswith("cost: ")
    assert told[4].startswith("id: ")
    assert told[5].startswith("total_s: ")


def test_a_missing_file_and_another_encoding_are_input_errors(file: Path) -> None:
    with pytest.raises(ScenarioError, match=r"other\.jsonl: file not found, needed by variant 'other'"):
        PrecomputedVariant(VariantSpec(name="other"), file)
    given = write(file, {"id": "a", "text": "x"})
    file.write_bytes(b'{"id": "a", "text": "x"}\n{"id": "b", "text": "caf\xe9"}\n')
    with pytest.raises(ScenarioError, match=r"other\.jsonl:2: not UTF-8"):
        given.prepare()


def test_the_fingerprint_is_of_the_files_content(file: Path) -> None:
    one = write(file, {"id": "a", "text": "x"}).fingerprint
    assert write(file.with_name("copy.jsonl"), {"id": "a", "text": "x"}).fingerprint == one
    assert write(file, {"id": "a", "text": "y"}).fingerprint != one
