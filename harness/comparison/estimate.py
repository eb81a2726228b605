"""From rows of numbers to ``Estimate`` records: which interval each row deserves, and why one has none.

Means come from the cluster bootstrap. It fails where there is too little to resample (all answers right,
three failures in all, four clusters), so there the score intervals on an effective n take over, and where
not even a range of possible values is known, the estimate says that it has no interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.comparison.bootstrap import Resampler, cluster_sums, compact, percentile_interval
from harness.comparison.intervals import (
    clustered_median_interval,
    effective_n,
    median_interval,
    tango,
    wilson,
)
from harness.comparison.table import Bools, Floats, Ints, Matrix
from harness.types.results import Estimate, MetricInfo

Statistic = Literal["mean", "median"]
Support = Literal["unit", "signed", "unbounded"]

FEW = 10
"""Fewer clusters than this that depart from a bound, and a resample too often holds none of them."""
MIN_CLUSTERS = 5
"""Fewer clusters, and the tail of the expanded percentile interval lies beyond 4,000 resamples."""


@dataclass(frozen=True)
class Rows:
    """K rows of numbers on the same I items, to be estimated in one go."""

    values: Floats
    """(K, I); NaN where there is none."""
    cluster: Ints
    """(I,)"""
    n_missing: tuple[int, ...]
    why_empty: tuple[str, ...]
    """The reason to give for each row if it has no value at all."""
    statistic: Statistic
    support: Support
    """unit: within [0, 1]; signed: within [-scale, scale]; unbounded: no range is known."""
    scale: float = 1.0
    label: str = ""
    """Put before the method's name: ``paired ``."""


@dataclass(frozen=True)
class Sums:
    """What the intervals need of each row: (K, C) sums and (K,) summaries."""

    present: Bools
    """(K, I)"""
    total: Floats
    size: Floats
    cluster: Ints
    n: Ints
    n_clusters: Ints
    mean: Floats
    variance: Floats
    """Cluster-robust variance of the mean; 0 where there is one cluster."""


def statistic_of(metric: MetricInfo) -> Statistic:
    """Latencies are skewed, so medians; money is multiplied by volume, which only a mean allows."""
    return "median" if metric.phase == "timing" and metric.unit != "money" else "mean"


def support_of(metric: MetricInfo, matrix: Matrix) -> Support:
    """Whether values lie in [0, 1]; ``matrix`` is that of all items, so that all slices are treated alike."""
    seen = matrix.values[~np.isnan(matrix.values)]
    within = not len(seen) or (seen.min() >= 0 and seen.max() <= 1)
    return "unit" if metric.unit in ("rate", "score") and within else "unbounded"


def metric_rows(metric: MetricInfo, matrix: Matrix, support: Support) -> Rows:
    """One row for each variant."""
    return Rows(
        values=matrix.values,
        cluster=matrix.cluster,
        n_missing=tuple(int(n) for n in matrix.missing.sum(axis=1)),
        why_empty=tuple(matrix.why_empty(row) for row in range(len(matrix.values))),
        statistic=statistic_of(metric),
        support=support,
    )


def estimate_rows(rows: Rows, resampler: Resampler) -> list[Estimate]:
    return estimate_all([rows], resampler)[0]


def estimate_all(batch: Sequence[Rows], resampler: Resampler) -> list[list[Estimate]]:
    """Estimates of each row of each member of the batch, resampled together.

    A slice reads its draws from memory once for all metrics; that is where the time goes.
    """
    sums = [_summarise(rows) for rows in batch]
    methods = [_methods(rows, s) for rows, s in zip(batch, sums, strict=True)]
    draws = _resample(sums, methods, resampler)
    return [
        [
            _median(rows, s, k) if how == "median" else _mean(rows, s, k, how, draws.get((b, k)))
            for k, how in enumerate(methods[b])
        ]
        for b, (rows, s) in enumerate(zip(batch, sums, strict=True))
    ]


def _resample(
    sums: Sequence[Sums], methods: Sequence[Sequence[str]], resampler: Resampler
) -> dict[tuple[int, int], Floats]:
    """(R,) draws of each row that is resampled, by place in the batch and row."""
    by_width: dict[int, list[tuple[int, int]]] = {}
    for b, hows in enumerate(methods):
        for k, how in enumerate(hows):
            if how == "bootstrap":
                by_width.setdefault(sums[b].total.shape[1], []).append((b, k))
    draws: dict[tuple[int, int], Floats] = {}
    for places in by_width.values():
        totals = np.stack([sums[b].total[k] for b, k in places])
        sizes = np.stack([sums[b].size[k] for b, k in places])
        draws.update(zip(places, resampler.ratios(totals, sizes), strict=True))
    return draws


def _summarise(rows: Rows) -> Sums:
    present = ~np.isnan(rows.values)
    used = present.any(axis=0)
    cluster = np.zeros(present.shape[1], dtype=np.int64)
    cluster[used], n_clusters = compact(rows.cluster[used])
    total = cluster_sums(rows.values, cluster, max(n_clusters, 1))
    size = cluster_sums(present.astype(np.float64), cluster, max(n_clusters, 1))
    n = present.sum(axis=1)
    clusters = (size > 0).sum(axis=1)
    mean = total.sum(axis=1) / np.maximum(n, 1)
    variance = robust_variance(total, size, mean)
    return Sums(present, total, size, cluster, n, clusters, mean, variance)


