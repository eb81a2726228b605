"""Repeated looks at one candidate: how much error each may spend.

Whoever gates the same candidate until it passes will see it pass. So the total error of 5% is shared out over all
looks that may ever come, and the intervals of all looks hold together with 95%: a confidence sequence in the
sense of Howard et al. 2021 (Annals of Statistics 49:1055), here by the union bound, which holds however the looks
depend on each other. ``docs/decisions/0007-looks-by-union-bound.md`` says why not a mixture sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

from harness.types.verdict import Look

TOTAL_ALPHA = 0.05
"""One-sided, over all looks."""
FIRST_ALPHA = 0.04
"""Most of it is spent at the first look: most candidates are looked at once."""
LATER_ALPHA = 0.01
"""Shared by all later looks as 1, 1/4, 1/9, ..., which sum to pi^2 / 6."""


def look_alpha(look: int) -> float:
    """One-sided error of look 1, 2, ...; the sum over all is ``TOTAL_ALPHA``."""
    if look < 1:
        raise ValueError(f"looks are counted from 1, not {look}")
    if look == 1:
        return FIRST_ALPHA
    return LATER_ALPHA * 6 / (pi * (look - 1)) ** 2


def look_number(history: Sequence[Look], candidate: str, data: str) -> int:
    """The look that judging ``data`` is: an earlier one where the same data was judged, else the next."""
    earlier = [look for look in history if look.candidate == candidate]
    same = next((look.look for look in earlier if look.data == data), None)
    return same or max((look.look for look in earlier), default=0) + 1
