"""Sign-flip tests: had the two variants been alike, each cluster's difference could as well have had the other sign.

Whole clusters flip, because items of a cluster are not independent. For yes-or-no items that are their own
clusters this is the exact McNemar test; the tail is exact there and for whole-numbered cluster sums in
general, exact by enumeration for few clusters, and else from the saddlepoint approximation of Robinson 1982
(JRSS B 44:91), whose relative error is small far out in the tail, where random flips would show nothing.
"""

from __future__ import annotations

from math import exp, log, pi, sqrt

import numpy as np
from scipy.special import gammaln, ndtr

from harness.comparison.table import Floats

ENUMERATED = 12
"""Up to so many clusters all flips are listed."""
_NEWTON_STEPS = 60


def sign_flip_p(sums: Floats) -> float:
    """Two-sided p-value of (C,) cluster sums of differences: how often flipped sums are as far from 0.

    Holds its level where differences are as likely of one sign as of the other; where they are skewed, only as
    the number of clusters grows.
    """
    flips = np.sort(np.abs(sums[sums != 0]))
    seen = abs(float(sums.sum()))
    if not len(flips) or seen <= 1e-12 * float(flips.sum()):
        return 1.0
    if np.array_equal(flips, np.round(flips)):
        return _whole(flips, seen)
    if len(flips) <= ENUMERATED:
        return _enumerated(flips, seen)
    return min(1.0, 2 * saddlepoint_tail(flips, seen))


def _whole(flips: Floats, seen: float) -> float:
    """Exact: the sum is a convolution of m(2B - c), where c clusters of size m have B positive signs."""
    sizes, counts = np.unique(flips.astype(np.int64), return_counts=True)
    chances = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        k = np.arange(count + 1)
        binomial = np.exp(gammaln(count + 1) - gammaln(k + 1) - gammaln(count - k + 1) - count * log(2))
        spread = np.zeros(size * count + 1)
        spread[::size] = binomial
        chances = np.convolve(chances, spread)
    # Place p of ``chances`` is the sum 2p - total.
    total = len(chances) - 1
    inside = chances[: int((total - round(seen)) // 2) + 1].sum()
    return min(1.0, 2 * float(inside))


def _enumerated(flips: Floats, seen: float) -> float:
    signs = 1 - 2 * ((np.arange(2 ** len(flips))[:, None] >> np.arange(len(flips))) & 1)
    return float((np.abs(signs @ flips) >= seen * (1 - 1e-12)).mean())


def saddlepoint_tail(flips: Floats, seen: float) -> float:
    """P(sum of randomly signed ``flips`` >= ``seen``) for ``seen`` > 0, by the formula of Lugannani & Rice."""
    scale = float(flips.max())
    sizes, target = flips / scale, seen / scale
    certain = 0.5 ** len(sizes)
    if target >= float(sizes.sum()) * (1 - 1e-9):
        return certain
    s = target / float((sizes**2).sum())
    for _ in range(_NEWTON_STEPS):
        tilt = np.tanh(s * sizes)
        step = (target - float((sizes * tilt).sum())) / max(float((sizes**2 * (1 - tilt**2)).sum()), 1e-300)
        # The derivative falls, so a full step never passes the root from below; from above it may.
        s = max(s + step, s / 2)
        if abs(step) <= 1e-12 * max(s, 1.0):
            break
    log_moment = float((np.abs(s * sizes) + np.log1p(np.exp(-2 * np.abs(s * sizes))) - log(2)).sum())
    curvature = float((sizes**2 / np.cosh(np.minimum(s * sizes, 300.0)) ** 2).sum())
    w, u = sqrt(max(2 * (s * target - log_moment), 0.0)), s * sqrt(curvature)
    if w < 1e-4:
        return 0.5
    density = exp(-w * w / 2) / sqrt(2 * pi)
    tail = float(ndtr(-w)) + density * (1 / u - 1 / w)
    return min(0.5, max(tail, certain))
