"""How sure the choice is, what it is worth, and where it would change."""

from __future__ import annotations

from typing import Any

from harness.report.format import Unit, count, money, plain
from harness.report.view import Inputs
from harness.types.decision import VariantWorth, Worth

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
    """Value and interval."""
    if found is None:
        return None
    value, low, high = (_said(view, worth.unit, v) for v in (found.value, found.low, found.high))
    return value, f"{low} to {high}"


def _said(view: Inputs, unit: str, value: float) -> str:
    if unit == "money":
        return ("\u2212" if value < 0 else "") + money(abs(value), view.currency)
    quality: Unit = view.choice_metric.unit if unit == "quality" else "score"
    return f"{plain(100 * value, 1)}%" if quality == "rate" else plain(value, 3)