def robust_variance(total: Floats, size: Floats, mean: Floats) -> Floats:
    """Linearised variance of a mean over clusters (Liang & Zeger 1986), with the C/(C-1) correction; (K,)."""
    clusters = (size > 0).sum(axis=1)
    residual = ((total - mean[:, None] * size) ** 2).sum(axis=1)
    variance = residual / np.maximum(size.sum(axis=1), 1) ** 2 * clusters / np.maximum(clusters - 1, 1)
    # What rounding leaves where all clusters agree is no spread to resample.
    rounding = 1e-26 * (total**2).max(axis=1)
    return np.where((clusters < 2) | (variance <= rounding), 0.0, variance)


def _methods(rows: Rows, sums: Sums) -> list[str]:
    values, present = rows.values, sums.present
    if rows.statistic == "median":
        return ["median"] * len(values)
    width = sums.total.shape[1]

    def clusters_with(mask: Bools) -> Ints:
        hits = cluster_sums((mask & present).astype(np.float64), sums.cluster, width)
        return np.asarray((hits > 0).sum(axis=1), dtype=np.int64)

    events = clusters_with(values != 0)
    if rows.support == "unit":
        events = np.minimum(events, clusters_with(values != 1))
    yes_no = ((values == 0) | (values == 1) | ~present).all(axis=1)
    enough = (sums.variance > 0) & (sums.n_clusters >= MIN_CLUSTERS)
    if rows.support != "unbounded":
        enough &= events >= np.minimum(FEW, sums.n_clusters)
    fallback = {"unit": "wilson on effective n", "signed": "tango", "unbounded": "none"}[rows.support]
    methods = ["bootstrap" if row else fallback for row in enough]
    if rows.support == "unit":
        single = sums.n == sums.n_clusters
        methods = ["wilson" if y and s else m for y, s, m in zip(yes_no, single, methods, strict=True)]
    return ["empty" if n == 0 else method for n, method in zip(sums.n, methods, strict=True)]


def _mean(rows: Rows, sums: Sums, k: int, method: str, draws: Floats | None) -> Estimate:
    n, clusters = int(sums.n[k]), int(sums.n_clusters[k])
    value, variance = float(sums.mean[k]), float(sums.variance[k])
    if rows.support == "unit":
        value = min(max(value, 0.0), 1.0)
    low: float | None = None
    high: float | None = None
    reason = None
    if method == "bootstrap":
        assert draws is not None
        low, high = percentile_interval(draws, clusters)
        name = "mean, cluster bootstrap" if clusters < n else "mean, bootstrap"
    elif method == "wilson":
        low, high = wilson(value, n)
        name = "proportion, Wilson"
    elif method == "wilson on effective n":
        low, high = wilson(value, effective_n(value * (1 - value), variance, n, clusters))
        name = "mean, Wilson on effective n"
    elif method == "tango":
        low, high = _tango(rows.values[k][sums.present[k]] / rows.scale, variance / rows.scale**2, clusters)
        low, high = low * rows.scale, high * rows.scale
        name = "mean, Tango on effective n"
    elif method == "none":
        name, reason = "mean", _why_no_interval(n, clusters)
    else:
        return _empty(rows, k)
    return Estimate(
        value=value, low=low, high=high, n=n, n_missing=rows.n_missing[k], n_clusters=clusters,
        method=rows.label + name, reason=reason,
    )  # fmt: skip


def _tango(changes: Floats, variance: float, clusters: int) -> tuple[float, float]:
    """Changes in [-1, 1]; half a change counts as half a discordant pair, whose variance is larger."""
    n = len(changes)
    gained, lost = float(np.maximum(changes, 0).sum() / n), float(np.maximum(-changes, 0).sum() / n)
    effective = effective_n(gained + lost - (gained - lost) ** 2, variance, n, clusters)
    return tango(gained * effective, lost * effective, effective)


def _why_no_interval(n: int, clusters: int) -> str:
    if clusters < MIN_CLUSTERS:
        return f"no interval: it needs {MIN_CLUSTERS} independent items (clusters), there are {clusters}"
    return f"no interval: all {n} values are equal, so nothing shows their spread"


def _median(rows: Rows, sums: Sums, k: int) -> Estimate:
    n, clusters = int(sums.n[k]), int(sums.n_clusters[k])
    if n == 0:
        return _empty(rows, k)
    row, present = rows.values[k], sums.present[k]
    ordered = np.sort(row[present])
    value = float(np.median(ordered))
    if clusters == n:
        bounds, name = median_interval(ordered), "median, order statistics"
    else:
        below = (row <= value) & present
        total = cluster_sums(below[None, :].astype(np.float64), sums.cluster, sums.total.shape[1])
        size = sums.size[k : k + 1]
        variance = robust_variance(total, size, total.sum(axis=1) / n)
        bounds = clustered_median_interval(ordered, float(variance[0]), clusters)
        name = "median, order statistics with clusters"
    reason = None if bounds else f"no interval: {clusters} independent items are too few for a median's"
    low, high = bounds or (None, None)
    return Estimate(
        value=value, low=low, high=high, n=n, n_missing=rows.n_missing[k], n_clusters=clusters,
        method=rows.label + name, reason=reason,
    )  # fmt: skip


def _empty(rows: Rows, k: int) -> Estimate:
    return no_estimate(rows.why_empty[k], rows.n_missing[k])


def no_estimate(reason: str, n_missing: int = 0) -> Estimate:
    return Estimate(
        value=None, low=None, high=None, n=0, n_missing=n_missing, n_clusters=0, method="none", reason=reason
    )
