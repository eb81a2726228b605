"""Numbers and names: what a rephrasing must keep."""

from __future__ import annotations

import pytest

from harness.anchors import Anchors, names_of, numbers_in


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", set()),
        ("no number, and no one either", set()),
        ("12 months", {"12"}),
        ("twelve months", {"12"}),
        ("twenty-two and thirty three", {"22", "33"}),
        ("forty, then five days", {"40", "5"}),
        ("seventy to eighty", {"70", "80"}),
        ("£1,049.50 or 1049.5", {"1049.5"}),
        ("007 and 7.0", {"7"}),
        ("an 11kW box", {"11"}),
        ("someone weighty", set()),
    ],
)
def test_numbers(text: str, numbers: set[str]) -> None:
    assert numbers_in(text) == numbers


def test_names_are_what_is_written_with_a_capital_within_sentences_and_more_than_once() -> None:
    texts = [
        "Ask the Fenna about it. It knows",
        "my Fenna is warm, and the Holm too",
        "THIS IS ALL SHOUTED OUT",
    ]
    texts += ["do Two things or two things", "Two of the Two"]
    assert names_of(texts) == {"fenna", "two"}
    assert names_of([]) == frozenset()


def test_a_conflict_needs_something_that_each_side_alone_has() -> None:
    anchors = Anchors(frozenset({"fenna", "holm"}))
    assert anchors.of("the FENNA has 3") == {"fenna", "3"}
    assert anchors.conflict("my fenna", "my holm")
    assert anchors.conflict("12 days", "fourteen days")
    assert not anchors.conflict("my fenna in 3 days", "my fena in three days")
    assert not anchors.conflict("my lamp", "my chair")
