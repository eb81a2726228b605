from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.comparison.bootstrap import (
    Resampler,
    cluster_sums,
    compact,
    expanded_tail,
    percentile_interval,
    stable_seed,
)


def test_seed_is_the_same_in_every_process_and_differs_by_name() -> None:
    assert stable_seed(0, "a", "b") == 8784292837032580084
    assert len({stable_seed(s, *n) for s in (0, 1) for n in (("a", "b"), ("ab",), ("b", "a"))}) == 6


def test_counts_are_multinomial() -> None:
    counts = Resampler(0, "all", 2000).counts(20)
    assert (counts.sum(axis=1) == 20).all()
    assert counts.mean() == pytest.approx(1)
    assert counts.var() == pytest.approx(1 - 1 / 20, rel=0.03)
    assert (counts == Resampler(0, "all", 2000).counts(20)).all()
    assert (counts != Resampler(0, "topic=x", 2000).counts(20)).any()


def test_cluster_sums_and_ratios_match_a_loop() -> None:
    rng = np.random.default_rng(0)
    values, names = rng.random((3, 30)), rng.integers(5, 12, 30)
    cluster, width = compact(names)
    sums = cluster_sums(values, cluster, width)
    assert sums == pytest.approx(
        np.array([[row[cluster == c].sum() for c in range(width)] for row in values])
    )
    resampler = Resampler(3, "all", 50)
    sizes = cluster_sums(np.ones((3, 30)), cluster, width)
    draws = resampler.ratios(sums, sizes)
    for r, counts in enumerate(resampler.counts(width)):
        picked = np.repeat(np.arange(width), counts.astype(int))
        resample = np.concatenate([values[:, cluster == c] for c in picked], axis=1)
        assert draws[:, r] == pytest.approx(resample.mean(axis=1))


def test_expanded_percentile_matches_the_t_interval_of_a_normal_mean() -> None:
    x = np.random.default_rng(1).normal(size=15)
    draws = Resampler(0, "all", 20_000).ratios(x[None, :], np.ones((1, 15)))[0]
    t = stats.t.interval(0.95, 14, x.mean(), stats.sem(x))
    assert percentile_interval(draws, 15) == pytest.approx(t, abs=0.08)
    assert expanded_tail(10**6) == pytest.approx(0.025, abs=1e-5)
    assert expanded_tail(10) < 0.025


def test_plain_percentiles_match_scipy() -> None:
    x = np.random.default_rng(2).exponential(size=400)
    ours = percentile_interval(Resampler(0, "all").ratios(x[None, :], np.ones((1, 400)))[0], 400)
    theirs = stats.bootstrap((x,), np.mean, n_resamples=4000, method="percentile", rng=0).confidence_interval
    assert ours == pytest.approx(tuple(theirs), rel=0.02)


def test_infinite_and_undefined_draws() -> None:
    draws = np.concatenate([np.linspace(0, 1, 900), np.full(100, np.inf), np.full(50, np.nan)])
    low, high = percentile_interval(draws, 100)
    assert 0 < low < 0.1
    assert high == np.inf


def test_sums_that_cancel_leave_zero() -> None:
    draws = np.concatenate([np.full(500, 1e-17), np.linspace(0.1, 1, 500)])
    assert percentile_interval(draws, 50)[0] == 0
