"""Intervals of one row at any confidence, without resampling, from its cluster sums.

Each function takes ``sums`` and the number ``k`` of the row in it.
"""

from __future__ import annotations

import numpy as np

from harness.comparison.bootstrap import cluster_sums
from harness.comparison.intervals import effective_n, median_interval, t_value, tango, wilson
from harness.comparison.sums import Sums, robust_variance
from harness.comparison.table import Floats


def wilson_bounds(sums: Sums, k: int, confidence: float) -> tuple[float, float]:
    """Of a share, or of a mean of values within [0, 1], whose variance is at most that of a share."""
    share = min(max(float(sums.mean[k]), 0.0), 1.0)
    return wilson(share, _effective_n(share * (1 - share), sums, k, confidence), confidence)


def tango_bounds(values: Floats, sums: Sums, k: int, scale: float, confidence: float) -> tuple[float, float]:
    """Of a mean of changes within [-scale, scale]: half a change counts as half a discordant pair."""
    changes = values[sums.present[k]] / scale
    n = len(changes)
    gained, lost = float(np.maximum(changes, 0).sum() / n), float(np.maximum(-changes, 0).sum() / n)
    spread = (gained + lost - (gained - lost) ** 2) * scale**2
    effective = _effective_n(spread, sums, k, confidence)
    low, high = tango(gained * effective, lost * effective, effective, confidence)
    return low * scale, high * scale


def mean_bounds(sums: Sums, k: int, confidence: float) -> tuple[float, float]:
    """Student's t with the degrees of freedom that the clusters' sizes leave."""
    half = t_value(float(sums.degrees[k]), confidence) * float(sums.variance[k]) ** 0.5
    return float(sums.mean[k]) - half, float(sums.mean[k]) + half


def median_bounds(values: Floats, sums: Sums, k: int, confidence: float) -> tuple[float, float] | None:
    """Order statistics; with clusters, at the effective n of the share of values up to the median."""
    present = sums.present[k]
    ordered = np.sort(values[present])
    if sums.n_clusters[k] == sums.n[k]:
        return median_interval(ordered, len(ordered), confidence)
    below = ((values <= float(np.median(ordered))) & present)[None, :].astype(np.float64)
    total = cluster_sums(below, sums.cluster, sums.total.shape[1])
    variance = robust_variance(total, sums.size[k : k + 1], total.sum(axis=1) / len(ordered))
    effective = effective_n(
        0.25, float(variance[0]), len(ordered), float(sums.smallest_n[k]), float(sums.degrees[k]), confidence
    )
    return median_interval(ordered, effective, confidence)


def _effective_n(spread: float, sums: Sums, k: int, confidence: float) -> float:
    return effective_n(
        spread,
        float(sums.variance[k]),
        int(sums.n[k]),
        float(sums.smallest_n[k]),
        float(sums.degrees[k]),
        confidence,
    )
