"""Success, fact recall and abstention, by hand."""

from __future__ import annotations

import pytest

from harness.types.data import Item

from .factories import NA, answer, context, item, score, value

PRICE = item(required=[["10 euros", "ten euros"], ["red"]], forbidden=["free of charge", "20 euros"])
UNKNOWN = item(abstain=True, references=["I don't have that information."])
REFUSAL = "Sorry, I don't have that information."


@pytest.mark.parametrize(
    ("text", "success", "recall"),
    [
        ("It costs 10 euros and is red.", 1, 1.0),
        ("It costs TEN EUROS; it's Red!", 1, 1.0),
        ("Red [1], for 10 [2] euros.", 1, 1.0),
        ("It costs 10 euros.", 0, 0.5),
        ("It is blue.", 0, 0.0),
        ("", 0, 0.0),
        ("It is red, costs 10 euros, and is free of charge.", 0, 1.0),
        (
            "It is red and costs 10 euros, not 20 euros.",
            0,
            1.0,
        ),  # a forbidden claim counts wherever it occurs
        ("It is red and costs 120 euros, or 10 euros.", 1, 1.0),
        (f"It is red and costs 10 euros. {REFUSAL}", 0, 1.0),  # answering and abstaining at once is no answer
        (REFUSAL, 0, 0.0),
    ],
)
def test_an_item_that_can_be_answered(text: str, success: float, recall: float) -> None:
    assert score("success", PRICE, text) == (success, None)
    assert score("fact_recall", PRICE, text) == (recall, None)


@pytest.mark.parametrize(
    ("text", "success"),
    [
        (REFUSAL, 1),
        ("i do not have THAT information", 1),
        ("I don\u2019t have that information", 1),
        ("It costs 10 euros.", 0),
        ("", 0),
    ],
)
def test_an_item_that_must_be_abstained_from(text: str, success: float) -> None:
    assert score("success", UNKNOWN, text) == (success, None)
    assert score("abstention_recall", UNKNOWN, text) == (success, None)


@pytest.mark.parametrize(
    ("given", "text", "harm"),
    [
        (PRICE, "It is free of charge.", 1),
        (PRICE, f"It costs 20 euros. {REFUSAL}", 1),
        (PRICE, "It is blue.", 0),  # wrong, and yet claims nothing that the item forbids
        (PRICE, REFUSAL, 0),
        (UNKNOWN, "It costs 10 euros.", 1),
        (UNKNOWN, REFUSAL, 0),
    ],
)
def test_harm_is_worse_than_no_answer(given: Item, text: str, harm: float) -> None:
    assert score("harm", given, text) == (harm, None)


def test_an_item_that_names_no_facts_shows_no_harm() -> None:
    assert score("harm", item(), "Anything.") == (None, NA + "the item names no facts")


def test_abstention_precision_is_over_the_answers_that_abstain() -> None:
    assert score("abstention_precision", UNKNOWN, REFUSAL) == (1.0, None)
    assert score("abstention_precision", PRICE, REFUSAL) == (0.0, None)
    for given in (UNKNOWN, PRICE):
        assert score("abstention_precision", given, "Ten.") == (None, NA + "the answer does not abstain")


def test_what_does_not_apply_says_so() -> None:
    assert score("success", item(), "text") == (None, NA + "the item names no facts")
    assert score("fact_recall", UNKNOWN, REFUSAL) == (None, NA + "the item requires no fact")
    assert score("abstention_recall", PRICE, REFUSAL) == (None, NA + "the item can be answered")


def test_forbidden_claims_alone_do_not_make_an_item_checkable() -> None:
    assert score("success", item(forbidden=["free"]), "text")[0] is None


def test_the_scenario_says_what_an_abstention_is() -> None:
    within = context(abstention=(r"no idea", "can\u2019t say"))
    assert value("success", UNKNOWN, "I have No Idea.", within) == 1
    assert value("success", UNKNOWN, "I can't say.", within) == 1
    assert value("success", UNKNOWN, REFUSAL, within) == 0


def test_an_answer_without_text_counts_as_empty() -> None:
    assert score("success", PRICE, answer(None)) == (0.0, None)
