"""Closed-form intervals for where resampling cannot work: proportions, rare events, medians, ratios.

Wilson and Tango are written out because they are needed at a fractional effective n, which scipy refuses, and
because importing statsmodels costs a second; the tests hold them against statsmodels and published examples.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import inf, sqrt

import numpy as np
from scipy.special import bdtr, ndtri, stdtrit

from harness.comparison.bootstrap import CONFIDENCE
from harness.comparison.table import Floats


@lru_cache(maxsize=16)
def z_value(confidence: float = CONFIDENCE) -> float:
    return float(ndtri(0.5 + confidence / 2))


@lru_cache(maxsize=4096)
def t_value(degrees: int, confidence: float = CONFIDENCE) -> float:
    return float(stdtrit(degrees, 0.5 + confidence / 2))


def wilson(share: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927, JASA 22:158); ``n`` may be effective, fractional.

    For values anywhere in [0, 1] it is conservative: their variance is at most that of a yes/no.
    """
    z = z_value(confidence)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(max(share * (1 - share), 0.0) / n + z * z / (4 * n * n))
    low = 0.0 if share <= 0 else max(0.0, middle - half)
    return low, 1.0 if share >= 1 else min(1.0, middle + half)


def effective_n(
    spread: float, variance: float, n: int, n_clusters: int, confidence: float = CONFIDENCE
) -> float:
    """How many independent items tell as much (Korn & Graubard 1998, Surv. Methodol. 24:193).

    ``spread`` is the variance of one yes/no item, ``variance`` the cluster-robust one of the mean. Without
    any, nothing shows how alike a cluster's items are, so a cluster counts as one. Never more than ``n``.
    """
    if n == n_clusters:
        return float(n)
    if n_clusters < 2 or variance <= 0:
        return float(n_clusters)
    shrink = (z_value(confidence) / t_value(n_clusters - 1, confidence)) ** 2
    return min(float(n), max(1.0, shrink * spread / variance))


def tango(gained: float, lost: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of a difference of paired proportions (Tango 1998, Statistics in Medicine 17:891).

    ``gained`` and ``lost`` are the numbers of discordant pairs of each direction among ``n``; all three may
    be effective, fractional numbers. Without discordant pairs it is +-z^2/(n+z^2), so "no difference seen
    in 30 items" does not read as "no difference".
    """
    z = z_value(confidence)
    difference = (gained - lost) / n

    def score(delta: float) -> float:
        b = -gained - lost + (2 * n - gained + lost) * delta
        c = -lost * delta * (1 - delta)
        share = (sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        variance = n * (2 * share + delta * (1 - delta))
        distance = gained - lost - n * delta
        if variance <= 0:
            return 0.0 if abs(distance) < 1e-12 else (inf if distance > 0 else -inf)
        return distance / sqrt(variance)

    low = -1.0 if difference <= -1 else _root(score, z, -1.0, difference)
    high = 1.0 if difference >= 1 else _root(score, -z, difference, 1.0)
    return low, high


def _root(falling: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Bisection of a falling function; 60 halvings reach the last bit."""
    for _ in range(60):
        middle = (low + high) / 2
        if falling(middle) > target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def median_interval(ordered: Floats, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Order-statistic (sign test) interval of the median of independent values (Thompson 1936).

    Needs no assumption about the shape, which latencies would break. None below 6 values at 95%.
    """
    n = len(ordered)
    tails = bdtr(np.arange(n // 2, dtype=np.float64), n, 0.5)
    k = int(np.searchsorted(tails, (1 - confidence) / 2, side="right"))
    if k < 1:
        return None
    return float(ordered[k - 1]), float(ordered[n - k])


def clustered_median_interval(
    ordered: Floats, variance_at_half: float, n_clusters: int, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Order statistics at the bounds of the share below the median (Woodruff 1952, JASA 47:635).

    ``variance_at_half`` is the cluster-robust variance of the share of values at or below the median.
    """
    if n_clusters < 6:
        return None
    half = t_value(n_clusters - 1, confidence) * sqrt(max(variance_at_half, 0.25 / len(ordered)))
    if half >= 0.5:
        return None
    n = len(ordered)
    low, high = int(np.floor((0.5 - half) * n)), int(np.ceil((0.5 + half) * n))
    return float(ordered[max(low - 1, 0)]), float(ordered[min(high, n - 1)])


def ratio_from_bounds(
    above: tuple[float, float, float], below: tuple[float, float, float]
) -> tuple[float, float]:
    """MOVER-R (Donner & Zou 2012, Stat Methods Med Res 21:347) from two (value, low, high).

    Takes the two as independent. The upper bound is infinite where the denominator's interval reaches 0.
    """
    (a, a_low, a_high), (b, b_low, b_high) = above, below

    def bound(a_end: float, b_end: float, sign: int) -> float:
        under = b_end * (2 * b - b_end)
        if b_end <= 0:
            return inf
        if (
            under <= 0
        ):  # the denominator may be twice its value: the method has no bound, the ratio of the ends does
            return a_end / b_end if sign < 0 else inf
        root = sqrt(max((a * b) ** 2 - a_end * under * (2 * a - a_end), 0.0))
        return (a * b + sign * root) / under

    return max(0.0, bound(a_low, b_high, -1)), bound(a_high, b_low, 1)
