"""From rows of numbers to ``Estimate`` records: which interval each row deserves, and why one has none.

Shares of yes and no, and changes between them, have score intervals on an effective n, other means a t corrected
for clusters and skewness, medians order statistics. Where there is too little to see a spread (three values
that differ, four clusters) the score intervals take over, and where not even a range of possible values is
known, the estimate says that it has no interval. None of it is resampled: docs/decisions/0004 says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.comparison.bootstrap import CONFIDENCE, cluster_sums
from harness.comparison.bounds import mean_bounds, median_bounds, tango_bounds, wilson_bounds
from harness.comparison.sums import Sums, summarise
from harness.comparison.table import Bools, Floats, Ints, Matrix
from harness.types.results import Estimate, MetricInfo

Statistic = Literal["mean", "median"]
Support = Literal["unit", "signed", "unbounded"]
How = Literal["empty", "median", "share", "score", "free", "none"]
"""share: Wilson on n; score: Wilson or Tango on effective n; free: t on the robust variance; none: no interval."""

FEW = 10
"""Fewer clusters than this that depart from a bound, and their spread says little of the rest."""
MIN_CLUSTERS = 5
"""Fewer clusters, and neither their variance nor their skewness is known well enough."""


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


def analytic_estimates(rows: Rows, confidence: float = CONFIDENCE) -> list[Estimate]:
    """Estimates with two-sided intervals at ``confidence``; one for each row.

    A one-sided bound at level alpha is the end of the interval at 1 - 2 alpha. The tails of the methods (score
    intervals on effective n, Student's t on the cluster-robust variance, order statistics) are closed forms,
    so alpha may be as small as 1e-5. A row that cannot support so much confidence has None and a reason.
    """
    sums = summarise(rows.values, rows.cluster)
    return [_estimate(rows, sums, k, how, confidence) for k, how in enumerate(_hows(rows, sums))]


def _hows(rows: Rows, sums: Sums) -> list[How]:
    values, present = rows.values, sums.present
    if rows.statistic == "median":
        return ["empty" if n == 0 else "median" for n in sums.n]
    width = sums.total.shape[1]

    def clusters_with(mask: Bools) -> Ints:
        hits = cluster_sums((mask & present).astype(np.float64), sums.cluster, width)
        return np.asarray((hits > 0).sum(axis=1), dtype=np.int64)

    whole = _yes_no(rows, sums)
    free = (sums.variance > 0) & (sums.n_clusters >= MIN_CLUSTERS) & ~whole
    if rows.support != "unbounded":
        events = clusters_with(values != 0)
        if rows.support == "unit":
            events = np.minimum(events, clusters_with(values != 1))
        free &= events >= np.minimum(FEW, sums.n_clusters)
    share = whole & (sums.n == sums.n_clusters) & (rows.support == "unit")
    fallback: How = "none" if rows.support == "unbounded" else "score"
    return [
        "empty" if n == 0 else "free" if f else "share" if s else fallback
        for n, f, s in zip(sums.n, free, share, strict=True)
    ]


def _yes_no(rows: Rows, sums: Sums) -> Bools:
    """(K,) whether all values are 0 or 1, or for differences -1, 0 or 1."""
    if rows.support == "unbounded" or rows.scale != 1:
        return np.zeros(len(rows.values), dtype=np.bool_)
    found = np.abs(rows.values) if rows.support == "signed" else rows.values
    return np.asarray(((found == 0) | (found == 1) | ~sums.present).all(axis=1), dtype=np.bool_)


def _estimate(rows: Rows, sums: Sums, k: int, how: How, confidence: float) -> Estimate:
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
    elif how == "share" or (how == "score" and rows.support == "unit"):
        value = min(max(value, 0.0), 1.0)
        bounds = wilson_bounds(sums, k, confidence)
        name = "proportion, Wilson" if how == "share" else "mean, Wilson on effective n"
    elif how == "score":
        bounds = tango_bounds(rows.values[k], sums, k, rows.scale, confidence)
        name = "mean, Tango on effective n"
    elif how == "none":
        name, reason = "mean", _why_no_interval(n, clusters)
    else:
        bounds = _clipped(mean_bounds(sums, k, confidence), rows)
        name = "mean, t corrected for skewness" + (" with clusters" if clusters < n else "")
    low, high = bounds or (None, None)
    return Estimate(
        value=value, low=low, high=high, n=n, n_missing=rows.n_missing[k], n_clusters=clusters,
        method=rows.label + name, reason=reason,
    )  # fmt: skip


def _clipped(bounds: tuple[float, float], rows: Rows) -> tuple[float, float]:
    if rows.support == "unbounded":
        return bounds
    least = 0.0 if rows.support == "unit" else -rows.scale
    return max(least, bounds[0]), min(rows.scale, bounds[1])


def _why_no_interval(n: int, clusters: int) -> str:
    if clusters < MIN_CLUSTERS:
        return f"no interval: it needs {MIN_CLUSTERS} independent items (clusters), there are {clusters}"
    return f"no interval: all {n} values are equal, so nothing shows their spread"


def no_estimate(reason: str, n_missing: int = 0) -> Estimate:
    return Estimate(
        value=None, low=None, high=None, n=0, n_missing=n_missing, n_clusters=0, method="none", reason=reason
    )
