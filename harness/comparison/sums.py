"""What every interval needs of a row of numbers: cluster sums, a cluster-robust variance and its worth.

The variance is that of Bell & McCaffrey 2002 (Survey Methodology 28:169), "CR2": the usual sandwich is too
small where clusters are few or of unequal size, and this one is right on average for independent items. Its
degrees of freedom follow from how unevenly the clusters carry it (Imbens & Kolesar 2016, Rev. Econ. Stat.
98:701), not from their number alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.comparison.bootstrap import cluster_sums, compact
from harness.comparison.table import Bools, Floats, Ints


@dataclass(frozen=True)
class Sums:
    """K rows on I items in C clusters: (K, C) sums and (K,) summaries."""

    present: Bools
    """(K, I)"""
    cluster: Ints
    """(I,), numbered without gaps; 0 for an item that no row has."""
    total: Floats
    size: Floats
    n: Ints
    n_clusters: Ints
    mean: Floats
    variance: Floats
    """Cluster-robust variance of the mean; 0 where there is one cluster or no spread between clusters."""
    degrees: Floats
    """Degrees of freedom of ``variance``; 0 where there is one cluster."""
    skew: Floats
    """Skewness of the cluster residuals over the root of their number, as skewness corrections need it."""
    share_degrees: Floats
    """``degrees`` for shares: fewer where few clusters hold the events, whose residuals then have heavy tails."""
    smallest_n: Floats
    """Kish's n: how many independent items tell as much if all items of a cluster are always alike."""


def summarise(values: Floats, cluster: Ints) -> Sums:
    """(K, I) values with NaN for holes and (I,) cluster numbers."""
    present = ~np.isnan(values)
    used = present.any(axis=0)
    numbers = np.zeros(present.shape[1], dtype=np.int64)
    numbers[used], width = compact(cluster[used])
    total = cluster_sums(values, numbers, max(width, 1))
    size = cluster_sums(present.astype(np.float64), numbers, max(width, 1))
    n = np.asarray(present.sum(axis=1), dtype=np.int64)
    clusters = np.asarray((size > 0).sum(axis=1), dtype=np.int64)
    mean = total.sum(axis=1) / np.maximum(n, 1)
    variance = robust_variance(total, size, mean)
    squares = np.where(present, values - mean[:, None], 0.0) ** 2
    simple = squares.sum(axis=1) / np.maximum(n, 1) ** 2
    smallest = n**2 / np.maximum((size**2).sum(axis=1), 1)
    degrees = _degrees(size, variance, simple, n / np.maximum(smallest, 1))
    residual = np.where(variance[:, None] > 0, total - mean[:, None] * size, 0.0)
    skew = (residual**3).sum(axis=1) / np.maximum((residual**2).sum(axis=1) ** 1.5, 1e-300)
    # A variance of C residuals with kurtosis k has about 2C/(k-1) degrees of freedom (O'Neill 2014, Am. Stat. 68:282).
    tails = clusters * (residual**4).sum(axis=1) / np.maximum((residual**2).sum(axis=1) ** 2, 1e-300)
    shares = np.clip(2 * clusters / np.maximum(tails - 1, 1e-9), np.minimum(1.0, degrees), degrees)
    return Sums(present, numbers, total, size, n, clusters, mean, variance, degrees, skew, shares, smallest)


def robust_variance(total: Floats, size: Floats, mean: Floats) -> Floats:
    """Variance of means over clusters from (K, C) totals and sizes and the (K,) means."""
    n = np.maximum(size.sum(axis=1, keepdims=True), 1)
    residual = total - mean[:, None] * size
    leverage = np.where(size < n, size / n, 0.0)
    variance = (residual**2 / (1 - leverage)).sum(axis=1) / n[:, 0] ** 2
    # What rounding leaves where all clusters agree is no spread.
    rounding = 1e-26 * (total**2).max(axis=1) / n[:, 0] ** 2
    return np.where(((size > 0).sum(axis=1) < 2) | (variance <= rounding), 0.0, variance)


def _degrees(size: Floats, variance: Floats, simple: Floats, largest_effect: Floats) -> Floats:
    """(K,) Satterthwaite degrees of freedom (tr M)^2 / tr(M^2).

    The variance is a quadratic form in the cluster totals; M is its matrix times their covariance, taken as
    that of equally correlated items, with the correlation that the design effect variance / simple implies.
    """
    n = np.maximum(size.sum(axis=1, keepdims=True), 1)
    leverage = np.where(size < n, size / n, 0.0)
    weight = 1 / (1 - leverage)
    pull = weight * leverage
    common = (pull * leverage).sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        alike = (variance / simple - 1) / (largest_effect - 1)
    alike = np.clip(np.where(np.isfinite(alike), alike, 0.0), 0.0, 1.0)[:, None]
    spread = size * (1 + (size - 1) * alike)
    diagonal = weight - 2 * pull + common
    first, second, third = spread.sum(1), (spread * pull).sum(1), (spread * pull**2).sum(1)
    # The squared off-diagonal (common - pull_g - pull_h) summed over all pairs, then the diagonal put right.
    c = common[:, 0]
    pairs = c**2 * first**2 - 4 * c * first * second + 2 * first * third + 2 * second**2
    own = (spread**2 * (diagonal**2 - (common - 2 * pull) ** 2)).sum(axis=1)
    trace = (spread * diagonal).sum(axis=1)
    degrees = trace**2 / np.maximum(pairs + own, 1e-300)
    return np.where((size > 0).sum(axis=1) < 2, 0.0, np.maximum(degrees, 1.0))
