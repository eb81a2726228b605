"""The three drawn charts: success against price, lines over a range, and losses of a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from markupsafe import Markup

from harness.report.svg import (
    Box,
    Scale,
    element,
    fit,
    join,
    on,
    picture,
    place_labels,
    spread,
    text_width,
)

Label = Callable[[float, float], str]
"""A value and the step between ticks, as the label of a tick."""

WIDE, NARROW = "wide", "narrow"


@dataclass(frozen=True)
class Canvas:
    """Size and margins of a chart; text is drawn in real pixels on both widths."""

    kind: str
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float

    @property
    def inner(self) -> Box:
        return Box(
            self.left, self.top, self.width - self.left - self.right, self.height - self.top - self.bottom
        )


@dataclass(frozen=True)
class Axis:
    scale: Scale
    title: str
    label: Label


@dataclass(frozen=True)
class Dot:
    """One variant in a scatter plot; intervals are (low, high)."""

    name: str
    colour: int
    x: float
    y: float
    x_interval: tuple[float, float] | None
    y_interval: tuple[float, float] | None
    note: str
    chosen: bool = False
    dominated: bool = False


@dataclass(frozen=True)
class Line:
    name: str
    colour: int
    points: tuple[tuple[float, float], ...]
    chosen: bool = False


@dataclass(frozen=True)
class Mark:
    """A point worth naming on a line chart."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Texts:
    """Name and description of a chart for those who do not see it."""

    ident: str
    title: str
    desc: str
    marks: tuple[Mark, ...] = field(default=())


def axes(canvas: Canvas, x: Axis, y: Axis) -> tuple[list[Markup], Scale, Scale]:
    """Grid, tick labels and titles, and the two scales in pixels."""
    box = canvas.inner
    across, down = on(x.scale, box.x, box.x + box.width), on(y.scale, box.y + box.height, box.y)
    right, base = box.x + box.width, box.y + box.height
    parts = []
    for value, label in _labelled(down, y.label, 6):
        at = down(value)
        parts.append(element("line", class_="grid", x1=box.x, x2=right, y1=at, y2=at))
        parts.append(element("text", label, class_="tick", x=box.x - 8, y=at + 4, text_anchor="end"))
    for value, label in _labelled(across, x.label, max(3, int(box.width / 90))):
        at = across(value)
        parts.append(element("line", class_="tickmark", x1=at, x2=at, y1=base, y2=base + 5))
        parts.append(element("text", label, class_="tick", x=at, y=base + 19, text_anchor="middle"))
    parts.append(element("line", class_="axis", x1=box.x, x2=right, y1=base, y2=base))
    parts.append(element("text", y.title, class_="title", x=4, y=14))
    parts.append(element("text", x.title, class_="title", x=right, y=canvas.height - 4, text_anchor="end"))
    return parts, across, down


def _labelled(scale: Scale, label: Label, most: int) -> list[tuple[float, str]]:
    ticks = scale.ticks(most)
    even = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) if ticks else 1.0
    return [(t, label(t, t if scale.log else even)) for t in ticks]


def scatter(canvas: Canvas, texts: Texts, x: Axis, y: Axis, dots: Sequence[Dot]) -> Markup:
    """Labelled dots with intervals, and the steps that join those that nothing beats on both axes."""
    parts, across, down = axes(canvas, x, y)
    front = [(across(d.x), down(d.y)) for d in pareto(dots)]
    if len(front) > 1:
        path = f"M{front[0][0]:.1f} {front[0][1]:.1f}" + "".join(f"H{a:.1f}V{b:.1f}" for a, b in front[1:])
        parts.append(element("path", class_="front", d=path))
    taken = [Box(a, b - 2, c - a, 4) for (a, b), (c, _) in pairwise(front)]
    for dot in dots:
        at, up = across(dot.x), down(dot.y)
        taken.append(Box(at - 8, up - 8, 16, 16))
        if dot.y_interval:
            low, high = down(dot.y_interval[0]), down(dot.y_interval[1])
            parts.append(element("line", class_=f"bar s{dot.colour}", x1=at, x2=at, y1=low, y2=high))
            taken.append(Box(at - 3, high, 6, low - high))
        if dot.x_interval:
            low, high = across(dot.x_interval[0]), across(dot.x_interval[1])
            parts.append(element("line", class_=f"bar thin s{dot.colour}", x1=low, x2=high, y1=up, y2=up))
    for dot in dots:
        kind = f"dot s{dot.colour}" + (" chosen" if dot.chosen else "") + (" hollow" if dot.dominated else "")
        tip = element("title", dot.note)
        radius = 8 if dot.chosen else 6
        parts.append(element("circle", tip, class_=kind, cx=across(dot.x), cy=down(dot.y), r=radius))
    parts += _dot_labels(canvas, dots, [(across(d.x), down(d.y)) for d in dots], taken)
    return picture(
        f"{texts.ident}-{canvas.kind}", texts.title, texts.desc, (canvas.width, canvas.height), parts
    )


