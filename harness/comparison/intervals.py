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
def t_value(degrees: float, confidence: float = CONFIDENCE) -> float:
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
    spread: float,
    variance: float,
    n: float,
    smallest_n: float,
    degrees: float,
    confidence: float = CONFIDENCE,
) -> float:
    """How many independent items tell as much (Korn & Graubard 1998, Surv. Methodol. 24:193).

    ``spread`` is the variance of one yes/no item, ``variance`` the cluster-robust one of the mean with its
    ``degrees`` of freedom, whose price is taken off. Without any variance nothing shows how alike a cluster's
    items are, so they count as all alike, which ``smallest_n`` (Kish's n^2 over the sum of squared cluster
    sizes) items' worth is. Never less than that nor more than ``n``: no correlation within clusters could be.
    """
    if smallest_n >= n:
        return float(n)
    if degrees <= 0 or variance <= 0:
        return smallest_n
    shrink = (z_value(confidence) / t_value(degrees, confidence)) ** 2
    return min(float(n), max(smallest_n, shrink * spread / variance))


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


def median_interval(
    ordered: Floats, effective_n: float, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Order-statistic (sign test) interval of the median (Thompson 1936, Ann. Math. Stat. 7:122).

    Needs no assumption about the shape, which latencies would break. The ranks are those that ``effective_n``
    independent values would have, stretched to all (Woodruff 1952, JASA 47:635). None where even the extremes
    fall short of the confidence: below 6 values at 95%.
    """
    n, worth = len(ordered), int(effective_n)
    tails = bdtr(np.arange(worth // 2, dtype=np.float64), worth, 0.5)
    k = int(np.searchsorted(tails, (1 - confidence) / 2, side="right"))
    if k < 1:
        return None
    rank = max(1, k * n // worth)
    return float(ordered[rank - 1]), float(ordered[n - rank])


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
