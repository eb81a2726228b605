"""How much narrower an interval gets with more labels of people."""

from __future__ import annotations

from collections.abc import Sequence

from harness.comparison.intervals import wilson


def half_width(labels: Sequence[float], more: int) -> float:
    """Half the width of the 95% interval of a share with so many ``more`` labels, each within [0, 1].

    Labels alone, of independent items: Wilson's interval at a share of one passed and one failed more than now, so
    that it is known before the first. What a judge's scores beside them add: ``judged.half_width_after``.
    """
    n = len(labels)
    low, high = wilson((sum(labels) + 1) / (n + 2), n + more)
    return (high - low) / 2
