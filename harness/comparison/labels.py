"""How much narrower an interval gets with more labels of people."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from harness.comparison.intervals import wilson
from harness.types.judged import JudgedEstimate


def half_width(labels: Sequence[float], more: int) -> float:
    """Half the width of the 95% interval of a share with so many ``more`` labels, each within [0, 1].

    Labels alone, of independent items: Wilson's interval at a share of one passed and one failed more than now, so
    that it is known before the first. What a judge's scores beside them add: ``half_width_after``.
    """
    n = len(labels)
    low, high = wilson((sum(labels) + 1) / (n + 2), n + more)
    return (high - low) / 2


def half_width_after(estimate: JudgedEstimate, extra: int) -> float | None:
    """Half the 95% interval expected after ``extra`` more random labels; None where nothing tells.

    Labels beyond all answers add nothing. Of a figure that is not corrected yet it is None.
    """
    found = estimate.corrected
    if found.low is None or found.high is None or estimate.worth is None:
        return None
    everything, n = found.n, estimate.n_labels
    after = min(everything, n + extra)
    gain = estimate.worth / n
    # What the judge explains of the labels' variance; labelled answers are among all, so the gain ends with them.
    explained = min(0.99, (1 - 1 / gain) / max(1 - n / everything, 1e-9))
    gain_after = 1 / (1 - explained * (1 - after / everything))
    return (found.high - found.low) / 2 * sqrt(n * gain / (after * gain_after))


def labels_needed(estimate: JudgedEstimate, wanted: float) -> int | None:
    """How many more random labels bring half the interval down to ``wanted``; None where all answers would not."""
    room = max(0, estimate.corrected.n - estimate.n_labels)
    for extra in range(room + 1):
        half = half_width_after(estimate, extra)
        if half is None:
            return None
        if half <= wanted:
            return extra
    return None
