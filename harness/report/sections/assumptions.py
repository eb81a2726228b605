"""What the reader may assume otherwise: volume, prices and values, with the ranking that they give.

The figures here are those at the report's own assumptions; the page computes them again at others.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from harness.figures import count, money, symbol
from harness.pages.text import visible
from harness.report.view import Inputs
from harness.types.decision import DecisionTerms, Outcome

REACH = 100.0
"""A slider moves a price up and down by this factor; the field beside it takes any value."""
MOST = 1e12
FIGURES = {
    "per_1000": "its cost is not known",
    "per_1000_successes": "its cost or its successes are not known",
    "per_month": "its cost is not known",
    "worth": "a figure that its worth rests on is not known",
}
"""Columns of the table, and why a cell of theirs is empty."""


@dataclass(frozen=True)
class Field:
    """One assumption as the page needs it."""

    name: str
    """Field of ``DecisionTerms``, or ``weights.`` and a figure."""
    label: str
    short: str
    """Within a sentence."""
    after: str
    """Unit behind the number."""
    stated: float | None
    low: float
    """Left end of the slider."""
    high: float
    log: bool = True
    optional: bool = False
    """Whether it may be left empty."""
    positive: bool = False
    """Whether 0 is not possible."""
    money: bool = False
    times: float = 1.0
    """The field shows so many times the value: 100 for percent."""
    most: float = MOST

    @property
    def value(self) -> str:
        return "" if self.stated is None else f"{self.stated * self.times:.12g}"


def data(view: Inputs) -> dict[str, Any]:
    model, found = view.comparison.model, view.comparison.evaluation
    of = {o.variant: o for o in found.outcomes}
    title, said = sentence(view)
    out = [o for o in found.outcomes if o.ruled_out is not None]
    shown = fields(view)
    pairs = sorted(
        (p for p in found.break_even if p.monthly_requests is not None), key=lambda p: p.monthly_requests or 0
    )
    return {
        "fields": shown,
        "title": title,
        "said": said,
        "worth": _worth_head(model.terms),
        "rows": [_row(view, of[name], str(place)) for place, name in enumerate(found.ranking, 1)]
        + [_row(view, o, "out") for o in out],
        "pairs": [
            f"Above {count(p.monthly_requests)} requests a month {p.cheaper_above} costs less per success than "
            f"{p.other}."
            for p in pairs
            if p.monthly_requests is not None
        ]
        or ["None in the range of volumes."],
        "payload": {
            "lacking": list(FIGURES.values()),
            "model": {
                **model.model_dump(mode="json"),
                "variants": [_plain(v.model_dump(mode="json")) for v in model.variants],
            },
            "fields": [asdict(f) for f in shown],
            "symbol": symbol(view.currency),
        },
    }


def _worth_head(terms: DecisionTerms) -> str | None:
    if terms.value_of_success is not None:
        return "Worth a month"
    return "Weighted score" if terms.weights else None


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {name: visible(value) if isinstance(value, str) else value for name, value in record.items()}


def sentence(view: Inputs) -> tuple[str, str]:
    """The recommendation, and what it costs and is worth."""
    found, terms = view.comparison.evaluation, view.comparison.model.terms
    if not found.ranking:
        return "No variant qualifies", ""
    of = {o.variant: o for o in found.outcomes}
    first, *rest = (of[name] for name in found.ranking)
    second = rest[0] if rest and rest[0].utility is not None else None
    said = "Its cost is unknown."
    if first.per_1000 is not None and first.per_month is not None:
        said = f"{_money(view, first.per_1000)} for 1,000 requests, {_money(view, first.per_month)} a month."
    if first.utility is not None:
        if terms.value_of_success is not None:
            said += f" Worth {_money(view, first.utility)} a month"
            if second and second.utility is not None:
                said += f", {_money(view, first.utility - second.utility)} more than {second.variant}"
        else:
            said += f" Weighted score {first.utility:.3f}"
            if second and second.utility is not None:
                said += f", {second.variant} {second.utility:.3f}"
        said += "."
    return f"Use {first.variant}", said


def _row(view: Inputs, o: Outcome, place: str) -> dict[str, Any]:
    terms = view.comparison.model.terms
    worth = None
    if o.utility is not None:
        worth = _money(view, o.utility) if terms.value_of_success is not None else f"{o.utility:.3f}"
    amounts = [
        None if a is None else _money(view, a) for a in (o.per_1000, o.per_1000_successes, o.per_month)
    ]
    return {
        "place": place,
        "name": o.variant,
        "colour": view.colour(o.variant),
        "why": o.ruled_out or "",
        "figures": [
            (what, text, why) for (what, why), text in zip(FIGURES.items(), [*amounts, worth], strict=True)
        ],
    }


def _money(view: Inputs, value: float) -> str:
    return money(value, view.currency)


def fields(view: Inputs) -> list[Field]:
    """Those that can change something here: no price of training where nothing is trained."""
    model = view.comparison.model
    terms, unit = model.terms, f" {view.currency}"
    low, high = terms.volume_range
    trained = any(v.training_hours or v.other_once for v in model.variants)
    found = [
        Field(
            "monthly_requests", "Requests a month", "volume", "", terms.monthly_requests,
            low, max(high, low + 1), positive=True,
        ),
        _price("serving_price_per_hour", "Price of a serving hour", "serving price", unit, terms.serving_price_per_hour),
        Field(
            "utilisation", "Serving time in use", "utilisation", "%", terms.utilisation, 0.01, 1.0,
            log=False, positive=True, times=100.0, most=1.0,
        ),
    ]  # fmt: skip
    if trained:
        price = terms.training_price_per_hour
        found += [
            _price("training_price_per_hour", "Price of a training hour", "training price", unit, price),
            Field(
                "retraining_months", "Months between trainings", "months between trainings", "",
                terms.retraining_months, 0.5, max(24.0, terms.retraining_months), log=False, positive=True,
            ),
        ]  # fmt: skip
    return found + _values(view, terms, unit)


def _values(view: Inputs, terms: DecisionTerms, unit: str) -> list[Field]:
    value = terms.value_of_success
    found = [
        _price("value_of_success", "Value of a right answer", "value of a right answer", unit, value, True)
    ]
    if any(v.expected_harm is not None for v in view.comparison.model.variants):
        most = 10 * max(terms.cost_of_harm, value or 1.0)
        found.append(
            Field(
                "cost_of_harm", "Cost of a harmful answer", "cost of a harmful answer", unit, terms.cost_of_harm,
                0.0, most, log=False, money=True,
            )
        )  # fmt: skip
    if terms.max_cost_per_1000 is not None:
        label = "Most that 1,000 requests may cost"
        found.append(_price("max_cost_per_1000", label, "limit", unit, terms.max_cost_per_1000))
    for name in ("quality", "latency", "cost") if terms.weights else ():
        swing = getattr(terms.weights, name)
        if swing is not None:
            w = swing.weight
            label = f"Weight of {name}, {swing.worst:g} to {swing.best:g}"
            found.append(
                Field(
                    f"weights.{name}", label, f"weight of {name}", "", w, w / REACH, w * REACH, positive=True
                )
            )
    return found


def _price(
    name: str, label: str, short: str, unit: str, stated: float | None, optional: bool = False
) -> Field:
    if stated:
        return Field(
            name, label, short, unit, stated, stated / REACH, stated * REACH, optional=optional, money=True
        )
    return Field(name, label, short, unit, stated, 0.0, 10.0, log=False, optional=optional, money=True)
