"""Scores whose truth is known: S simulated tests of I items each, in clusters, with the true value of each test.

``correlation`` of items within a cluster is on the scale of the values for yes-or-no data, and on the scale of
the normal values beneath for the others; so is the correlation of the two sides of a pair.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Random = np.random.Generator

LARGEST_CLUSTER = 8
SPREAD_OF_LOG = 0.8
"""Of a latency's logarithm: its mean is then 1.4 times its median and its skewness 3.7."""


def cluster_numbers(n: int, alone: bool, rng: Random) -> Ints:
    """(n,) cluster of each item: each its own, or clusters of 1 to 8 items, all sizes equally likely."""
    if alone:
        return np.arange(n)
    sizes = rng.integers(1, LARGEST_CLUSTER + 1, n)
    return np.repeat(np.arange(n), sizes)[:n]


def near(rate: float, tests: int, rng: Random) -> Floats:
    """(S,) true rates around the nominal one.

    At a single rate the coverage of an interval for counts jumps by points when the rate moves by thousandths
    (Brown, Cai & DasGupta 2001), which says more of the rate chosen than of the method; so a narrow band.
    """
    return rate + rng.uniform(-0.2, 0.2, tests) * min(rate, 1 - rate)


def yes_no(rates: Floats, correlation: float, cluster: Ints, rng: Random) -> Floats:
    """(S, I) of 0 and 1: a beta-binomial, whose items in a cluster share a rate."""
    tests = len(rates)
    if correlation == 0:
        return (rng.random((tests, len(cluster))) < rates[:, None]).astype(np.float64)
    odds = (1 - correlation) / correlation
    shape = (tests, int(cluster[-1]) + 1)
    shared = rng.beta(rates[:, None] * odds, (1 - rates[:, None]) * odds, shape)
    return (rng.random((tests, len(cluster))) < shared[:, cluster]).astype(np.float64)


def paired_yes_no(
    first: Floats, second: Floats, paired: float, correlation: float, cluster: Ints, rng: Random
) -> Floats:
    """(S, I) differences in {-1, 0, 1} of two answers with rates ``first`` and ``second``.

    ``paired`` is the correlation of the two, as far as the rates allow. An item copies its cluster's pair with
    probability sqrt(correlation) and else draws its own, so that two items of a cluster correlate by it.
    """
    spread = np.sqrt(first * (1 - first) * second * (1 - second))
    both = np.minimum(first * second + paired * spread, np.minimum(first, second))
    gained, lost = (first - both)[:, None], (second - both)[:, None]

    def drawn(width: int) -> Floats:
        u = rng.random((len(first), width))
        return (u < gained).astype(np.float64) - ((u >= gained) & (u < gained + lost))

    own = drawn(len(cluster))
    if correlation == 0:
        return own
    shared = drawn(int(cluster[-1]) + 1)[:, cluster]
    return np.where(rng.random(own.shape) < np.sqrt(correlation), shared, own)


def normal_pairs(
    tests: int, paired: float, correlation: float, cluster: Ints, rng: Random
) -> tuple[Floats, Floats]:
    """Two (S, I) of standard normal values, correlated within pair and within cluster."""

    def side() -> Floats:
        own = rng.standard_normal((tests, len(cluster)))
        if correlation == 0:
            return own
        shared = rng.standard_normal((tests, int(cluster[-1]) + 1))[:, cluster]
        return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own

    common, a, b = side(), side(), side()
    return tuple(np.sqrt(paired) * common + np.sqrt(1 - paired) * x for x in (a, b))  # type: ignore[return-value]


def latencies(values: Floats, median: float, spread: float = SPREAD_OF_LOG) -> tuple[Floats, float]:
    """Lognormal values and their true mean."""
    return median * np.exp(spread * values), median * float(np.exp(spread**2 / 2))


def overlaps(values: Floats, centre: float, spread: float = 0.45) -> tuple[Floats, float]:
    """Scores like a token F1: within [0, 1], with many at either end; and their true mean.

    A normal value cut off at 0 and 1.
    """
    low, high = -centre / spread, (1 - centre) / spread
    inside = centre * (ndtr(high) - ndtr(low)) + spread * (_density(low) - _density(high))
    return np.clip(centre + spread * values, 0.0, 1.0), float(inside + ndtr(-high))


def _density(z: float) -> float:
    return float(np.exp(-z * z / 2) / np.sqrt(2 * np.pi))
