"""Rankings from pairwise judgements."""

from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.bradley_terry import Duel, fit, rank_variants

TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
WINS = """
0 7 9 7 7 9 11
6 0 7 5 11 9 9
4 6 0 7 7 8 12
6 8 6 0 6 7 10
6 2 6 7 0 7 12
4 4 5 6 6 0 6
2 4 1 3 1 7 0
"""
"""American League East 1987 (Agresti, Categorical Data Analysis, section 10.6)."""
PUBLISHED = (1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0.0)
"""Log worths beside Baltimore's."""


def table() -> np.ndarray:
    return np.array([line.split() for line in WINS.split("\n") if line], dtype=float)


def games() -> list[Duel]:
    wins = table()
    return [
        Duel(TEAMS[i], TEAMS[j], f"{i}{j}{k}", "a")
        for i in range(7)
        for j in range(7)
        for k in range(int(wins[i, j]))
    ]


def test_the_strengths_are_the_published_ones() -> None:
    found = fit(table()[None])[0]
    assert found - found[-1] == pytest.approx(PUBLISHED, abs=0.006)
    assert found.sum() == pytest.approx(0)


def test_a_ranking_of_all() -> None:
    found = rank_variants("j", TEAMS, games(), np.random.default_rng(1), 500)
    assert [s.variant for s in found.strengths] == list(TEAMS)
    assert (found.n_duels, found.n_ties) == (273, 0)
    for s in found.strengths:
        estimate = s.strength
        assert estimate.low < estimate.value < estimate.high  # type: ignore[operator]
        assert sum(s.ranks) == pytest.approx(1)
        assert s.n_duels == 78
    assert sum(s.best for s in found.strengths) == pytest.approx(1)
    assert found.strengths[-1].ranks[-1] > 0.9
    beats = np.array(found.beats)
    assert beats + beats.T == pytest.approx(1)
    assert beats[0, 6] == pytest.approx(1 / (1 + np.exp(-1.58)), abs=0.02)


def test_a_tie_is_half_a_win() -> None:
    rng = np.random.default_rng(0)
    ties = [Duel("x", "y", str(k), "tie") for k in range(20)]
    halves = [Duel("x", "y", str(k), "a" if k % 2 else "b") for k in range(20)]
    for duels in (ties, halves):
        found = rank_variants("j", ("x", "y"), duels, rng, 50)
        assert found.strengths[0].strength.value == pytest.approx(0)
        assert found.strengths[0].wins == 10


def test_a_variant_that_never_won_has_a_finite_strength() -> None:
    duels = [Duel("x", "y", str(k), "a") for k in range(30)]
    found = rank_variants("j", ("x", "y", "idle"), duels, np.random.default_rng(0), 50)
    assert [s.variant for s in found.strengths] == ["x", "y"]
    assert found.strengths[0].best == 1
    assert 3 < found.strengths[0].strength.value - found.strengths[1].strength.value < 8  # type: ignore[operator]


def test_clusters_are_drawn_whole() -> None:
    rng = np.random.default_rng(0)
    outcomes = ["a" if rng.random() < 0.6 else "b" for _ in range(25)]
    duels = [Duel("x", "y", str(k), o) for k, o in enumerate(outcomes) for _ in range(4)]  # type: ignore[arg-type]
    apart = [Duel("x", "y", str(k), d.outcome) for k, d in enumerate(duels)]
    wide, narrow = (
        rank_variants("j", ("x", "y"), given, np.random.default_rng(1), 500).strengths[0].strength
        for given in (duels, apart)
    )
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)  # type: ignore[operator]


def test_what_cannot_be_ranked_says_why() -> None:
    rng = np.random.default_rng(0)
    islands = [Duel("a", "b", "1", "a"), Duel("c", "d", "2", "a")]
    assert "c, d never met" in (rank_variants("j", "abcd", islands, rng).reason or "")
    assert rank_variants("j", "ab", [], rng).strengths == ()
    few = rank_variants("j", "ab", islands[:1], rng)
    assert few.strengths[0].strength.low is None
    assert "too few" in (few.reason or "")
