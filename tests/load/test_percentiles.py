"""Order-statistic intervals: where they begin, and how often they hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from harness.load.percentiles import effective_n, least, percentile, ranks


@pytest.mark.parametrize(("q", "needed"), [(0.5, 6), (0.9, 29), (0.95, 59), (0.99, 299)])
def test_a_percentile_needs_so_many_requests(q: float, needed: int) -> None:
    assert least(q) == needed
    values = list(np.arange(needed, dtype=float))
    refused, _ = percentile(values[1:], q)
    assert (refused.value, refused.low, refused.high) == (None, None, None)
    assert refused.reason == f"{needed - 1} requests, a p{100 * q:g} needs {needed}"
    shuffled = (np.random.default_rng(seed).permutation(values) for seed in range(100))
    given, _ = percentile(next(s for s in shuffled if effective_n(s) == needed), q)
    assert given.low is not None
    assert given.high == needed - 1


@pytest.mark.parametrize("q", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [59, 72, 299, 400, 1000])
def test_ranks_hold_the_quantile_with_the_stated_confidence(q: float, n: int) -> None:
    low, high = ranks(n, q)
    if high is None:
        assert q**n > 0.05
        return
    assert low is not None
    inside = binom.cdf(high - 1, n, q) - binom.cdf(low - 1, n, q)
    assert inside >= 0.95
    assert 1 <= low < high <= n


def test_the_interval_holds_the_true_percentile_of_independent_values() -> None:
    rng = np.random.default_rng(3)
    true = -np.log(1 - 0.95)
    held = 0
    for _ in range(400):
        found, _ = percentile(rng.exponential(1, 150), 0.95)
        assert found.low is not None
        held += found.low <= true and (found.high is None or true <= found.high)
    assert held / 400 >= 0.93


def test_requests_that_are_slow_together_count_for_less() -> None:
    rng = np.random.default_rng(4)
    lone = rng.random(4000) < 0.05
    together = np.repeat(rng.random(200) < 0.05, 20)
    assert effective_n(lone) > 2500
    assert effective_n(together) < 700
    assert effective_n([True] * 50) == 50


def test_the_interval_widens_for_requests_that_are_slow_together() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        runs = np.repeat(rng.exponential(1, 150), 10)
        found, _ = percentile(runs, 0.9)
        assert found.low is not None
        held += found.low <= -np.log(0.1) and (found.high is None or -np.log(0.1) <= found.high)
    assert held / 200 >= 0.9


def test_failed_requests_are_slower_than_all_others() -> None:
    values = np.concatenate([np.full(95, 1.0), np.full(5, np.inf)])
    median, _ = percentile(values, 0.5)
    assert median.value == 1.0
    late, _ = percentile(values, 0.95)
    assert late.value is None
    assert late.reason == "5 of 100 requests failed, so it lies among them"
    assert late.low == 1.0


def test_the_generators_own_lag_widens_the_interval() -> None:
    values = np.random.default_rng(6).exponential(1, 100)
    plain, _ = percentile(values, 0.5)
    widened, _ = percentile(values, 0.5, late=0.1, jitter=0.01)
    assert plain.low is not None
    assert plain.high is not None
    assert widened.value == plain.value
    assert widened.low == pytest.approx(plain.low - 0.11)
    assert widened.high == pytest.approx(plain.high + 0.01)
