from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.comparison.estimate import (
    Rows,
    analytic_estimates,
    metric_rows,
    statistic_of,
    support_of,
)
from harness.comparison.table import build_table

from .factories import estimates, items, metric, scores

NAN = float("nan")


def test_independent_yes_no_is_wilson() -> None:
    (e,) = estimates([1.0] * 81 + [0.0] * 182)
    assert (e.low, e.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (e.n, e.n_clusters, e.method) == (263, 263, "proportion, Wilson")


@pytest.mark.parametrize("clusters", [30, 10])
def test_none_of_thirty_is_not_certainty(clusters: int) -> None:
    (e,) = estimates(np.zeros(30), np.arange(30) % clusters)
    assert e.low == e.value == 0
    assert e.high == pytest.approx(3.8415 / (clusters + 3.8415), abs=1e-4)


def test_cluster_interval_is_wider_than_naive_where_items_repeat_each_other() -> None:
    x = np.repeat(np.random.default_rng(0).random(60), 5)
    naive, clustered = estimates(x)[0], estimates(x, np.repeat(np.arange(60), 5))[0]
    assert naive.low is not None
    assert naive.high is not None
    assert clustered.low is not None
    assert clustered.high is not None
    assert (clustered.high - clustered.low) / (naive.high - naive.low) == pytest.approx(5**0.5, rel=0.1)


@pytest.mark.parametrize(
    ("clusters", "size", "rate"), [(12, 3, 0.1), (12, 3, 0.5), (40, 5, 0.9), (60, 1, 0.05), (100, 3, 0.5)]
)
def test_coverage_of_clustered_rates(clusters: int, size: int, rate: float) -> None:
    """Beta-binomial clusters with an intra-cluster correlation of 0.3; 300 runs, so +-2.5 points."""
    rng = np.random.default_rng(7)
    odds = (1 - 0.3) / 0.3
    share = rng.beta(rate * odds, (1 - rate) * odds, (300, clusters))
    x = (rng.random((300, clusters * size)) < np.repeat(share, size, axis=1)).astype(float)
    found = estimates(x, np.repeat(np.arange(clusters), size))
    hit = [e.low <= rate <= e.high for e in found if e.low is not None and e.high is not None]
    assert len(hit) == 300
    assert 0.92 <= np.mean(hit) <= 1


@pytest.mark.parametrize("n", [12, 80])
def test_coverage_of_changes(n: int) -> None:
    rng = np.random.default_rng(8)
    x = rng.choice([-1.0, 0, 1], p=[0.05, 0.8, 0.15], size=(300, n))
    found = estimates(x, support="signed")
    hit = [e.low <= 0.1 <= e.high for e in found if e.low is not None and e.high is not None]
    assert len(hit) == 300
    assert 0.92 <= np.mean(hit) <= 1


def test_unbounded_without_spread_or_with_few_items_says_so() -> None:
    equal, few = estimates([2.0] * 9, support="unbounded")[0], estimates([1.0, 2, 3], support="unbounded")[0]
    assert (equal.value, equal.low, equal.high) == (2, None, None)
    assert "all 9 values are equal" in (equal.reason or "")
    assert few.value == 2
    assert few.low is None
    assert "there are 3" in (few.reason or "")


def test_one_cluster() -> None:
    (e,) = estimates([1.0, 0, 1], [0, 0, 0])
    assert e.n_clusters == 1
    assert e.low is not None
    assert e.low < 0.15
    (m,) = estimates([1.0, 0, 1] * 5, [0] * 15, statistic="median", support="unbounded")
    assert m.low is None
    assert m.reason


def test_all_missing() -> None:
    for statistic in ("mean", "median"):
        (e,) = estimates([NAN, NAN], statistic=statistic)  # type: ignore[arg-type]
        assert (e.value, e.low, e.high, e.n, e.reason) == (None, None, None, 0, "nothing")


def test_median_with_order_statistics() -> None:
    x = np.arange(25.0)
    (e,) = estimates(np.random.default_rng(0).permutation(x), statistic="median", support="unbounded")
    assert (e.low, e.value, e.high) == (7, 12, 17)
    (short,) = estimates([3.0, 1, 2], statistic="median", support="unbounded")
    assert (short.value, short.low) == (2, None)
    assert "too few" in (short.reason or "")
    (c,) = estimates(x, np.arange(25) // 2, statistic="median", support="unbounded")
    assert c.low is not None
    assert c.low <= 7
    assert c.method == "median, order statistics with clusters"


def rows_of(values: object, cluster: object, support: str, statistic: str = "mean") -> Rows:
    array = np.atleast_2d(np.asarray(values, dtype=np.float64))
    blank = ("nothing",) * len(array)
    numbers = np.asarray(cluster, dtype=np.int64)
    return Rows(array, numbers, (0,) * len(array), blank, statistic, support)  # type: ignore[arg-type]


def test_mean_of_symmetric_values_is_students() -> None:
    x = np.random.default_rng(0).normal(size=20)
    x = np.concatenate([x, -x])
    for confidence in (0.9, 0.999, 1 - 2e-5):
        (e,) = analytic_estimates(rows_of(x, np.arange(40), "unbounded"), confidence)
        assert (e.low, e.high) == pytest.approx(stats.t.interval(confidence, 39, 0, stats.sem(x)))
        assert e.method == "mean, t corrected for skewness"


def test_mean_of_skewed_values_reaches_to_halls_bound_on_the_long_side() -> None:
    """Hall 1992: g(T) = T + s T^2 / 3 + s^2 T^3 / 27 + s / 6 is nearly normal, s the skewness over root n."""
    x = np.random.default_rng(0).lognormal(size=40)
    (e,) = analytic_estimates(rows_of(x, np.arange(40), "unbounded"), 0.95)
    low, high = stats.t.interval(0.95, 39, x.mean(), stats.sem(x))
    assert e.low == pytest.approx(low)
    assert e.high is not None
    assert e.high > high
    s, t = stats.skew(x) / 40**0.5, (x.mean() - e.high) / stats.sem(x)
    assert t + s * t**2 / 3 + s**2 * t**3 / 27 + s / 6 == pytest.approx(-stats.t.ppf(0.975, 39))
    (mirrored,) = analytic_estimates(rows_of(-x, np.arange(40), "unbounded"), 0.95)
    assert (mirrored.low, mirrored.high) == pytest.approx((-e.high, -low))


def test_analytic_bounds_nest_as_confidence_rises() -> None:
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(40), rng.integers(1, 6, 40))
    yes = (rng.random(len(cluster)) < 0.8).astype(float)
    for values, support, statistic in (
        (yes, "unit", "mean"),
        (yes - (rng.random(len(cluster)) < 0.7), "signed", "mean"),
        (rng.beta(2, 2, len(cluster)), "unit", "mean"),
        (rng.lognormal(size=len(cluster)), "unbounded", "mean"),
        (rng.lognormal(size=len(cluster)), "unbounded", "median"),
    ):
        rows = rows_of(values, cluster, support, statistic)
        found = [analytic_estimates(rows, c)[0] for c in (0.5, 0.95, 0.999, 1 - 2e-5)]
        lows, highs = [e.low for e in found], [e.high for e in found]
        assert lows == sorted(lows, reverse=True)  # type: ignore[type-var]
        assert highs == sorted(highs)  # type: ignore[type-var]
        assert len(set(lows)) == 4


def test_analytic_bound_that_the_items_cannot_support() -> None:
    (e,) = analytic_estimates(rows_of(np.arange(12.0), np.arange(12), "unbounded", "median"), 1 - 2e-5)
    assert (e.value, e.low, e.high) == (5.5, None, None)
    assert "too few" in (e.reason or "")


def test_missing_are_counted_apart_from_not_applicable() -> None:
    rows = scores("m", {"a": [1, None, 0, 1]}) + scores("m", {"b": [None, 0, 1, 1]}, "not applicable: x")
    matrix = build_table(["a", "b"], items(4), rows, ()).metrics["m"]
    a, b = analytic_estimates(metric_rows(metric("m"), matrix, "unit"))
    assert (a.n, a.n_missing, b.n, b.n_missing) == (3, 1, 3, 0)


def test_statistic_and_support_come_from_the_metric() -> None:
    assert statistic_of(metric("x", "s", phase="timing")) == "median"
    assert statistic_of(metric("x", "money", phase="timing")) == "mean"
    assert statistic_of(metric("x", "s")) == "mean"
    small = build_table(["a"], items(2), scores("m", {"a": [0, 1]}), ()).metrics["m"]
    large = build_table(["a"], items(2), scores("m", {"a": [0, 40]}), ()).metrics["m"]
    assert support_of(metric("m", "score"), small) == "unit"
    assert support_of(metric("m", "score"), large) == support_of(metric("m"), large) == "unbounded"
    assert support_of(metric("m", "money"), small) == "unbounded"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.just(NAN), st.sampled_from([0.0, 1.0]), st.floats(0, 1)), min_size=1, max_size=40),
    st.integers(1, 4),
    st.sampled_from(["mean", "median"]),
)
def test_interval_holds_the_value_and_nothing_is_nan(x: list[float], size: int, statistic: str) -> None:
    (e,) = estimates(x, np.arange(len(x)) // size, statistic=statistic)  # type: ignore[arg-type]
    assert e.n == np.isfinite(x).sum()
    assert (e.value is None) == (e.n == 0)
    if e.value is None or e.low is None or e.high is None:
        assert e.reason
    else:
        assert 0 <= e.low <= e.value + 1e-9
        assert e.value - 1e-9 <= e.high <= 1
