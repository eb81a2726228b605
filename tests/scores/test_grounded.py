"""Groundedness, citations, retrieval recall and rank, by hand."""

from __future__ import annotations

import pytest

from harness.protocols import Scorer
from harness.registry import SCORERS, lookup
from harness.types.data import Passage
from harness.types.settings import Style

from .factories import NA, answer, context, item, score, value

PASSAGES = [
    Passage(id="lamp#0", article="lamp", title="Lamp: Price", text="The lamp costs 10 euros in red."),
    Passage(id="chair#1", article="chair", title="Chair", text="A chair is heavy."),
]
WITHIN = context(style=Style(closing="Best wishes, the team"), passages=PASSAGES)
ASKED = item(question="Is the blue lamp new?", sources=["lamp"])
RETRIEVED = ["lamp", "chair"]
NOTHING_RETRIEVED = NA + "the variant retrieves nothing or the item has no source"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The lamp costs 10 euros.", 1.0),  # lamp costs 10 euros
        ("The lamp costs 12 euros.", 0.75),  # 12 is invented
        ("Price of the blue chair: heavy", 1.0),  # titles and the question count as seen
        ("Zebras!", 0.0),
        ("The lamp costs 10 euros [1].\nBest wishes, the team", 1.0),
        ("The lamp costs 10 euros [1].\nBest wishes, the team\n", 1.0),
    ],
)
def test_groundedness_is_the_share_of_content_words_seen(text: str, expected: float) -> None:
    assert value("grounded", ASKED, answer(text, RETRIEVED), WITHIN) == expected


def test_groundedness_where_there_is_none() -> None:
    assert score("grounded", ASKED, answer("Red."), WITHIN) == (None, NA + "nothing was retrieved")
    refusal = answer("I don't have that information.", RETRIEVED)
    assert score("grounded", ASKED, refusal, WITHIN) == (None, NA + "the answer abstains")
    for text in ("", "It is the.", "[1]"):
        found = score("grounded", ASKED, answer(text, RETRIEVED), WITHIN)
        assert found == (None, "the answer has no content words")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Red [1].", 1.0),
        ("Red [1] and heavy [2].", 1.0),
        ("Red [2].", 0.0),  # names another article
        ("Red [1] [3].", 0.0),  # names a passage that was not shown
        ("Red [0] [1].", 0.0),
        ("Red.", 0.0),
        ("", 0.0),
        ("Red [1, 2].", 0.0),  # the only form taught and read is one number in brackets
    ],
)
def test_citation(text: str, expected: float) -> None:
    assert score("citation", ASKED, answer(text, RETRIEVED), WITHIN) == (expected, None)


def test_citation_where_there_is_nothing_to_cite() -> None:
    reason = NA + "nothing to cite"
    assert score("citation", ASKED, answer("Red [1]"), WITHIN) == (None, reason)
    assert score("citation", item(), answer("Red [1]", RETRIEVED), WITHIN) == (None, reason)
    refusal = answer("I don't have that information.", RETRIEVED)
    assert score("citation", ASKED, refusal, WITHIN) == (None, reason)


@pytest.mark.parametrize(
    ("sources", "articles", "recall", "rank"),
    [
        (["a"], ["a", "b", "c"], 1.0, 1.0),
        (["b"], ["a", "b", "c"], 1.0, 1 / 2),
        (["c"], ["a", "a", "c"], 1.0, 1 / 3),
        (["a", "x"], ["b", "a"], 0.5, 1 / 2),
        (["a", "b"], ["b", "a"], 1.0, 1.0),
        (["x"], ["a"], 0.0, 0.0),
    ],
)
def test_retrieval(sources: list[str], articles: list[str], recall: float, rank: float) -> None:
    given, reply = item(sources=sources), answer("text", articles)
    assert value("retrieval_recall", given, reply) == recall
    assert value("retrieval_mrr", given, reply) == pytest.approx(rank)


@pytest.mark.parametrize("metric", ["retrieval_recall", "retrieval_mrr"])
def test_a_variant_that_retrieves_scores_zero_where_it_found_nothing(metric: str) -> None:
    scorer: Scorer = lookup(SCORERS, metric)()
    given = item(sources=["a"])
    pairs = [(given, answer("text", ["a"])), (given, answer("text")), (item(), answer("text", ["a"]))]
    assert list(scorer.score(pairs, context())) == [(1.0, None), (0.0, None), (None, NOTHING_RETRIEVED)]
    assert list(scorer.score(pairs[1:2], context())) == [(None, NOTHING_RETRIEVED)]
