"""Rows with a dot and its interval on a common scale: the chart that most sections are made of.

Positions are percent of the track's width, so that the same row serves a screen, a phone and paper, and
the table around it is its own text alternative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.figures import Figure, tick
from harness.report.svg import Scale, fit
from harness.types.results import Estimate, Unit

START, END = 2.0, 98.0


@dataclass(frozen=True)
class Track:
    """Where one estimate lies: percent of the width, or None for what it has not."""

    at: float | None
    low: float | None
    high: float | None
    raw: tuple[float, ...] = ()


@dataclass(frozen=True)
class Row:
    name: str
    colour: int
    figure: Figure
    track: Track
    chosen: bool = False
    note: str = ""


@dataclass(frozen=True)
class Ruler:
    """A common scale with its labelled ticks, as (percent, label, text-anchor)."""

    scale: Scale
    ticks: tuple[tuple[float, str, str], ...]

    def place(self, value: float | None) -> float | None:
        return None if value is None else round(self.scale(value), 1)

    def track(self, estimate: Estimate | None, raw: Sequence[float] = ()) -> Track:
        dots = tuple(round(self.scale(v), 1) for v in raw)
        if estimate is None or estimate.value is None:
            return Track(None, None, None, dots)
        return Track(self.place(estimate.value), self.place(estimate.low), self.place(estimate.high), dots)


def ruler(
    values: Sequence[float | None],
    unit: Unit,
    currency: str,
    *,
    log_from: float = float("inf"),
    most: int = 4,
) -> Ruler:
    """A scale that holds ``values``: 0 to 100% for rates, else from zero unless a logarithm is due."""
    known = [v for v in values if v is not None]
    shares = unit == "rate" and all(0 <= v <= 1 for v in known)
    found = Scale(0, 1) if shares else fit(known, zero=True, log_from=log_from)
    scale = Scale(found.low, found.high, START, END, found.log)
    ticks = scale.ticks(2 if unit == "rate" else most)
    even = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) if ticks else 1.0
    labelled = []
    for value in ticks:
        at = round(scale(value), 1)
        anchor = "start" if at < 6 else "end" if at > 94 else "middle"
        labelled.append((at, tick(value, unit, currency, value if scale.log else even), anchor))
    return Ruler(scale, tuple(labelled))


def ends(estimates: Sequence[Estimate | None]) -> list[float | None]:
    """All numbers that a scale over ``estimates`` must hold."""
    return [v for e in estimates if e for v in (e.value, e.low, e.high)]
