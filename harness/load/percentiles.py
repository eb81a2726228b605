"""Percentiles of latencies with intervals that hold for any shape and for requests that are slow together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from math import ceil, floor, inf

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc

from harness.types.load import Percentile

CONFIDENCE = 0.95
QS = (0.5, 0.9, 0.95, 0.99)

Floats = NDArray[np.float64]


@lru_cache
def least(q: float, confidence: float = CONFIDENCE) -> int:
    """Fewest values at which a percentile has an interval: 59 for the 95th, 299 for the 99th.

    Below, the true percentile lies outside even of all values with a probability of more than 1 - ``confidence``.
    """
    return next(n for n in count(1) if q**n + (1 - q) ** n <= 1 - confidence)


@lru_cache(maxsize=4096)
def ranks(n: int, q: float, confidence: float = CONFIDENCE) -> tuple[int | None, int | None]:
    """Ranks (from 1) whose values hold the ``q`` quantile with ``confidence``; None for no bound on that side.

    Order statistics (David & Nagaraja 2003, Order Statistics, section 7.1): the number of values below the
    quantile is binomial. Equal tails where both fit; where the largest value is needed, the lower tail gets what
    is left, so that an interval exists from ``least`` on. Where none does, the bound of the lower side alone.
    """
    allowed = 1 - confidence
    above = bdtrc(np.arange(n, dtype=np.float64), n, q)  # P(value of rank 1, 2, ... < quantile)
    upper = int(np.searchsorted(-above, -allowed / 2)) + 1
    spent = float(above[min(upper, n) - 1])
    if spent > allowed:
        return _lower(n, q, allowed), None
    return _lower(n, q, allowed - spent), min(upper, n)


def _lower(n: int, q: float, allowed: float) -> int | None:
    """The highest rank whose value exceeds the quantile with a probability of at most ``allowed``."""
    tails = bdtr(np.arange(n, dtype=np.float64), n, q)
    return int(np.searchsorted(tails, allowed, side="right")) or None


def effective_n(values: Sequence[float] | Sequence[bool] | Floats | NDArray[np.bool_]) -> float:
    """How many independent values tell as much as these, in their order of time.

    n over the integrated autocorrelation time, summed over Geyer's (1992, Stat. Sci. 7:473) initial positive
    sequence of pairs; values whose first two lags are within twice their noise count as independent, because a
    sum over noise would take some off any sample. Never more than n: a schedule that spreads requests more evenly
    than chance is not used to narrow an interval.
    """
    x = np.asarray(values, dtype=np.float64)
    x = np.where(np.isfinite(x), x, x[np.isfinite(x)].max(initial=0.0))
    n = len(x)
    x = x - x.mean()
    variance = float(x @ x) / n if n else 0.0
    if n < 4 or variance == 0:
        return float(n)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(x, size)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), size)[:n] / n
    rho = covariance / variance
    if rho[1] + rho[2] <= 2 * (2 / n) ** 0.5:
        return float(n)
    pairs = rho[: n // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.nonzero(pairs <= 0)[0]
    kept = pairs[: ends[0]] if len(ends) else pairs
    kept = np.minimum.accumulate(kept)
    time = 2 * float(kept.sum()) - 1
    return float(n) / max(1.0, time)


def percentile(
    values: Sequence[float] | Floats,
    q: float,
    *,
    late: float = 0.0,
    jitter: float = 0.0,
    groups: int | None = None,
) -> tuple[Percentile, float]:
    """The ``q`` quantile of ``values`` (in order of time; infinity for a failed request) and its effective n.

    The value is interpolated as by vLLM, GuideLLM and AIPerf. ``late`` is how much too long the generator's own
    lag may have made a value, ``jitter`` how much too long or too short; they widen the interval. ``groups`` caps
    the effective n at a number of requests where a request gives several values.
    """
    x = np.asarray(values, dtype=np.float64)
    n = len(x) if groups is None else groups
    needed = least(q)
    if n < needed:
        too_few = f"{n} requests, a p{100 * q:g} needs {needed}"
        return Percentile(q=q, value=None, low=None, high=None, reason=too_few), float(n)
    ordered = np.sort(x)
    finite = ordered[np.isfinite(ordered)]
    place = (len(x) - 1) * q
    below = ordered[int(place)]
    share = place - int(place)
    at = below if not share else below * (1 - share) + ordered[int(place) + 1] * share
    # Of the latencies too: in few rare jams the yes/no of being late shows little of how long a jam lasts.
    worth = min(effective_n(x > ordered[ceil(len(x) * q) - 1]), effective_n(x))
    if groups is not None:
        worth = min(worth, float(groups))
    low_rank, high_rank = ranks(max(1, int(worth)), q)
    stretch = len(x) / max(1, int(worth))
    low = 0.0 if low_rank is None else ordered[max(1, floor(low_rank * stretch)) - 1]
    high = inf if high_rank is None else ordered[min(len(x), ceil(high_rank * stretch)) - 1]
    reason: str | None = None
    if high_rank is None:
        reason = (
            f"no upper bound: slow requests come together, so {n} tell as much as {worth:.0f} and {needed} are "
            "needed"
        )
    if not np.isfinite(at):
        reason = f"{len(x) - len(finite)} of {len(x)} requests failed, so it lies among them"
    elif high_rank is not None and not np.isfinite(high):
        reason = "no upper bound: it may lie among the failed requests"
    found = Percentile(
        q=q,
        value=float(at) if np.isfinite(at) else None,
        low=max(0.0, float(low) - late - jitter) if np.isfinite(low) else None,
        high=float(high) + jitter if np.isfinite(high) else None,
        reason=reason,
    )
    return found, worth
