"""When a hit of the cache counts as wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cached import _other_facts, _wrong
from harness.protocols import ScoringContext
from harness.scenario.load import load_scenario
from harness.types.answers import Answer
from harness.types.data import Facts, Item, Message

CONTEXT = ScoringContext(load_scenario(Path(__file__).parents[1] / "scenarios" / "support-bot"))
REFUSAL = "I do not have that information."


def item(name: str, *facts: tuple[str, ...], abstain: bool = False) -> Item:
    return Item(
        id=name, split="heldout", messages=(Message(role="user", content=name),), references=("x",), cluster=name,
        facts=Facts(required=facts), abstain=abstain,
    )  # fmt: skip


def answers(**texts: str) -> dict[str, Answer]:
    return {n: Answer(variant="v", item=n, phase="quality", key="k", text=t) for n, t in texts.items()}


@pytest.mark.parametrize(
    ("fresh", "kept", "wrong"),
    [
        ("5 days", "6 weeks", True),
        ("5 days", "5 days", False),
        ("6 days", "7 days", False),
        ("6 days", "5 days", False),
    ],
)
def test_a_hit_is_wrong_where_the_fresh_answer_was_right(fresh: str, kept: str, wrong: bool) -> None:
    assert _wrong(item("a", ("5 days",)), item("b"), answers(a=fresh, b=kept), CONTEXT) is wrong


def test_a_hit_that_cannot_be_judged_is_none() -> None:
    assert _wrong(item("a", ("5 days",)), item("b"), answers(a="5 days"), CONTEXT) is None
    assert _wrong(item("a"), item("b"), answers(a="x", b="y"), CONTEXT) is None  # it names no facts
    assert _wrong(item("a", abstain=True), item("b"), answers(a=REFUSAL, b="5 days"), CONTEXT) is True


def test_facts_are_the_same_in_any_accepted_wording() -> None:
    five = item("a", ("5 days", "five days"))
    assert _other_facts(five, item("b", ("Five days",))) is False
    assert _other_facts(five, item("b", ("6 days",))) is True
    assert _other_facts(five, item("b", ("5 days",), ("by post",))) is True
    assert _other_facts(five, item("b", abstain=True)) is True
    assert _other_facts(item("a", abstain=True), item("b", abstain=True)) is False
    assert _other_facts(five, item("b")) is None
