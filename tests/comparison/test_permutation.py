from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.comparison.permutation import ENUMERATED, saddlepoint_tail, sign_flip_p


def listed(sums: np.ndarray) -> float:
    """All sign flips, one by one."""
    seen = abs(sums.sum())
    flips = [abs(np.dot(signs, sums)) for signs in product((-1, 1), repeat=len(sums))]
    return float(np.mean(np.array(flips) >= seen - 1e-9))


@pytest.mark.parametrize(("gained", "lost"), [(1, 7), (10, 3), (0, 6), (40, 60), (300, 380), (5, 5)])
def test_without_clusters_it_is_mcnemars_exact_test(gained: int, lost: int) -> None:
    from statsmodels.stats.contingency_tables import mcnemar

    d = np.concatenate([np.ones(gained), -np.ones(lost), np.zeros(50)])
    theirs = mcnemar([[20, gained], [lost, 30]], exact=True).pvalue
    assert sign_flip_p(d) == pytest.approx(min(theirs, 1.0))


def test_the_airway_example() -> None:
    # Fagerland, Lydersen & Laake 2013, BMC Medical Research Methodology 13:91: exact conditional, 0.070.
    assert sign_flip_p(np.array([1.0] + [-1.0] * 7 + [0.0] * 13)) == pytest.approx(0.070, abs=5e-4)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=10))
def test_whole_numbers_match_the_list_of_all_flips(sums: list[int]) -> None:
    array = np.array(sums, dtype=np.float64)
    assert sign_flip_p(array) == pytest.approx(listed(array))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-400, 400), min_size=1, max_size=9))
def test_few_clusters_match_the_list_of_all_flips(sums: list[int]) -> None:
    array = np.array(sums) / 37
    expected = 1.0 if abs(array.sum()) <= 1e-12 * np.abs(array).sum() else listed(array)
    assert sign_flip_p(array) == pytest.approx(expected)


@pytest.mark.slow
def test_saddlepoint_is_close_to_all_flips_and_to_scipy() -> None:
    rng = np.random.default_rng(0)
    for mean in (0.2, 0.5, 0.9):
        d = rng.normal(mean, 1, ENUMERATED + 4)
        expected = listed(d)
        assert sign_flip_p(d) == pytest.approx(expected, rel=0.05, abs=2e-4)
    d = rng.lognormal(0, 1, 60) - 1.35
    theirs = stats.permutation_test(
        (d,), np.sum, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(1)
    ).pvalue
    assert sign_flip_p(d) == pytest.approx(theirs, abs=0.01)


def test_saddlepoint_far_in_the_tail() -> None:
    """Ones have a binomial sum, whose tail is known; a lattice's, so compared with the middle of its step."""
    n, up = 200, 145
    exact = (stats.binom.sf(up - 1, n, 0.5) + stats.binom.sf(up, n, 0.5)) / 2
    assert exact < 1e-9
    assert saddlepoint_tail(np.ones(n), 2.0 * up - n) == pytest.approx(exact, rel=0.1)
    assert saddlepoint_tail(np.linspace(0.5, 1.5, 30), 30.0) == 0.5**30


def test_level_under_clusters() -> None:
    """40 clusters of 6 that agree within; flipping items would reject in about 40%."""
    rng = np.random.default_rng(2)
    own = rng.normal(size=(400, 40, 1)) + 0.5 * rng.normal(size=(400, 40, 6))
    clustered = np.mean([sign_flip_p(d) <= 0.05 for d in own.sum(axis=2)])
    naive = np.mean([sign_flip_p(d) <= 0.05 for d in own.reshape(400, -1)])
    assert clustered <= 0.08
    assert naive > 0.25


def test_nothing_to_flip() -> None:
    assert sign_flip_p(np.zeros(30)) == 1
    assert sign_flip_p(np.array([0.1, -0.1])) == 1
