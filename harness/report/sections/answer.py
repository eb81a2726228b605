"""The first screen: what to choose, how sure that is, what would change it, and the chart that shows it."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from harness.figures import count, joined, tick
from harness.report.charts import NARROW, WIDE, Axis, Canvas, Dot, Texts, both, scatter
from harness.report.sections.audit import summary
from harness.report.sections.decision import amount
from harness.report.svg import fit, rounded
from harness.report.view import Inputs, centre
from harness.types.decision import BreakEven
from harness.types.results import Estimate, Unit

_WIDE = Canvas(WIDE, 960, 366, 48, 16, 26, 40)
_NARROW = Canvas(NARROW, 358, 380, 42, 8, 28, 42)
_MOVED = {
    "monthly_requests": "volume",
    "serving_price_per_hour": "serving price",
    "value_of_success": "value of a success",
    "quality_weight": "weight of quality",
}


def data(view: Inputs) -> dict[str, Any]:
    decision, metric = view.comparison.decision, view.choice_metric
    choice = decision.choice
    latency = view.latency_metric
    found: dict[str, Any] = {
        "choice": choice,
        "runner_up": decision.runner_up,
        "reason": decision.reason,
        "metric": metric,
        "label": lower(metric.label),
        "changes": changes(view),
        "charts": charts(view),
        "by_quality": decision.worth is None or decision.worth.unit == "quality",
        "comparability": summary(view.comparison.audit) if view.comparison.audit else None,
        "share_best": decision.probability_best.get(choice) if choice else None,
    }
    if choice:
        lead = decision.lead
        found |= {
            "quality": view.metric_figure(choice, metric),
            "lead": view.figure(lead, metric.unit, signed=True) if lead else None,
            "lead_clear": bool(lead and lead.low is not None and lead.low > 0),
            "latency": view.metric_figure(choice, latency) if latency else None,
            "centre": centre(view.estimate(choice, latency.name)) if latency else "median",
            "per_1000": view.cost_figure(choice, "per_1000"),
            "per_1000_successes": view.cost_figure(choice, "per_1000_successes"),
            "worth": _worth(view, choice),
        }
    return found


def _worth(view: Inputs, choice: str) -> tuple[str, str] | None:
    """Money a month with its interval; None where the scenario states no value of a success."""
    worth = view.comparison.decision.worth
    if worth is None or worth.unit != "money":
        return None
    return amount(view, worth, next((v for v in worth.variants if v.variant == choice), None))


def changes(view: Inputs) -> list[str]:
    """What would change the answer, each as one short sentence."""
    decision, metric = view.comparison.decision, view.choice_metric
    choice = decision.choice
    said: list[str] = []
    if not choice:
        return _ruled_out(view)
    others = [name for name in decision.tied if name != choice]
    if others:
        rest = f"{metric.label} of {joined(others)} does not differ clearly from the best"
        by = "cost" if decision.worth is None or decision.worth.unit == "quality" else "expected worth"
        said.append(f"{rest}, so {choice} wins on {by}.")
    said += switch_sentences(view, choice)
    if decision.worth:
        said.append(decision.worth.sentence)
    return said + _ruled_out(view)


def switch_sentences(view: Inputs, choice: str) -> list[str]:
    """Where the choice itself changes; the volumes where costs cross, where quality alone decides."""
    moving = [s for s in view.comparison.decision.sweeps if s.switches]
    if moving:
        return [f"{_MOVED[s.term].capitalize()}: {s.sentence}" for s in moving]
    worth = view.comparison.decision.worth
    if worth is None or worth.unit == "quality":
        return volume_changes(view, choice)
    terms = joined([_MOVED[s.term] for s in view.comparison.decision.sweeps])
    return [f"No {terms} looked at changes the choice."]


def _ruled_out(view: Inputs) -> list[str]:
    ruled = view.comparison.decision.ruled_out
    return [f"{name} is ruled out: {why.rstrip('.')}." for name, why in ruled.items()]


def volume_changes(view: Inputs, choice: str) -> list[str]:
    """Two break-even volumes with the choice: of its rivals first, then the nearest to the stated volume."""
    now, decision = view.scenario.economics.monthly_requests, view.comparison.decision
    rivals = {decision.runner_up, *decision.tied}
    near = []
    for pair in view.comparison.break_even:
        if pair.monthly_requests and choice in (pair.cheaper_above, pair.other):
            other = pair.other if pair.cheaper_above == choice else pair.cheaper_above
            away = abs(math.log(pair.monthly_requests / now))
            near.append(
                (other not in rivals, away, _volume_sentence(pair, pair.monthly_requests, now, choice))
            )
    if not near:
        low, high = view.scenario.economics.volume_range
        return [
            f"No traffic between {count(low)} and {count(high)} requests a month changes which is cheaper."
        ]
    return [said for _, _, said in sorted(near)[:2]]


def _volume_sentence(pair: BreakEven, volume: float, now: float, choice: str) -> str:
    other = pair.other if pair.cheaper_above == choice else pair.cheaper_above
    below = pair.cheaper_above == choice
    if (now < volume) == below:
        turns = "above" if below else "below"
        planned = f"At the planned {count(now)} requests a month {other} costs less per success"
        return f"{planned}; {choice} does {turns} {count(volume)}."
    side = "Below" if below else "Above"
    return f"{side} {count(volume)} requests a month (planned: {count(now)}) {other} costs less per success."


def charts(view: Inputs) -> list[dict[str, Any]]:
    """Success against cost, and against latency where it was measured."""
    latency = view.latency_metric
    costs = {v: view.costs[v].per_1000 if v in view.costs else None for v in view.variants}
    found = [_chart(view, "cost", f"Cost per 1,000 requests ({view.currency})", "money", costs)]
    if latency:
        times = {v: view.estimate(v, latency.name) for v in view.variants}
        word = centre(next((e for e in times.values() if e and e.value is not None), None)).capitalize()
        found.append(
            _chart(view, "latency", f"{word} {lower(latency.label)} ({latency.unit})", latency.unit, times)
        )
    return found


def lower(label: str) -> str:
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def _chart(
    view: Inputs, ident: str, title: str, unit: Unit, across: dict[str, Estimate | None]
) -> dict[str, Any]:
    metric = view.choice_metric
    dots, absent = [], []
    for name in view.variants:
        x, y = across[name], view.estimate(name, metric.name)
        if x is None or x.value is None or y is None or y.value is None:
            lacking = next(e for e in (y, x) if e is None or e.value is None)
            absent.append(f"{name} ({lacking.reason if lacking and lacking.reason else 'not measured'})")
            continue
        dots.append(_dot(view, name, unit, x, y))
    return {
        "ident": ident,
        "tab": "Cost" if ident == "cost" else "Latency",
        "title": f"{metric.label} against {lower(title)}",
        "absent": absent,
        "svg": _draw(view, ident, title, unit, dots) if dots else None,
    }


def _dot(view: Inputs, name: str, unit: Unit, x: Estimate, y: Estimate) -> Dot:
    assert x.value is not None
    assert y.value is not None
    metric = view.choice_metric
    front = {p.variant: p.dominated_by for p in view.comparison.frontier}
    note = f"{name}: {view.figure(y, metric.unit).full}, n = {y.n}; {view.figure(x, unit).full}"
    return Dot(
        name=name,
        colour=view.colour(name),
        x=x.value,
        y=y.value,
        x_interval=(x.low, x.high) if x.low is not None and x.high is not None else None,
        y_interval=(y.low, y.high) if y.low is not None and y.high is not None else None,
        note=note,
        chosen=name == view.comparison.decision.choice,
        dominated=bool(front.get(name)),
    )


def _draw(view: Inputs, ident: str, title: str, unit: Unit, dots: list[Dot]) -> Markup:
    metric, currency = view.choice_metric, view.currency
    ups = [v for d in dots for v in (d.y, *(d.y_interval or ()))]
    sides = [v for d in dots for v in (d.x, *(d.x_interval or ()))]
    x = Axis(
        fit(sides, zero=True, log_from=8, pad=0.1),
        title,
        lambda v, step: tick(v, unit, currency, step),
    )
    y = Axis(
        rounded(fit(ups, zero=min(ups) < 0.35 * max(ups), pad=0.02), 1.0 if metric.unit == "rate" else None),
        f"{metric.label}{' (share of items)' if metric.unit == 'rate' else ''}",
        lambda v, step: tick(v, metric.unit, currency, step),
    )
    told = "; ".join(d.note for d in dots)
    texts = Texts(
        f"front-{ident}", f"{metric.label} against {title}", f"{told}. The scoreboard holds the table."
    )
    return both(_WIDE, _NARROW, lambda canvas: scatter(canvas, texts, x, y, dots))
