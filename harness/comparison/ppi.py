"""Prediction-powered inference: a judge reads every answer, people read a random few and put the judge right.

The estimate is that of PPI++ (Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453), with the labelled answers among
all: mean label - power x (mean judged where labelled - mean judged of all). It is right on average whatever the
judge says, because the bracket is 0 on average; ``power`` (their lambda) is the one that gives the least variance,
within [0, 1], so a judge that tells nothing leaves the labels' own mean.

What is ours is the interval. Variances are those of sums over clusters. Of yes-or-no labels it is a score interval
(Wilson, for differences Tango) on the n that as many labels alone would need for the same variance, so that it
keeps its coverage at few labels and near 0 and 1, where a normal one loses it: docs/calibration-judges.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparison.bootstrap import CONFIDENCE, cluster_sums, compact
from harness.comparison.bounds import row_effective_n, skewed_bounds
from harness.comparison.intervals import effective_n, tango, wilson
from harness.comparison.sums import Sums, summarise
from harness.comparison.table import Floats, Ints

FEWEST_LABELS = 30
FEWEST_CLUSTERS = 10
_TUNING = 1.0
"""Share by which choosing the power on the same labels makes a variance too small, times its degrees of freedom."""
_UNSEEN = 0.5
"""Cases on which judge and label differ that are added to those that carry the variance: a judge that was wrong on
three of 50 labels, or on none, may well be wrong more often."""


@dataclass(frozen=True)
class Corrected:
    """An estimate with its interval, and the same from the labels alone."""

    value: float
    low: float
    high: float
    labels: tuple[float, float, float]
    """Value, low and high of the labels alone."""
    power: float
    gain: float
    """How many times the labels would give the same variance without the judge; 1 where it does not help."""
    method: str


@dataclass(frozen=True)
class _Side:
    """One variant: what its labels and judged values add to the estimate, by cluster."""

    value: float
    """Mean label."""
    control: float
    """Mean judged where labelled minus mean judged of all: 0 but for chance."""
    label: Floats
    """(G,) influence on ``value``."""
    judged: Floats
    """(G,) influence on ``control``."""
    everything: Floats
    """(G,) that part of it which is of all answers."""
    leverage: Floats
    """(G,) share of the labels."""
    sums: Sums
    """Of the labels alone; one row."""


@dataclass(frozen=True)
class _Tuned:
    """One side, or one minus another, at the power that suits it."""

    value: float
    variance: float
    skew: float
    power: float
    gain: float


def corrected_mean(
    labels: Floats, judged: Floats, cluster: Ints, unit: bool, confidence: float = CONFIDENCE
) -> Corrected:
    """Of (I,) items; ``labels`` are NaN but for a random sample, ``judged`` where the judge failed.

    ``unit``: labels are within [0, 1], so that a score interval holds; else Student's t corrected for skewness,
    which needs labels that differ.
    """
    numbers, width = compact(cluster)
    side = _side(labels, judged, numbers, width)
    found = [_tuned([(1, side)], use) for use in (True, False)]
    if not unit:
        return _free(found, [side], confidence)
    n = row_effective_n(side.value * (1 - side.value), side.sums, 0, confidence)
    ends = [wilson(min(1.0, max(0.0, t.value)), n * t.gain, confidence) for t in found]
    return _made(found, ends, "Wilson on effective n")


def corrected_difference(
    labels: tuple[Floats, Floats],
    judged: tuple[Floats, Floats],
    cluster: Ints,
    unit: bool,
    confidence: float = CONFIDENCE,
) -> Corrected:
    """First minus second on the same (I,) items; the two may be labelled on different ones."""
    numbers, width = compact(cluster)
    sides = [_side(one, other, numbers, width) for one, other in zip(labels, judged, strict=True)]
    found = [_tuned([(1, sides[0]), (-1, sides[1])], use) for use in (True, False)]
    if not unit:
        return _free(found, sides, confidence)
    discordant, n = _worth(labels, sides, found[1].variance, numbers, confidence)
    ends = [_tango(t.value, discordant, n * t.gain, confidence) for t in found]
    return _made(found, ends, "Tango on effective n")


def _side(labels: Floats, judged: Floats, cluster: Ints, width: int) -> _Side:
    """Cluster numbers are below ``width``."""
    known, seen = ~np.isnan(labels), ~np.isnan(judged)
    n = int(known.sum())
    # Any value may stand in where the judge failed: the correction holds for whatever it says.
    filled = np.where(seen, judged, judged[seen].mean() if seen.any() else 0.0)
    value, some, whole = float(labels[known].mean()), float(filled[known].mean()), float(filled.mean())
    parts = np.stack(
        [
            np.where(known, labels - value, 0.0) / n,
            np.where(known, filled - some, 0.0) / n,
            (filled - whole) / len(labels),
            known / n,
        ]
    )
    label, of_known, of_all, leverage = cluster_sums(parts, cluster, width)
    sums = summarise(labels[None, known], cluster[known])
    return _Side(value, some - whole, label, of_known - of_all, of_all, leverage, sums)


def _tuned(sides: Sequence[tuple[int, _Side]], use: bool) -> _Tuned:
    """The signed sum of ``sides``; without ``use`` of the judge the labels alone.

    The power is the slope of the labels' influences on the judge's, as both go with the same clusters, and what is
    left of them is the variance. A judge that does not lower it is not used.
    """
    label = np.sum([s * side.label for s, side in sides], axis=0)
    judged = np.sum([s * side.judged for s, side in sides], axis=0)
    value, control = sum(s * side.value for s, side in sides), sum(s * side.control for s, side in sides)
    leverage = np.max([side.leverage for _, side in sides], axis=0)
    weight = 1 / np.where(leverage < 1, 1 - leverage, 1.0)
    alone, spread = float((weight * label**2).sum()), float((weight * judged**2).sum())
    power = float((weight * label * judged).sum()) / spread if spread > 0 and use else 0.0
    power = min(1.0, max(0.0, power))
    rest = label - power * judged
    degrees = min(float(side.sums.degrees[0]) for _, side in sides)
    n = min(int(side.sums.n[0]) for _, side in sides)
    seen = float((weight * rest**2).sum())
    carried_by = seen**2 / max(float((weight**2 * rest**4).sum()), 1e-300)
    inflated = seen * (1 + _TUNING / max(degrees, 1.0) + _UNSEEN / max(carried_by, 1.0))
    of_all = power * np.sum([s * side.everything for s, side in sides], axis=0)
    variance = max(inflated, float((of_all**2).sum()) + _UNSEEN / n**2)
    if power == 0 or variance >= alone:
        return _Tuned(value, alone, _skewness(label), 0.0, 1.0)
    return _Tuned(value - power * control, variance, _skewness(rest), power, alone / variance)


def _skewness(rest: Floats) -> float:
    return float((rest**3).sum() / max(float((rest**2).sum()) ** 1.5, 1e-300))


def _worth(
    labels: tuple[Floats, Floats], sides: Sequence[_Side], variance: float, cluster: Ints, confidence: float
) -> tuple[float, float]:
    """Share of items on which the two differ, and how many independent ones the labels are worth."""
    change = labels[0] - labels[1]
    both = ~np.isnan(change)
    if (np.isnan(labels[0]) == np.isnan(labels[1])).all():
        sums = summarise(change[None, both], cluster[both])
        discordant = float(np.abs(change[both]).mean())
        return discordant, row_effective_n(discordant - float(sums.mean[0]) ** 2, sums, 0, confidence)
    (p, n), (q, m) = ((side.value, int(side.sums.n[0])) for side in sides)
    spread = p * (1 - p) + q * (1 - q)
    apart = p * (1 - p) / n + q * (1 - q) / m
    size = spread / apart if apart > 0 else 2 * n * m / (n + m)
    smallest = min(float(side.sums.smallest_n[0]) / int(side.sums.n[0]) for side in sides) * size
    degrees = min(float(side.sums.share_degrees[0]) for side in sides)
    return p * (1 - q) + q * (1 - p), effective_n(spread, variance, size, smallest, degrees, confidence)


def _tango(value: float, discordant: float, n: float, confidence: float) -> tuple[float, float]:
    value = min(1.0, max(-1.0, value))
    changed = max(discordant, abs(value))
    return tango((changed + value) / 2 * n, (changed - value) / 2 * n, n, confidence)


def _free(found: Sequence[_Tuned], sides: Sequence[_Side], confidence: float) -> Corrected:
    degrees = min(float(side.sums.degrees[0]) for side in sides)
    ends = [
        skewed_bounds(t.value, t.variance, max(1.0, degrees - (t.power > 0)), t.skew, confidence)
        for t in found
    ]
    return _made(found, ends, "t corrected for skewness")


def _made(found: Sequence[_Tuned], ends: Sequence[tuple[float, float]], method: str) -> Corrected:
    ours, alone = found
    (low, high), by_labels = ends
    return Corrected(ours.value, low, high, (alone.value, *by_labels), ours.power, ours.gain, method)