def _dot_labels(
    canvas: Canvas, dots: Sequence[Dot], points: Sequence[tuple[float, float]], taken: Sequence[Box]
) -> list[Markup]:
    size = 13.0
    sizes = [(text_width(d.name, size + (1 if d.chosen else 0)) + 4, size + 5) for d in dots]
    frame = Box(
        canvas.left, canvas.top, canvas.width - canvas.left - 2, canvas.height - canvas.top - canvas.bottom
    )
    parts = []
    for dot, point, box in zip(dots, points, place_labels(points, sizes, taken, frame), strict=True):
        if abs(box.y + box.height / 2 - point[1]) > 30:
            end = box.x if box.x > point[0] else box.x + box.width
            parts.append(element("line", class_="leader", x1=point[0], y1=point[1], x2=end, y2=box.y + 9))
        kind = "label chosen" if dot.chosen else "label"
        parts.append(element("text", dot.name, class_=kind, x=box.x + 2, y=box.y + box.height - 5))
    return parts


def pareto(dots: Sequence[Dot]) -> list[Dot]:
    """Those that no other dot beats on both axes (less on x, more on y), from left to right."""
    front: list[Dot] = []
    for dot in sorted(dots, key=lambda d: (d.x, -d.y)):
        if not front or dot.y > front[-1].y:
            front.append(dot)
    return front


def lines(
    canvas: Canvas, texts: Texts, x: Axis, y: Axis, series: Sequence[Line], now: Mark | None = None
) -> Markup:
    """Lines named at their right end, an upright at ``now`` and rings at the marks."""
    parts, across, down = axes(canvas, x, y)
    box = canvas.inner
    if now:
        at = across(now.x)
        parts.append(element("line", class_="now", x1=at, x2=at, y1=box.y, y2=box.y + box.height))
        side = "end" if at > box.x + box.width * 0.6 else "start"
        shift = -6 if side == "end" else 6
        parts.append(element("text", now.text, class_="note", x=at + shift, y=box.y + 12, text_anchor=side))
    for line in sorted(series, key=lambda s: s.chosen):
        path = "M" + "L".join(f"{across(a):.1f} {down(b):.1f}" for a, b in line.points)
        kind = f"line s{line.colour}" + (" chosen" if line.chosen else "")
        parts.append(element("path", class_=kind, d=path))
    for mark in texts.marks:
        at, up = across(mark.x), down(mark.y)
        parts.append(element("circle", element("title", mark.text), class_="ring", cx=at, cy=up, r=5))
    ends = [(across(s.points[-1][0]), down(s.points[-1][1])) for s in series]
    heights = spread([end[1] for end in ends], 16, box.y + 6, box.y + box.height + 8)
    for line, end, height in zip(series, ends, heights, strict=True):
        edge = box.x + box.width
        kind = "label chosen" if line.chosen else "label"
        if abs(height - end[1]) > 3 or edge - end[0] > 3:
            parts.append(element("line", class_="leader", x1=end[0] + 2, y1=end[1], x2=edge + 12, y2=height))
        parts.append(element("circle", class_=f"dot s{line.colour}", cx=edge + 14, cy=height, r=3.5))
        parts.append(element("text", line.name, class_=kind, x=edge + 22, y=height + 4))
    return picture(
        f"{texts.ident}-{canvas.kind}", texts.title, texts.desc, (canvas.width, canvas.height), parts
    )


def losses(
    canvas: Canvas,
    texts: Texts,
    steps: Sequence[tuple[int, float]],
    dev: Sequence[tuple[float, float]],
    best: int,
) -> Markup:
    """Training loss by step as a line, dev loss at each epoch's end as dots, the kept epoch ringed."""
    values = [v for _, v in steps] + [v for _, v in dev]
    last = max([s for s, _ in steps] + [1])
    x = Axis(Scale(0, last), "optimizer step", lambda v, _: f"{v:,.0f}")
    y = Axis(
        fit(values, zero=True), "loss", lambda v, step: f"{v:.{0 if step >= 1 else 1 if step >= 0.1 else 2}f}"
    )
    parts, across, down = axes(canvas, x, y)
    if steps:
        path = "M" + "L".join(f"{across(a):.1f} {down(b):.1f}" for a, b in steps)
        parts.append(element("path", class_="line train", d=path))
    if dev:
        path = "M" + "L".join(f"{across(a):.1f} {down(b):.1f}" for a, b in dev)
        parts.append(element("path", class_="line dev", d=path))
    for number, (step, loss) in enumerate(dev, 1):
        kind = "dot dev chosen" if number == best else "dot dev"
        tip = element("title", f"epoch {number}: dev loss {loss:.3f}" + (", kept" if number == best else ""))
        parts.append(
            element("circle", tip, class_=kind, cx=across(step), cy=down(loss), r=6 if number == best else 4)
        )
    return picture(
        f"{texts.ident}-{canvas.kind}", texts.title, texts.desc, (canvas.width, canvas.height), parts
    )


def both(wide: Canvas, narrow: Canvas, draw: Callable[[Canvas], Markup]) -> Markup:
    """A chart drawn for a screen and for a phone; the style sheet shows one."""
    return join([element("div", draw(c), class_=f"only-{c.kind}") for c in (wide, narrow)])
