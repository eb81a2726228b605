"""Intervals for S tests at a time: ours as the comparison computes them, and those that are in common use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.calibration.populations import Floats, Ints
from harness.comparison.bootstrap import Resampler, cluster_sums, expanded_tail
from harness.comparison.estimate import Rows, Statistic, Support, analytic_estimates

Bounds = tuple[Floats, Floats]
Z = 1.959964
SLACK = 1e-9


def analytic(values: Floats, cluster: Ints, support: Support, statistic: Statistic = "mean") -> Bounds:
    """Ours. A test without an interval counts as one that says nothing: it covers."""
    tests = len(values)
    rows = Rows(values, cluster, (0,) * tests, ("none",) * tests, statistic, support)
    found = analytic_estimates(rows)
    low = [-np.inf if e.low is None else e.low for e in found]
    high = [np.inf if e.high is None else e.high for e in found]
    return np.array(low), np.array(high)


def wald(values: Floats) -> Bounds:
    """Mean and 1.96 standard errors, items taken as independent."""
    mean, half = values.mean(axis=1), Z * values.std(axis=1) / np.sqrt(values.shape[1])
    return mean - half, mean + half


def item_bootstrap(values: Floats, cluster: Ints, resamples: int) -> Bounds:
    """Percentiles of the means of resampled items."""
    return _percentiles(values, np.ones(values.shape[1]), resamples, 0.025)


def cluster_bootstrap(values: Floats, cluster: Ints, resamples: int) -> Bounds:
    """Expanded percentiles of the means of resampled clusters (Hesterberg 2015)."""
    total, size = _totals(values, cluster)
    return _percentiles(total, size, resamples, expanded_tail(len(size)))


def _percentiles(total: Floats, size: Floats, resamples: int, tail: float) -> Bounds:
    counts = _counts(len(size), resamples)
    low, high = np.quantile((total @ counts.T) / (counts @ size), (tail, 1 - tail), axis=1)
    return low, high


def studentised_bootstrap(values: Floats, cluster: Ints, resamples: int) -> Bounds:
    """Symmetric bootstrap-t over clusters (Hall 1988, JRSS B 50:35)."""
    total, size = _totals(values, cluster)
    counts = _counts(len(size), resamples)
    return _studentised(total, size, counts, counts, counts @ size)


def wild_bootstrap(values: Floats, cluster: Ints, resamples: int) -> Bounds:
    """Bootstrap-t with residuals of whole clusters times Webb's six weights (Webb 2013, QED paper 1315)."""
    total, size = _totals(values, cluster)
    steps = np.sqrt([0.5, 1.0, 1.5])
    weights = np.random.default_rng(2).choice([*steps, *-steps], (resamples, len(size)))
    return _studentised(total, size, weights, weights**2, np.full(resamples, size.sum()))


def _studentised(total: Floats, size: Floats, weights: Floats, squares: Floats, n: Floats) -> Bounds:
    """Mean and the 95% quantile of \\|t\\| over resamples; (R, C) weights of residuals and of their squares."""
    clusters = len(size)
    mean = total.sum(axis=1) / size.sum()
    residual = total - mean[:, None] * size
    inflate = clusters / (clusters - 1)
    error = np.sqrt((residual**2).sum(axis=1) * inflate) / size.sum()
    shift = (residual @ weights.T) / n
    wild = weights is not squares
    cross = (residual * size) @ weights.T
    own = np.full(len(weights), (size**2).sum()) if wild else squares @ size**2
    variance = ((residual**2) @ squares.T - 2 * shift * cross + shift**2 * own) / n**2 * inflate
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(variance > 1e-18, np.abs(shift) / np.sqrt(variance), 0.0)
    half = np.quantile(t, 0.95, axis=1) * error
    return mean - half, mean + half


def _totals(values: Floats, cluster: Ints) -> tuple[Floats, Floats]:
    n_clusters = int(cluster[-1]) + 1
    return cluster_sums(values, cluster, n_clusters), np.bincount(cluster).astype(np.float64)


def _counts(n_clusters: int, resamples: int) -> Floats:
    return np.asarray(Resampler(1, "all", resamples).counts(n_clusters), dtype=np.float64)


RESAMPLED: dict[str, Callable[[Floats, Ints, int], Bounds]] = {
    "item bootstrap": item_bootstrap,
    "cluster bootstrap": cluster_bootstrap,
    "cluster bootstrap-t": studentised_bootstrap,
    "wild cluster bootstrap": wild_bootstrap,
}


def missed(bounds: Bounds, truth: Floats) -> tuple[float, float]:
    """Shares of tests whose interval lies above the truth, and below it."""
    low, high = bounds
    return float((low > truth + SLACK).mean()), float((high < truth - SLACK).mean())
