"""Intervals of one row at any confidence, without resampling, from its cluster sums.

Each function takes ``sums`` and the number ``k`` of the row in it.
"""

from __future__ import annotations

from math import cbrt

import numpy as np

from harness.comparison.bootstrap import cluster_sums
from harness.comparison.intervals import effective_n, median_interval, t_value, tango, wilson
from harness.comparison.sums import Sums, robust_variance
from harness.comparison.table import Floats


def wilson_bounds(sums: Sums, k: int, confidence: float) -> tuple[float, float]:
    """Of a share, or of a mean of values within [0, 1], whose variance is at most that of a share."""
    share = min(max(float(sums.mean[k]), 0.0), 1.0)
    return wilson(share, row_effective_n(share * (1 - share), sums, k, confidence), confidence)


def tango_bounds(values: Floats, sums: Sums, k: int, scale: float, confidence: float) -> tuple[float, float]:
    """Of a mean of changes within [-scale, scale]: half a change counts as half a discordant pair."""
    changes = values[sums.present[k]] / scale
    n = len(changes)
    gained, lost = float(np.maximum(changes, 0).sum() / n), float(np.maximum(-changes, 0).sum() / n)
    spread = (gained + lost - (gained - lost) ** 2) * scale**2
    effective = row_effective_n(spread, sums, k, confidence)
    low, high = tango(gained * effective, lost * effective, effective, confidence)
    return low * scale, high * scale


def mean_bounds(sums: Sums, k: int, confidence: float) -> tuple[float, float]:
    """Student's t with the degrees of freedom that the clusters' sizes leave, corrected for skewness.

    The transformation of Hall 1992 (JRSS B 54:221) does in closed form what a studentised bootstrap does by
    resampling. The skewness that it takes from few items is itself uncertain, so an end only ever moves away
    from the value: docs/calibration.md shows that this covers best among the methods in use.
    """
    return skewed_bounds(
        float(sums.mean[k]), float(sums.variance[k]), float(sums.degrees[k]), float(sums.skew[k]), confidence
    )


def skewed_bounds(
    value: float, variance: float, degrees: float, skew: float, confidence: float
) -> tuple[float, float]:
    t, error = t_value(degrees, confidence), variance**0.5
    return value - error * max(t, _unskewed(t, skew)), value + error * max(t, -_unskewed(-t, skew))


def _unskewed(t: float, skew: float) -> float:
    """The studentised mean whose transform is ``t``; ``skew`` is the skewness over the root of n."""
    if abs(skew) < 1e-8:
        return t
    return 3 / skew * (cbrt(1 + skew * (t - skew / 6)) - 1)


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


def row_effective_n(spread: float, sums: Sums, k: int, confidence: float) -> float:
    """How many independent items tell as much as row ``k``; ``spread`` is the variance of one."""
    return effective_n(
        spread,
        float(sums.variance[k]),
        int(sums.n[k]),
        float(sums.smallest_n[k]),
        float(sums.share_degrees[k]),
        confidence,
    )
