"""What serving costs at each rate of requests, from the rates that a replica was measured to sustain."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from harness.figures import money, tick
from harness.report.charts import NARROW, WIDE, Axis, Canvas, Line, Mark, Texts, both, lines
from harness.report.svg import Scale, fit
from harness.report.view import Inputs
from harness.types.capacity import Capacity, CapacityPoint, LoadCost, RateCost

_WIDE = Canvas(WIDE, 960, 380, 58, 130, 30, 44)
_NARROW = Canvas(NARROW, 358, 360, 54, 96, 30, 44)
_NAMES = {"ttft": "TTFT", "itl": "ITL", "tpot": "TPOT", "e2e": "e2e"}


def shown(view: Inputs) -> bool:
    return bool(view.comparison.load)


def data(view: Inputs) -> dict[str, Any]:
    loads = view.comparison.load
    series = [
        Line(
            one.variant,
            view.colour(one.variant),
            tuple((c.rate, c.per_1000) for c in one.curve),
            one.variant == view.comparison.decision.choice,
        )
        for one in loads
        if one.curve
    ]
    first = loads[0]
    return {
        "rows": [_row(view, one) for one in loads],
        "chart": _chart(view, series, first.monthly_rate) if series else None,
        "planned": _rate(first.monthly_rate),
        "limits": _limits(first.capacity),
        "attainment": f"{first.capacity.attainment:.0%}",
        "peak": first.capacity.peak,
        "hardware": first.capacity.hardware,
        "serving": view.scenario.economics.serving,
        "price": money(view.scenario.economics.serving.price_per_hour, view.currency),
        "levels": [
            {
                "name": one.variant,
                "colour": view.colour(one.variant),
                "points": [_point(p) for p in one.capacity.points],
            }
            for one in loads
        ],
    }


def _limits(found: Capacity) -> str:
    return " and ".join(f"{_NAMES[name]} {limit:g} s" for name, limit in found.limits.stated().items())


def _row(view: Inputs, one: LoadCost) -> dict[str, Any]:
    found, stated = one.capacity, one.stated
    return {
        "name": one.variant,
        "colour": view.colour(one.variant),
        "rate": _rate(found.rate) if found.rate is not None else None,
        "interval": _between(found),
        "reason": found.reason,
        "replicas": _replicas(stated) if stated else None,
        "per_1000": money(stated.per_1000, view.currency) if stated else None,
        "interval_1000": _money_range(view, stated) if stated else None,
        "per_1000_successes": money(stated.per_1000_successes, view.currency)
        if stated and stated.per_1000_successes is not None
        else None,
    }


def _between(found: Capacity) -> str | None:
    if found.rate is None:
        return None
    low = _rate(found.low) if found.low is not None else "not bounded"
    return f"{low} to {_rate(found.high) if found.high is not None else 'not bounded'}"


def _replicas(stated: RateCost) -> str:
    most = stated.replicas_high
    if most == stated.replicas_low == stated.replicas:
        return str(stated.replicas)
    return f"{stated.replicas} ({stated.replicas_low} to {most if most is not None else 'not bounded'})"


def _money_range(view: Inputs, stated: RateCost) -> str:
    if stated.low == stated.high:
        return "the same at both ends of the rate's interval"
    high = money(stated.high, view.currency) if stated.high is not None else "not bounded"
    return f"{money(stated.low, view.currency)} to {high}"


def _rate(value: float) -> str:
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def _point(p: CapacityPoint) -> dict[str, str | None]:
    def seconds(value: float | None) -> str | None:
        return None if value is None else f"{value:.3g} s"

    return {
        "rate": _rate(p.rate),
        "kept": f"{p.kept:.1%}",
        "interval": f"{p.low:.1%} to {p.high:.1%}",
        "n": f"{p.n:,}",
        "ttft_p50": seconds(p.ttft_p50_s),
        "e2e_p50": seconds(p.e2e_p50_s),
        "e2e_p95": seconds(p.e2e_p95_s),
    }


def _chart(view: Inputs, series: list[Line], planned: float) -> Markup:
    rates = [x for line in series for x, _ in line.points]
    currency = view.currency
    x = Axis(
        Scale(min(rates), max(rates), log=True), "requests a second, mean", lambda value, _: _short(value)
    )
    y = Axis(
        fit([cost for line in series for _, cost in line.points], log_from=12, pad=0.03),
        f"Cost per 1,000 requests ({currency})",
        lambda value, step: tick(value, "money", currency, step),
    )
    now = Mark(planned, 0, f"planned: {_rate(planned)}/s") if min(rates) <= planned <= max(rates) else None
    texts = Texts(
        "cost-by-rate",
        "Cost per 1,000 requests against requests a second",
        "One line for each variant; it rises where one more replica is needed. The table holds the planned rate.",
    )
    return both(_WIDE, _NARROW, lambda canvas: lines(canvas, texts, x, y, series, now))


def _short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
