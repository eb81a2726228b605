"""A confidence sequence for a difference of two arms: intervals that hold at every look at once.

Whoever looks at a 95% interval after every row until it leaves out zero will see it do so. This sequence is the normal
mixture of Robbins 1970 (Ann. Math. Stat. 41:1397) on the studentised difference, the asymptotic confidence sequence of
Waudby-Smith et al. 2021 (arXiv:2103.06476, theorem 2.2) in the scale of the effect: with standard error s it is
the difference +- sqrt(s^2 (1 + s^2/tau^2) (log(1 + tau^2/s^2) + 2 log(1/alpha))). Tau must not depend on what comes
later; the sequence is tightest when it can just show an effect of about tau.

The gate shares its error out over looks instead (``gate/looks.py``): its few looks are taken of data that need
not be a continuation of each other, which this sequence could not cover.

At each row the standard error is that over the clusters seen so far with their rows so far, so a cluster that comes back
later does not count as new evidence of its own. Being asymptotic, the sequence begins only where means are about normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from harness.comparison.table import Bools, Floats, Ints
from harness.comparison.trial import Trial
from harness.types.abtest import Look, Sequence

FIRST_UNITS = 50
"""In each arm, before the first look."""
FIRST_DEPARTURES = 10
"""Rows of each arm that differ from the most common outcome, before the first look."""
SHARE_OF_SPREAD = 0.1
"""Tau where none is given, by the standard deviation of outcomes at the first look."""
DRAWN = 40
METHOD = "normal-mixture confidence sequence on the cluster-robust difference, at every row"


@dataclass(frozen=True)
class Running:
    """The difference after each row, (n,); before the first look ``error`` is NaN."""

    effect: Floats
    error: Floats
    first: int
    """Row of the first look; n where there is none."""


def sequence(
    trial: Trial, values: Floats, treatment: int, alpha: float, tau: float | None = None
) -> Sequence:
    """Of ``treatment`` minus control over the rows of ``trial`` in their order.

    ``tau`` is in outcome units; None takes a tenth of the outcomes' standard deviation at the first look.
    """
    rows = np.flatnonzero(((trial.arm == 0) | (trial.arm == treatment)) & ~np.isnan(values))
    treated, used = trial.arm[rows] == treatment, values[rows]
    found = running(used, treated, trial.cluster[rows])
    source = "given" if tau is not None else "a tenth of the outcomes' standard deviation at the first look"
    if found.first >= len(rows):
        why = (
            f"looks begin at {FIRST_UNITS} units in each arm and {FIRST_DEPARTURES} outcomes in each that differ from "
            "the most common one"
        )
        return Sequence(
            looks=(),
            first_excluded=None,
            scale=tau or 0.0,
            scale_source=source,
            method=METHOD,
            reason=why,
            confidence=1 - alpha,
        )
    scale = SHARE_OF_SPREAD * float(used[: found.first + 1].std()) if tau is None else tau
    half = half_width(found.error, scale, alpha)

    def look(at: int) -> Look:
        effect, width = float(found.effect[at]), float(half[at])
        return Look(
            rows=at + 1,
            time=trial.time_at(int(rows[at])),
            effect=effect,
            low=effect - width,
            high=effect + width,
        )

    out = np.flatnonzero(np.abs(found.effect) > half)  # NaN before the first look is never above
    drawn = np.unique(np.linspace(found.first, len(rows) - 1, DRAWN).astype(np.int64))
    return Sequence(
        looks=tuple(look(int(at)) for at in drawn),
        first_excluded=look(int(out[0])) if len(out) else None,
        scale=scale,
        scale_source=source,
        confidence=1 - alpha,
        method=METHOD,
    )


def half_width(error: Floats, tau: float, alpha: float) -> Floats:
    """Of the sequence at standard errors ``error``."""
    square = error**2
    inner = np.log1p(tau**2 / square) + 2 * log(1 / alpha)
    return np.asarray(np.sqrt(square * (1 + square / tau**2) * inner), dtype=np.float64)


def running(values: Floats, treated: Bools, cluster: Ints) -> Running:
    """The difference and its cluster-robust standard error after each row, exactly, in one pass.

    The variance of a mean over clusters rests on three sums over clusters (of T^2, T N and N^2, where T is a
    cluster's sum and N its size), which each row changes by what its cluster held before.
    """
    n = len(values)
    if n == 0:
        return Running(np.zeros(0), np.zeros(0), 0)
    centre = float(values.mean())
    v = values - centre  # keeps the sums of squares from cancelling
    total, size = _held_before(v, cluster), _held_before(np.ones(n), cluster)
    kinds, places = np.unique(values, return_inverse=True)
    departs = values != kinds[np.bincount(places).argmax()]
    ready = np.ones(n, dtype=np.bool_)
    effect, square = np.zeros(n), np.zeros(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        for own, sign in ((treated, 1.0), (~treated, -1.0)):
            units = np.cumsum(own & (size == 0))
            count = np.cumsum(own, dtype=np.float64)
            mean = np.cumsum(np.where(own, v, 0.0)) / count
            spread = np.cumsum(np.where(own, (2 * total + v) * v, 0.0))
            spread -= 2 * mean * np.cumsum(np.where(own, total + size * v + v, 0.0))
            spread += mean**2 * np.cumsum(np.where(own, 2 * size + 1, 0.0))
            effect += sign * mean
            square += spread / count**2 * (units / (units - 1.0))
            ready &= (units >= FIRST_UNITS) & (np.cumsum(own & departs) >= FIRST_DEPARTURES)
    ready &= square > 0
    first = int(ready.argmax()) if ready.any() else n
    return Running(effect, np.sqrt(np.where(ready, square, np.nan)), first)


def _held_before(values: Floats, cluster: Ints) -> Floats:
    """(n,) sum of the values of a row's cluster in the rows before it."""
    order = np.argsort(cluster, kind="stable")
    ordered = values[order]
    before = np.cumsum(ordered) - ordered
    starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
    before -= np.repeat(before[starts], np.diff(starts, append=len(values)))
    held = np.empty_like(before)
    held[order] = before
    return held
