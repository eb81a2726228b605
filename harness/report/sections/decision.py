"""How sure the choice is, what it is worth, and where it would change."""

from __future__ import annotations

from typing import Any

from harness.figures import count, money, plain
from harness.report.view import Inputs
from harness.types.decision import VariantWorth, Worth
from harness.types.results import Estimate, Unit

_TITLES = {
    "monthly_requests": "Requests a month",
    "serving_price_per_hour": "Price of an hour of serving",
    "value_of_success": "Value of a success",
    "quality_weight": "Weight of quality",
}


def data(view: Inputs) -> dict[str, Any]:
    decision, terms = view.comparison.decision, view.comparison.model.terms
    worth = decision.worth
    shares = {p.variant: p.probability_dominated for p in view.comparison.frontier}
    of = {v.variant: v for v in worth.variants} if worth else {}
    rows = [
        {
            "name": name,
            "colour": view.colour(name),
            "worth": amount(view, worth, of.get(name)) if worth else None,
            "regret": _said(view, worth.unit, of[name].regret) if worth and name in of else None,
            "best": decision.probability_best.get(name),
            "dominated": shares.get(name),
            "why": decision.ruled_out.get(name, "its worth is not known"),
        }
        for name in view.variants
    ]
    return {
        "worth": worth,
        "head": _head(view, worth),
        "rows": rows,
        "sweeps": [(_TITLES[s.term], s.sentence) for s in decision.sweeps],
        "more": [(f"{m.items:,}", _said(view, worth.unit, m.value)) for m in worth.more_data]
        if worth
        else [],
        "value": money(terms.value_of_success, view.currency) if terms.value_of_success is not None else None,
        "harm": money(terms.cost_of_harm, view.currency),
        "source": view.scenario.economics.values_source,
        "weights": terms.weights,
        "monthly": count(terms.monthly_requests),
    }


def _head(view: Inputs, worth: Worth | None) -> str:
    if worth is None or worth.unit == "quality":
        return f"Expected {view.choice_metric.label.lower()}"
    return "Worth a month" if worth.unit == "money" else "Weighted score"


def amount(view: Inputs, worth: Worth, found: VariantWorth | None) -> tuple[str, str] | None:
    """Value and interval. Money and scores are those of the stated terms, as the ranking and the assumptions have
    them; the mean of the draws differs by what their number leaves to chance."""
    if found is None:
        return None
    stated = {o.variant: o.utility for o in view.comparison.evaluation.outcomes}[found.variant]
    value = found.value if stated is None else stated
    unit: Unit = "money" if worth.unit == "money" else "score"
    estimate = Estimate(
        value=value, low=found.low, high=found.high, n=0, n_missing=0, n_clusters=0, method="joint draws"
    )
    shown = view.figure(estimate, view.choice_metric.unit if worth.unit == "quality" else unit)
    return shown.text, shown.interval or "no interval"


def _said(view: Inputs, unit: str, value: float) -> str:
    if unit == "money":
        return money(value, view.currency)
    quality: Unit = view.choice_metric.unit if unit == "quality" else "score"
    return f"{plain(100 * value, 1)}%" if quality == "rate" else plain(value, 3)
