"""Small parts that charts are made of: elements, scales, ticks and labels that do not overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from harness.pages.text import visible

Attribute = str | float | int | None


def element(tag: str, *children: Markup | str, **attributes: Attribute) -> Markup:
    """An SVG element; text children and attributes are escaped, ``class_`` means class and ``_`` a hyphen."""
    parts = [tag]
    for name, value in attributes.items():
        if value is None:
            continue
        shown = f"{value:.4g}" if isinstance(value, float) and abs(value) < 1 else value
        shown = f"{shown:.1f}" if isinstance(shown, float) else shown
        parts.append(f'{_name(name)}="{escape(visible(str(shown)))}"')
    inside = "".join(c if isinstance(c, Markup) else escape(visible(c)) for c in children)
    return Markup(f"<{' '.join(parts)}>{inside}</{tag}>")


def _name(name: str) -> str:
    name = name.rstrip("_")
    return name if name == "viewBox" else name.replace("_", "-")


def join(parts: Sequence[Markup]) -> Markup:
    return Markup("").join(parts)


def picture(ident: str, title: str, desc: str, size: tuple[float, float], parts: Sequence[Markup]) -> Markup:
    """A whole chart with its name and description for screen readers."""
    width, height = size
    return element(
        "svg",
        element("title", title, id=f"{ident}-t"),
        element("desc", desc, id=f"{ident}-d"),
        *parts,
        class_="chart",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_labelledby=f"{ident}-t {ident}-d",
    )


@dataclass(frozen=True)
class Scale:
    """Maps values in [low, high] to positions in [start, end], evenly or by their logarithm."""

    low: float
    high: float
    start: float = 0.0
    end: float = 100.0
    log: bool = False

    def __call__(self, value: float) -> float:
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * max(-0.02, min(1.02, share))

    def ticks(self, most: int = 6) -> list[float]:
        """Round values in the range: 1, 2 or 5 times a power of ten."""
        return _log_ticks(self.low, self.high, most) if self.log else _even_ticks(self.low, self.high, most)


def _step(span: float, most: int) -> float:
    raw = span / max(1, most)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if power * m >= raw * 0.999)


def _even_ticks(low: float, high: float, most: int) -> list[float]:
    step = _step(high - low, most)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for multiples in ((1, 2, 5), (1, 3), (1,)):
        ticks = [
            m * 10.0**d for d in decades for m in multiples if low * 0.999 <= m * 10.0**d <= high * 1.001
        ]
        if len(ticks) <= most:
            return ticks
    return ticks[:: math.ceil(len(ticks) / most)]


def fit(
    values: Sequence[float], *, zero: bool = False, pad: float = 0.06, log_from: float = math.inf
) -> Scale:
    """A scale around ``values``; logarithmic where they span more than ``log_from`` times."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low > 0 and high / low > log_from:
        room = (high / low) ** pad
        return Scale(low / room, high * room, log=True)
    if zero:
        low = min(0.0, low)
    span = (high - low) or abs(high) or 1.0
    return Scale(low if zero and low == 0 else low - pad * span, high + pad * span)


def on(scale: Scale, start: float, end: float) -> Scale:
    """The same range on other positions."""
    return Scale(scale.low, scale.high, start, end, scale.log)


def rounded(scale: Scale, most: float | None = None) -> Scale:
    """An even scale widened to whole ticks, but not beyond ``most``."""
    step = _step(scale.high - scale.low, 5)
    high = math.ceil(scale.high / step - 1e-9) * step
    low = math.floor(scale.low / step + 1e-9) * step
    return Scale(low, high if most is None else min(high, max(most, scale.low)), scale.start, scale.end)


_NARROW, _WIDE = set("iljtfrI.,:;'|!()[] -"), set("mwMW@%")


def text_width(text: str, size: float) -> float:
    """Near enough for placing labels in a proportional sans-serif."""
    return size * sum(0.34 if c in _NARROW else 0.86 if c in _WIDE else 0.58 for c in text)


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: Box) -> float:
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return across * down if across > 0 and down > 0 else 0.0

    def outside(self, frame: Box) -> float:
        return self.width * self.height - self.overlap(frame)


_SPOTS = [
    (1, 0),
    (-1, 0),
    (1, -1),
    (1, 1),
    (-1, -1),
    (-1, 1),
    (0, -1.6),
    (0, 1.6),
    (1, -2.4),
    (1, 2.4),
    (-1, -2.4),
]


def place_labels(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    taken: Sequence[Box],
    frame: Box,
) -> list[Box]:
    """A box for each point's label, beside it where there is room, clear of dots, bars and other labels."""
    done: list[Box] = []
    for (x, y), (width, height) in zip(points, sizes, strict=True):
        best, least = Box(x, y, width, height), math.inf
        for rank, (side, rise) in enumerate(_SPOTS):
            left = x + 11 if side > 0 else x - 11 - width if side < 0 else x - width / 2
            box = Box(left, y - height / 2 + rise * height, width, height)
            cost = 8.0 * rank + 1000 * box.outside(frame)
            cost += 10 * sum(box.overlap(b) for b in taken) + 40 * sum(box.overlap(b) for b in done)
            if cost < least:
                best, least = box, cost
        done.append(best)
    return done


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near ``wanted``, at least ``gap`` apart, and within [low, high] where there is room."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        floor = placed[order[rank - 1]] + gap if rank else low
        placed[i] = max(wanted[i], floor)
    ceiling = high
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - gap
    return placed
