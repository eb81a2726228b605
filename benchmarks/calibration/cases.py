"""The cases that are simulated, and what came out of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from harness.comparison.estimate import Statistic, Support

Kind = Literal[
    "share",
    "paired yes/no",
    "latency",
    "latency difference",
    "overlap",
    "overlap difference",
    "median latency",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

SIZES = (30, 100, 300, 1000, 3000)
RATES = (0.02, 0.1, 0.5, 0.9, 0.98)
PAIRED_RATES = (0.02, 0.1, 0.5, 0.9)
WITHIN: tuple[float | None, ...] = (None, 0.0, 0.2, 0.7)
"""Correlation within clusters; None: every item is its own cluster."""
PAIRED = (0.0, 0.5, 0.9)
INFORMATIVE = (10, 20)
"""Independent items' worth of the rarer outcome, and clusters, below which a case has little to go by."""


@dataclass(frozen=True)
class Case:
    kind: Kind
    n: int
    within: float | None
    rate: float | None = None
    """Nominal success rate, of both sides for pairs."""
    paired: float | None = None
    """Correlation of the two sides."""

    @property
    def support(self) -> Support:
        if "latency" in self.kind:
            return "unbounded"
        return "unit" if self.kind in ("share", "overlap") else "signed"

    @property
    def statistic(self) -> Statistic:
        return "median" if self.kind == "median latency" else "mean"


@dataclass(frozen=True)
class Result:
    case: Case
    clusters: int
    events: float
    """Expected items of the rarer outcome, or changes, that are worth as much as independent ones."""
    above: float
    """Share of tests in which our interval lies above the truth."""
    below: float
    width: float | None
    """Mean width of ours over that of Wald's; None for a median, whose Wald interval is another's."""
    others: dict[str, float]
    """Coverage of each other method."""

    @property
    def coverage(self) -> float:
        return 1 - self.above - self.below

    @property
    def informative(self) -> bool:
        return self.events >= INFORMATIVE[0] and self.clusters >= INFORMATIVE[1]


def cases() -> Iterator[Case]:
    for n, within in product(SIZES, WITHIN):
        for rate in RATES:
            yield Case("share", n, within, rate)
        for rate, paired in product(PAIRED_RATES, PAIRED):
            yield Case("paired yes/no", n, within, rate, paired)
        yield Case("latency", n, within)
        yield Case("overlap", n, within)
        yield Case("median latency", n, within)
        for paired in PAIRED:
            yield Case("latency difference", n, within, paired=paired)
            yield Case("overlap difference", n, within, paired=paired)


def small_cases() -> Iterator[Case]:
    """One with and one without clusters of each kind."""
    for n, within in ((100, None), (300, 0.7)):
        yield Case("share", n, within, 0.9)
        yield Case("paired yes/no", n, within, 0.5, 0.5)
        yield Case("latency", n, within)
        yield Case("overlap difference", n, within, paired=0.5)
        yield Case("median latency", n, within)
