"""Cost per 1,000 successes against monthly volume, with the volumes where the cheaper variant changes."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from harness.figures import count, money, tick
from harness.report.charts import NARROW, WIDE, Axis, Canvas, Line, Mark, Texts, both, lines
from harness.report.svg import Scale, fit
from harness.report.view import Inputs
from harness.types.decision import BreakEven
from harness.types.results import LedgerLine

_WIDE = Canvas(WIDE, 960, 400, 58, 130, 30, 44)
_NARROW = Canvas(NARROW, 358, 380, 54, 96, 30, 44)


def data(view: Inputs) -> dict[str, Any]:
    rows = []
    for name in view.variants:
        cost = view.costs.get(name)
        rows.append(
            {
                "name": name,
                "colour": view.colour(name),
                "training": money(cost.training_once, view.currency) if cost else None,
                "serving": view.cost_figure(name, "serving_per_1000"),
                "per_1000": view.cost_figure(name, "per_1000"),
                "per_1000_successes": view.cost_figure(name, "per_1000_successes"),
            }
        )
    series = _series(view)
    pairs = [
        _pair(view, b) for b in sorted(view.comparison.break_even, key=lambda b: b.monthly_requests or 0.0)
    ]
    terms = view.scenario.economics
    return {
        "rows": rows,
        "chart": _chart(view, series) if series else None,
        "points": _table(view, series),
        "pairs": [p for p in pairs if p["volume"] and p["chosen"]],
        "others": [p for p in pairs if p["volume"] and not p["chosen"]],
        "never": [p for p in pairs if not p["volume"]],
        "ledgers": [
            {"name": name, "colour": view.colour(name), "lines": [_ledger_line(view, line) for line in found]}
            for name in view.variants
            if (found := view.costs[name].ledger if name in view.costs else ())
        ],
        "terms": terms,
        "serving_price": money(terms.serving.price_per_hour, view.currency),
        "training_price": money(terms.training.price_per_hour, view.currency),
        "example_price": money(terms.example_price, view.currency),
        "monthly": count(terms.monthly_requests),
    }


def _ledger_line(view: Inputs, line: LedgerLine) -> dict[str, str]:
    return {
        "what": line.what,
        "paid": line.paid,
        "quantity": f"{line.quantity:,.3g} {line.unit}"
        if line.quantity < 1000
        else f"{line.quantity:,.0f} {line.unit}",
        "price": money(line.unit_price, view.currency),
        "amount": money(line.amount, view.currency),
        "per_month": money(line.per_month, view.currency),
        "source": line.source,
    }


def _series(view: Inputs) -> list[Line]:
    found = []
    for name in view.variants:
        cost = view.costs.get(name)
        pairs = zip(view.comparison.volumes, cost.curve if cost else (), strict=False)
        points = tuple((x, y) for x, y in pairs if y is not None)
        if points:
            found.append(Line(name, view.colour(name), points, name == view.comparison.decision.choice))
    return found


def _chart(view: Inputs, series: list[Line]) -> Markup:
    volumes, currency = view.comparison.volumes, view.currency
    x = Axis(
        Scale(min(volumes), max(volumes), log=min(volumes) < max(volumes)),
        "requests a month",
        lambda value, _: _short(value),
    )
    y = Axis(
        fit([cost for s in series for _, cost in s.points], log_from=12, pad=0.03),
        f"Cost per 1,000 successes ({currency})",
        lambda value, step: tick(value, "money", currency, step),
    )
    now = float(view.scenario.economics.monthly_requests)
    planned = Mark(now, 0, f"planned: {count(now)}") if x.scale.low <= now <= x.scale.high else None
    texts = Texts(
        "cost-by-volume",
        "Cost per 1,000 successes against requests a month",
        "One line for each variant; the table after the chart holds the values.",
        tuple(_marks(view, series)),
    )
    return both(_WIDE, _NARROW, lambda canvas: lines(canvas, texts, x, y, series, planned))


def _short(value: float) -> str:
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def _marks(view: Inputs, series: list[Line]) -> list[Mark]:
    """A ring where the line of the choice crosses another, at the height of the line there."""
    by_name = {s.name: s for s in series}
    found = []
    for pair in view.comparison.break_even:
        line = by_name.get(pair.cheaper_above)
        if line and pair.monthly_requests and _with_choice(view, pair):
            height = _height(line, pair.monthly_requests)
            text = f"{pair.cheaper_above} costs less than {pair.other} above {count(pair.monthly_requests)}"
            found += [Mark(pair.monthly_requests, height, text)] if height is not None else []
    return found


def _height(line: Line, volume: float) -> float | None:
    """The drawn line's height at ``volume``, which lies between two of its points."""
    for (x1, y1), (x2, y2) in pairwise(line.points):
        if x1 <= volume <= x2:
            share = math.log(volume / x1) / math.log(x2 / x1)
            return y1 * (y2 / y1) ** share if y1 > 0 and y2 > 0 else y1 + (y2 - y1) * share
    return None


def _table(view: Inputs, series: list[Line]) -> dict[str, Any]:
    """The curve at about eight volumes, as text."""
    volumes = view.comparison.volumes
    picked = sorted({round(i * (len(volumes) - 1) / 7) for i in range(8)}) if volumes else []
    drawn = {s.name: dict(s.points) for s in series}
    rows = []
    for name in view.variants:
        costs = [drawn.get(name, {}).get(volumes[i]) for i in picked]
        rows.append(
            {"name": name, "cells": [money(c, view.currency) if c is not None else None for c in costs]}
        )
    return {"volumes": [count(volumes[i]) for i in picked], "rows": rows}


def _with_choice(view: Inputs, pair: BreakEven) -> bool:
    """Whether the pair bears on the recommendation; without one, all do."""
    choice = view.comparison.decision.choice
    return choice is None or choice in (pair.cheaper_above, pair.other)


def _pair(view: Inputs, pair: BreakEven) -> dict[str, Any]:
    volume = count(pair.monthly_requests) if pair.monthly_requests else None
    return {
        "above": pair.cheaper_above,
        "other": pair.other,
        "volume": volume,
        "interval": _interval(pair) if volume else None,
        "never": f"{pair.share_never:.0%}"
        if pair.share_never is not None and pair.share_never >= 0.005
        else None,
        "chosen": _with_choice(view, pair),
        "reason": pair.reason or "no break-even volume was found, and no reason recorded",
    }


def _interval(pair: BreakEven) -> str | None:
    """Bounds of the break-even volume; one that lies out of range is said so."""
    if pair.low is None and pair.high is None:
        return None
    low = count(pair.low) if pair.low is not None else "below the range"
    return f"{low} to {count(pair.high) if pair.high is not None else 'beyond the range'}"
