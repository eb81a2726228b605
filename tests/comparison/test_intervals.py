from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from harness.comparison.intervals import (
    effective_n,
    median_interval,
    ratio_from_bounds,
    tango,
    wilson,
    z_value,
)


@pytest.mark.parametrize(
    ("hits", "n"), [(0, 1), (0, 30), (3, 10), (81, 263), (15, 148), (29, 29), (500, 1000)]
)
def test_wilson_matches_scipy_and_statsmodels(hits: int, n: int) -> None:
    theirs = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits / n, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    from statsmodels.stats import proportion

    assert wilson(hits / n, n) == pytest.approx(
        proportion.proportion_confint(hits, n, method="wilson"), abs=1e-9
    )


def test_wilson_matches_newcombe_1998() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


def test_tango_matches_the_airway_example() -> None:
    # Fagerland, Lydersen & Laake 2014, Statistics in Medicine 33:2850: 1 and 7 discordant of 21.
    assert tango(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize(("b", "c", "n"), [(1, 7, 21), (3, 0, 40), (5, 5, 30), (20, 9, 100)])
def test_tango_bounds_solve_the_score_equation(b: int, c: int, n: int) -> None:
    """The nuisance parameter here by numerical maximum likelihood, in the module in closed form."""

    def statistic(delta: float) -> float:
        def loss(lost: float) -> float:
            terms = ((b, lost + delta), (c, lost), (n - b - c, 1 - 2 * lost - delta))
            return -sum(k * log(max(p, 1e-300)) for k, p in terms if k)

        bounds = (max(0.0, -delta) + 1e-13, (1 - delta) / 2 - 1e-13)
        lost = optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x
        return float((b - c - n * delta) / sqrt(n * (2 * lost + delta * (1 - delta))))

    low, high = tango(b, c, n)
    assert statistic(low) == pytest.approx(z_value(), abs=1e-4)
    assert statistic(high) == pytest.approx(-z_value(), abs=1e-4)


def test_tango_without_discordant_pairs_is_not_degenerate() -> None:
    edge = z_value() ** 2 / (30 + z_value() ** 2)
    assert tango(0, 0, 30) == pytest.approx((-edge, edge))


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0, 500))
def test_tango_is_ordered_and_antisymmetric(gained: float, lost: float, concordant: float) -> None:
    n = gained + lost + concordant + 0.5
    low, high = tango(gained, lost, n)
    assert -1 <= low <= (gained - lost) / n <= high <= 1
    assert tango(lost, gained, n) == pytest.approx((-high, -low), abs=1e-9)


@given(st.floats(0, 1), st.floats(1, 1e5))
def test_wilson_holds_its_share_and_stays_a_share(share: float, n: float) -> None:
    low, high = wilson(share, n)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    assert high - low > 0


def test_effective_n() -> None:
    assert effective_n(0.25, 0.25 / 50, 50, 50, 49) == 50
    assert effective_n(0.0, 0.0, 60, 20, 19) == 20
    assert effective_n(0.0, 0.0, 9, 1, 0) == 1
    # Clusters of 4 that always agree: about as many independent items as clusters.
    assert effective_n(0.25, 0.25 / 300, 1200, 300, 299) == pytest.approx(300, rel=0.02)
    # A variance that no correlation within clusters could give is noise: the bounds are n and smallest_n.
    assert effective_n(0.25, 1e-9, 1200, 300, 1e9) == pytest.approx(1200)
    assert effective_n(0.25, 10.0, 1200, 300, 1e9) == pytest.approx(300)


def test_median_interval_matches_the_binomial() -> None:
    x = np.sort(np.random.default_rng(0).normal(size=25))
    low, high = median_interval(x, 25) or (None, None)
    # Conover 1999, table A3: n = 25 gives ranks 8 and 18 at 95.7%.
    assert (low, high) == (x[7], x[17])
    assert median_interval(x[:5], 5) is None
    assert median_interval(x[:6], 6) == (x[0], x[5])
    reference = stats.quantile_test(x, p=0.5).confidence_interval(0.95)
    assert (low, high) == (reference.low, reference.high)


def test_a_smaller_effective_n_widens_the_median() -> None:
    x = np.sort(np.random.default_rng(0).normal(size=60))
    plain, wide = median_interval(x, 60), median_interval(x, 20)
    assert plain is not None
    assert wide is not None
    assert wide[0] < plain[0] < np.median(x) < plain[1] < wide[1]
    assert median_interval(x, 5.9) is None


@pytest.mark.parametrize("confidence", [0.9, 0.99, 1 - 2e-5])
def test_confidence_is_free(confidence: float) -> None:
    theirs = stats.binomtest(40, 300).proportion_ci(confidence, method="wilson")
    assert wilson(40 / 300, 300, confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    x = np.sort(np.random.default_rng(0).normal(size=200))
    found = stats.quantile_test(x, p=0.5).confidence_interval(confidence)
    assert median_interval(x, 200, confidence) == (found.low, found.high)


def test_ratio_of_independent_normals_matches_fieller() -> None:
    z, (a, sa), (b, sb) = z_value(), (4.0, 0.3), (2.0, 0.1)
    low, high = ratio_from_bounds((a, a - z * sa, a + z * sa), (b, b - z * sb, b + z * sb))
    square, cross, free = b * b - (z * sb) ** 2, a * b, a * a - (z * sa) ** 2
    half = sqrt(cross**2 - square * free)
    assert (low, high) == pytest.approx(((cross - half) / square, (cross + half) / square))
    assert ratio_from_bounds((4, 3, 5), (0.1, 0.0, 0.4))[1] == inf
