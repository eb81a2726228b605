"""Phrases are found whatever their typography, on word boundaries; and what the match cannot see."""

from __future__ import annotations

import pytest

from harness.scores.text import normalise, states, without_citations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Two   WORDS\n", "two words"),
        ("£1,049.50!", "1049.50"),
        ("1,234,567 euros", "1234567 euros"),
        ("2,5 or 12,34", "2 5 or 12 34"),
        ("in 1,000,", "in 1000"),
        ("a list: 1, 200, 300", "a list 1 200 300"),
        ("version 7.1.", "version 7.1"),
        ("e.g. this...", "e g this"),
        ("20 % or 20%", "20% or 20%"),
        ("don\u2019t, don\u2018t, don\u02bct, don't", "don't don't don't don't"),
        ("press 'Reset' or \u2018Reset\u2019", "press reset or reset"),
        ("the customers' lamp's", "the customers lamp's"),
        ("_Reset_ **now** `snake_case`", "reset now snake_case"),
        ("21:00\u201322:00", "21 00 22 00"),
        ("ﬁve ½ straße", "five 1 2 strasse"),
        ("", ""),
        ("?!", ""),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("It costs 50 euros.", "50 euros", True),
        ("It costs 150 euros.", "50 euros", False),
        ("It costs 2.50 euros.", "50 euros", False),
        ("It costs 50.5 euros.", "50", False),
        ("It costs 1,500 euros.", "500 euros", False),
        ("Within THIRTY days", "thirty days", True),
        ("thirtydays", "thirty days", False),
        ("a 20% discount", "20 %", True),
        ("up to 120%", "20%", False),
        ("Open at 9:30.", "9:30", True),
        ("Open at 19:30.", "9:30", False),
        ("Click 'Reset', then wait", "click reset", True),
        ("", "anything", False),
        ("anything", "any", False),
    ],
)
def test_states(text: str, phrase: str, found: bool) -> None:
    assert states(text, phrase) is found


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("It does not cost 10 euros.", "10 euros", True),  # negation is not read
        ("It costs -5 degrees", "5 degrees", True),  # nor a sign
        ("It costs 10.50 euros", "10.5 euros", False),  # nor equal numbers written otherwise
        ("It costs ten euros", "10 euros", False),
        ("It costs 1.049,50 euros", "1049.50", False),  # nor another country's separators
    ],
)
def test_limits_of_the_match(text: str, phrase: str, found: bool) -> None:
    """Why facts list their accepted alternatives, and forbidden claims are whole claims."""
    assert states(text, phrase) is found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is red [1].", "It is red."),
        ("Red [1][2]\nBest wishes", "Red\nBest wishes"),
        ("Red [12]", "Red"),
        ("In [2026] or [x]", "In [2026] or [x]"),
    ],
)
def test_citations_are_not_wording(text: str, expected: str) -> None:
    assert without_citations(text) == expected
