"""From rows of numbers to ``Estimate`` records: which interval each row deserves, and why one has none.

Shares of yes and no, and changes between them, have score intervals on an effective n. Other means come from
the cluster bootstrap; it fails where there is too little to resample (three values that differ, four
clusters), so there the score intervals take over as well, and where not even a range of possible values is
known, the estimate says that it has no interval. ``analytic_estimates`` gives intervals at any confidence
without resampling, for a gate that spends its alpha over many looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.comparison.bootstrap import CONFIDENCE, Resampler, cluster_sums, percentile_interval
from harness.comparison.bounds import mean_bounds, median_bounds, tango_bounds, wilson_bounds
from harness.comparison.sums import Sums, summarise
from harness.comparison.table import Bools, Floats, Ints, Matrix
from harness.types.results import Estimate, MetricInfo

Statistic = Literal["mean", "median"]
Support = Literal["unit", "signed", "unbounded"]
How = Literal["empty", "median", "score", "free", "none"]
"""score: Wilson or Tango on effective n; free: resampled, or by Student's t; none: no interval."""

FEW = 10
"""Fewer clusters than this that depart from a bound, and a resample too often holds none of them."""
MIN_CLUSTERS = 5
"""Fewer clusters, and the tail of the expanded percentile interval lies beyond what resamples show."""


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
    """Estimates at 95% of each row of each member of the batch, resampled together.

    A slice reads its draws from memory once for all metrics; that is where the time goes.
    """
    sums = [summarise(rows.values, rows.cluster) for rows in batch]
    hows = [_hows(rows, s) for rows, s in zip(batch, sums, strict=True)]
    draws = _resample(sums, hows, resampler)
    return [
        [_estimate(rows, s, k, how, CONFIDENCE, draws.get((b, k))) for k, how in enumerate(hows[b])]
        for b, (rows, s) in enumerate(zip(batch, sums, strict=True))
    ]


def analytic_estimates(rows: Rows, confidence: float) -> list[Estimate]:
    """Estimates with two-sided intervals at ``confidence``, none of it resampled; one for each row.

    A one-sided bound at level alpha is the end of the interval at 1 - 2 alpha. The tails of the methods (score
    intervals on effective n, Student's t on the cluster-robust variance, order statistics) are closed forms,
    so alpha may be as small as 1e-5. A row that cannot support so much confidence has None and a reason.
    """
    sums = summarise(rows.values, rows.cluster)
    return [_estimate(rows, sums, k, how, confidence, None) for k, how in enumerate(_hows(rows, sums))]


def _resample(
    sums: Sequence[Sums], hows: Sequence[Sequence[How]], resampler: Resampler
) -> dict[tuple[int, int], Floats]:
    """(R,) draws of each row that is resampled, by place in the batch and row."""
    by_width: dict[int, list[tuple[int, int]]] = {}
    for b, ways in enumerate(hows):
        for k, how in enumerate(ways):
            if how == "free":
                by_width.setdefault(sums[b].total.shape[1], []).append((b, k))
    draws: dict[tuple[int, int], Floats] = {}
    for places in by_width.values():
        totals = np.stack([sums[b].total[k] for b, k in places])
        sizes = np.stack([sums[b].size[k] for b, k in places])
        draws.update(zip(places, resampler.ratios(totals, sizes), strict=True))
    return draws


def _hows(rows: Rows, sums: Sums) -> list[How]:
    values, present = rows.values, sums.present
    if rows.statistic == "median":
        return ["empty" if n == 0 else "median" for n in sums.n]
    width = sums.total.shape[1]

    def clusters_with(mask: Bools) -> Ints:
        hits = cluster_sums((mask & present).astype(np.float64), sums.cluster, width)
        return np.asarray((hits > 0).sum(axis=1), dtype=np.int64)

    free = (sums.variance > 0) & (sums.n_clusters >= MIN_CLUSTERS)
    if rows.support != "unbounded":
        events = clusters_with(values != 0)
        if rows.support == "unit":
            events = np.minimum(events, clusters_with(values != 1))
        free &= (events >= np.minimum(FEW, sums.n_clusters)) & ~yes_no(rows, sums)
    fallback: How = "none" if rows.support == "unbounded" else "score"
    return ["empty" if n == 0 else "free" if f else fallback for n, f in zip(sums.n, free, strict=True)]


def yes_no(rows: Rows, sums: Sums) -> Bools:
    """(K,) whether all values are 0 or 1, or for differences -1, 0 or 1."""
    whole = np.isin(rows.values, (0.0, 1.0, -1.0) if rows.support == "signed" else (0.0, 1.0))
    return np.asarray((whole | ~sums.present).all(axis=1), dtype=np.bool_) & (rows.scale == 1.0)


def _estimate(rows: Rows, sums: Sums, k: int, how: How, confidence: float, draws: Floats | None) -> Estimate:
    n, clusters = int(sums.n[k]), int(sums.n_clusters[k])
    if how == "empty":
        return no_estimate(rows.why_empty[k], rows.n_missing[k])
    value = float(sums.mean[k])
    bounds: tuple[float, float] | None = None
    reason = None
    if how == "median":
        value = float(np.median(rows.values[k][sums.present[k]]))
        bounds = median_bounds(rows.values[k], sums, k, confidence)
        name = "median, order statistics" + (" with clusters" if clusters < n else "")
        reason = None if bounds else f"no interval: {clusters} independent items are too few for a median's"
    elif how == "score" and rows.support == "unit":
        value = min(max(value, 0.0), 1.0)
        bounds = wilson_bounds(sums, k, confidence)
        simple = clusters == n and yes_no(rows, sums)[k]
        name = "proportion, Wilson" if simple else "mean, Wilson on effective n"
    elif how == "score":
        bounds = tango_bounds(rows.values[k], sums, k, rows.scale, confidence)
        name = "mean, Tango on effective n"
    elif how == "none":
        name, reason = "mean", _why_no_interval(n, clusters)
    elif draws is None:
        bounds = mean_bounds(sums, k, confidence)
        name = "mean, Student's t" + (" with clusters" if clusters < n else "")
    else:
        bounds = percentile_interval(draws, clusters, confidence)
        name = "mean, cluster bootstrap" if clusters < n else "mean, bootstrap"
    low, high = bounds or (None, None)
    return Estimate(
        value=value, low=low, high=high, n=n, n_missing=rows.n_missing[k], n_clusters=clusters,
        method=rows.label + name, reason=reason,
    )  # fmt: skip


def _why_no_interval(n: int, clusters: int) -> str:
    if clusters < MIN_CLUSTERS:
        return f"no interval: it needs {MIN_CLUSTERS} independent items (clusters), there are {clusters}"
    return f"no interval: all {n} values are equal, so nothing shows their spread"


def no_estimate(reason: str, n_missing: int = 0) -> Estimate:
    return Estimate(
        value=None, low=None, high=None, n=0, n_missing=n_missing, n_clusters=0, method="none", reason=reason
    )
