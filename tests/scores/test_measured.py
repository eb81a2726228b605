"""Latency, speed, cost, style and closeness in meaning, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from harness.types.settings import Style
from harness.types.tokens import StatedTokens, TokenTier

from .factories import NA, answer, context, item, score, value

UNTIMED = NA + "not timed"


def timed(**fields: Any) -> Any:
    return answer("text", phase="timing", **fields)


def test_times_are_those_of_the_answer() -> None:
    given = timed(first_token_s=0.25, total_s=1.25, output_tokens=5)
    assert score("ttft", item(), given) == (0.25, None)
    assert score("latency", item(), given) == (1.25, None)
    assert score("tokens_per_s", item(), given) == (4.0, None)  # 4 tokens after the first, in a second


def test_what_was_not_timed_has_no_time() -> None:
    for metric in ("ttft", "latency", "tokens_per_s"):
        assert score(metric, item(), timed()) == (None, UNTIMED)
    assert score("tokens_per_s", item(), timed(first_token_s=0.1, total_s=1.0)) == (None, UNTIMED)


@pytest.mark.parametrize(("tokens", "total"), [(1, 1.0), (0, 1.0), (5, 0.5)])
def test_a_single_token_has_no_speed(tokens: int, total: float) -> None:
    given = timed(first_token_s=0.5, total_s=total, output_tokens=tokens)
    assert score("tokens_per_s", item(), given) == (None, NA + "a single token has no decoding time")


def test_cost_is_machine_time_at_the_price_over_the_utilisation() -> None:
    # an hour at 0.10 on a machine that is half used
    assert value("cost", item(), answer("x", compute_s=3600.0), context(price=0.1)) == pytest.approx(0.2)
    assert value("cost", item(), answer("x", compute_s=0.0), context(price=0.1)) == 0.0
    found = score("cost", item(), answer("x"))
    assert found == (None, NA + "the machine time of this system is not known")


def test_every_attempt_is_paid() -> None:
    given = answer("x", compute_s=3600.0, attempts=3)
    assert value("cost", item(), given, context(price=0.1)) == pytest.approx(0.6)


def test_an_api_is_paid_by_its_tokens() -> None:
    prices = StatedTokens(
        kind="stated", tiers=(TokenTier(input=1, output=4),), as_of=date(2026, 11, 1), source="a contract"
    )
    there = context()
    economics = there.scenario.economics.model_copy(update={"tokens": {"v": prices}})
    there = replace(there, scenario=there.scenario.model_copy(update={"economics": economics}))
    given = answer("x", compute_s=99.0, prompt_tokens=1000, output_tokens=100, attempts=2)
    assert value("cost", item(), given, there) == pytest.approx(2 * 0.0014)
    assert score("cost", item(), answer("x"), there) == (
        None,
        NA + "the number of tokens of this answer is not known",
    )


STYLE = Style(
    closing="Best wishes, the team",
    max_words=6,
    max_sentences=2,
    forbidden=(r"!", r"(?i)we guarantee"),
    required=(r"\d",),
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("It costs 10 euros.\nBest wishes, the team", 6),
        ("It costs 10 euros [1].\nBest wishes, the team", 6),
        ("It costs 10 euros.", 5),  # no closing
        ("It costs 10 euros!\nBest wishes, the team", 5),
        ("WE GUARANTEE 10.\nBest wishes, the team", 5),
        ("Best wishes, the team, say 1.", 5),  # the closing must close
        ("One. Two. 3.\nBest wishes, the team", 5),
        ("It costs 10 euros in red and blue.\nBest wishes, the team", 5),  # eight words
        ("It costs ten euros.\nBest wishes, the team", 5),
        ("It costs 1.50 euros.\nBest wishes, the team", 6),  # a decimal point ends no sentence
        ("10\nBest wishes, the team", 5),  # no sentence at all is not at most two
        ("Best wishes, the team", 3),  # an empty body keeps closing and the two prohibitions
        ("", 2),
    ],
)
def test_style_is_the_share_of_rules_kept(text: str, kept: int) -> None:
    assert value("style", item(), text, context(style=STYLE)) == pytest.approx(kept / 6)


def test_without_a_style_there_is_nothing_to_keep() -> None:
    assert score("style", item(), "text") == (None, NA + "no style is declared")


def embed(texts: Sequence[str]) -> np.ndarray:
    """Vectors on the unit circle: the text is its angle in degrees."""
    angles = np.deg2rad([float(t or 90) for t in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("text", "references", "expected"),
    [
        ("0", ["0"], 1.0),
        ("0", ["90"], 0.0),
        ("0", ["60"], 0.5),
        ("0", ["90", "60", "180"], 0.5),  # the best reference counts
        ("0", ["180"], -1.0),
        ("0 [1]\nBye", ["0\nBye"], 1.0),  # closing and citation are left out of both
        ("", ["0"], 0.0),
    ],
)
def test_semantic_similarity_is_the_best_cosine(text: str, references: list[str], expected: float) -> None:
    within = context(style=Style(closing="Bye"), embed=embed)
    assert value("semantic", item(references), text, within) == pytest.approx(expected, abs=1e-5)


def test_semantic_similarity_pairs_each_answer_with_its_own_references() -> None:
    from harness.scores.semantic import SemanticSimilarity

    pairs = [(item(["90", "0"]), answer("0")), (item(["60"]), answer("0")), (item(["0", "90"]), answer("90"))]
    found = SemanticSimilarity().score(pairs, context(embed=embed))
    assert [v for v, _ in found] == pytest.approx([1.0, 0.5, 1.0], abs=1e-5)


def test_without_an_embedder_it_is_missing() -> None:
    assert score("semantic", item(), "text") == (None, "no embedder")
