from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from harness.comparison.equivalence import equivalence


def alone(differences: Sequence[float]) -> list[tuple[float | None, str]]:
    """Each in a cluster of its own."""
    return [(d, f"c{i}") for i, d in enumerate(differences)]


def test_many_items_without_a_difference_are_equivalent_and_few_are_not() -> None:
    assert equivalence(alone([0.0] * 200), 0.05).equivalent
    few = equivalence(alone([0.0] * 10), 0.05)
    assert few.difference.value == 0
    assert not few.equivalent


def test_a_difference_of_the_margin_is_not_equivalent() -> None:
    worse = equivalence(alone([-1.0] * 10 + [0.0] * 190), 0.05)
    assert worse.difference.value == pytest.approx(-0.05)
    assert not worse.equivalent


def test_as_many_gained_as_lost_is_equivalent_where_they_are_few() -> None:
    assert equivalence(alone([1.0, -1.0] * 5 + [0.0] * 390), 0.05).equivalent
    assert not equivalence(alone([1.0, -1.0] * 50 + [0.0] * 100), 0.05).equivalent


def test_items_of_one_cluster_are_one_piece_of_evidence() -> None:
    differences = [1.0] * 4 + [-1.0] * 4 + [0.0] * 192
    assert equivalence(alone(differences), 0.04).equivalent
    assert not equivalence([(d, f"c{i // 4}") for i, d in enumerate(differences)], 0.04).equivalent


def test_nothing_scored_is_not_equivalent() -> None:
    found = equivalence([(None, "c")] * 3, 0.05)
    assert not found.equivalent
    assert found.difference.reason == "no item was scored on both sides"
    assert found.difference.n_missing == 3


def test_a_true_difference_of_the_margin_passes_at_most_one_in_twenty() -> None:
    """The size of the test, where independent pairs change by -1, 0 and 1 and are worse by the margin."""
    rng = np.random.default_rng(3)
    runs, n, margin = 400, 300, 0.05
    passed = 0
    for _ in range(runs):
        differences = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.85, 0.05], size=n)
        passed += equivalence(alone(differences), margin).equivalent
    assert passed <= stats.binom.ppf(0.999, runs, 0.05)


def test_its_interval_is_that_of_the_classical_test_where_both_apply() -> None:
    rng = np.random.default_rng(4)
    differences = rng.normal(0, 0.1, 200)
    found = equivalence(alone(differences), 0.05).difference
    low, high = stats.t.interval(0.90, 199, differences.mean(), stats.sem(differences))
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))
