"""A reply is a judgement or a failure of a known kind, whatever a model writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.parse import Failure, Passed, Preferred, Rated, read, schema
from harness.types.judge_record import JudgeReply

PASS = '{"reason": "right price", "verdict": "pass"}'


def _read(text: str) -> object:
    return read(JudgeReply(key="k", text=text), Passed)


@pytest.mark.parametrize(
    "text",
    [
        PASS,
        f"```json\n{PASS}\n```",
        f"<think>is it {{}}?</think>\n{PASS}",
        f"Here is my judgement: {PASS}",
        PASS.replace("}", ', "confidence": 0.9}'),
    ],
)
def test_a_judgement_is_found_in_the_usual_wrappings(text: str) -> None:
    assert _read(text) == Passed(reason="right price", verdict="pass")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "not JSON"),
        ("pass pass pass", "not JSON"),
        ('{"reason": "cut', "not JSON"),
        ("I'm sorry, but I cannot help with that.", "refusal"),
        ('{"reason": "x", "verdict": "maybe"}', "wrong schema"),
        ('{"verdict": "pass"}', "wrong schema"),
        ('["pass"]', "wrong schema"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_judgement_is_a_failure_of_its_kind(text: str, kind: str) -> None:
    found = _read(text)
    assert isinstance(found, Failure)
    assert found.kind == kind
    assert str(found).startswith(f"{kind}: ")


def test_a_rating_is_a_whole_number_from_1_to_5() -> None:
    for said, good in (("4", True), ("6", False), ("4.5", False), ('"4"', False), ("true", False)):
        found = read(JudgeReply(key="k", text=f'{{"reason": "r", "score": {said}}}'), Rated)
        assert isinstance(found, Rated) == good, said


def test_a_failure_of_the_engine_stays_what_it_was() -> None:
    found = read(JudgeReply(key="k", text=None, failure="timeout", detail="no answer within 1 s"), Preferred)
    assert found == Failure("timeout", "no answer within 1 s")


@given(st.text())
def test_no_reply_breaks_the_reader(text: str) -> None:
    assert isinstance(_read(text), Passed | Failure)


def test_the_schema_asks_for_all_and_for_nothing_else() -> None:
    for kind, field in ((Passed, "verdict"), (Rated, "score"), (Preferred, "choice")):
        found = schema(kind)
        assert found["required"] == ["reason", field]
        assert found["additionalProperties"] is False
