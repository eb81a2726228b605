"""Rephrasings: alike to an embedder, and confirmed by facts, or by numbers and names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.anchors import Anchors
from harness.scenario.rephrased import BARE, SIMILAR, Asked, rephrasings

NOBODY = Anchors(frozenset({"fenna", "holm"}))


def as_alike_as(similarity: float):  # type: ignore[no-untyped-def]
    """An embedder for one tested and one known item whose vectors have this cosine."""

    def embed(texts: Sequence[str]) -> np.ndarray:
        assert len(texts) == 2
        return np.array([[1.0, 0.0], [similarity, np.sqrt(1 - similarity**2)]], dtype=np.float32)

    return embed


def found(one: Asked, other: Asked, similarity: float = 0.7) -> bool:
    return bool(list(rephrasings([one], [other], as_alike_as(similarity), NOBODY)))


DAYS = Asked("when is my money back", "After 5 days.", [["5 days", "five days"]])


def test_an_alike_item_whose_answer_states_the_facts_is_one() -> None:
    assert found(DAYS, Asked("how long does a refund take", "It takes FIVE days, no more."))
    assert not found(DAYS, Asked("how long does a refund take", "It takes 15 days."))
    assert not found(DAYS, Asked("how long does a refund take", "It takes five days."), SIMILAR - 0.01)


def test_every_fact_must_be_stated() -> None:
    two = Asked("what and when", "3 euros after 5 days", [["3 euros"], ["5 days"]])
    assert found(two, Asked("q", "after 5 days you have your 3 euros"))
    assert not found(two, Asked("q", "after 5 days"))


def test_without_facts_the_numbers_and_names_of_both_answers_must_be_the_same() -> None:
    one = Asked("which one", "The Holm, for 12 months.")
    assert found(one, Asked("q", "for twelve months, the holm"))
    assert not found(one, Asked("q", "for 12 months"))
    assert not found(one, Asked("q", "the Fenna, for 12 months"))


def test_with_nothing_to_confirm_it_takes_more_likeness_and_no_conflict_of_the_questions() -> None:
    one, other = Asked("is it red", "I do not know."), Asked("does it come in red", "I can not say.")
    assert not found(one, other, BARE - 0.01)
    assert found(one, other, BARE + 0.01)
    assert not found(Asked("is the Holm red", one.answer), Asked("is the Fenna red", other.answer), 0.9)


def test_a_closing_line_confirms_nothing() -> None:
    """Every answer is signed with the same name and number; that must not count as agreement."""
    closing = "\nYours, Holm 24"
    many = [Asked(f"q{i}", f"Answer with {i + 100}.{closing}") for i in range(12)]

    def alike(texts: Sequence[str]) -> np.ndarray:
        assert not any("Yours" in t for t in texts)
        return np.ones((len(texts), 1), dtype=np.float32)

    assert list(rephrasings(many[:1], many[1:], alike, NOBODY)) == []
    (pair,) = rephrasings(many[:1], [*many[1:], Asked("again", "It is 100.")], alike, NOBODY)
    assert (pair.one, pair.other, pair.text) == (0, 11, "again")


def test_many_items_are_taken_in_blocks() -> None:
    """Six hundred pairs, each alike to its own twin alone."""
    n = 600
    items = [Asked(f"q{i}", f"number {i}", [[str(i)]]) for i in range(n)]

    def own(texts: Sequence[str]) -> np.ndarray:
        return np.vstack([np.eye(n, dtype=np.float32)] * 2)

    assert [(p.one, p.other) for p in rephrasings(items, items, own, NOBODY)] == [(i, i) for i in range(n)]


def test_an_empty_side_embeds_nothing() -> None:
    def never(texts: Sequence[str]) -> np.ndarray:
        raise AssertionError

    assert list(rephrasings([], [DAYS], never, NOBODY)) == []
    assert list(rephrasings([DAYS], [], never, NOBODY)) == []
