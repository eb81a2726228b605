"""The reason of the decision in words that a manager reads, with the numbers that carry it."""

from __future__ import annotations

from collections.abc import Sequence

from harness.comparison.bootstrap import CONFIDENCE
from harness.comparison.model import Contest
from harness.figures import figure, joined, money, plural
from harness.types.decision import DecisionModel, Outcome
from harness.types.results import Estimate, MetricInfo


def reason(
    contest: Contest, model: DecisionModel, outcomes: Sequence[Outcome], choice: int, tied: Sequence[str]
) -> str:
    """``outcomes`` in the model's order, ``choice`` a row of it, ``tied`` the names without a clear difference."""
    chosen = outcomes[choice]
    quality = _figure(contest.quality[choice], contest.metric, model.currency)
    said = f"Choose {chosen.variant}: {contest.metric.label} {quality}"
    price = chosen.per_1000
    bill = "at an unknown cost" if price is None else f"at {money(price, model.currency)} per 1,000 requests"
    allowed = [o for o in outcomes if o.ruled_out is None]
    others = [name for name in tied if name != chosen.variant]
    if len(allowed) == 1:
        text = f"{said}, the only variant that qualifies, {bill}."
    elif chosen.utility is not None:
        text = f"{said}, {bill}; {_worth(model, allowed, chosen)}."
        unknown = [o.variant for o in allowed if o.utility is None]
        if unknown:
            text += f" What {joined(unknown)} would be worth is not known and was taken as the least."
    elif not others:
        text = f"{said}, clearly better than every other variant, {bill}."
    elif price is None:
        text = (
            f"{said}; no clear difference from {joined(others)}, and no cost is known to decide between them."
        )
    else:
        text = f"{said}; no clear difference from {joined(others)}, and it is the cheapest of them {bill}."
        unknown = [o.variant for o in allowed if o.per_1000 is None and o.variant in tied]
        if unknown:
            text += f" The cost of {joined(unknown)} is unknown and was taken as the highest."
    ruled_out = {o.variant: o.ruled_out for o in outcomes if o.ruled_out is not None}
    return text + (f" Ruled out: {listed(ruled_out)}." if ruled_out else "")


def _worth(model: DecisionModel, allowed: Sequence[Outcome], chosen: Outcome) -> str:
    """Utility of the choice, and by how much it leads."""
    assert chosen.utility is not None
    rivals = [o for o in allowed if o is not chosen and o.utility is not None]
    second = max(rivals, key=lambda o: o.utility or 0.0, default=None)
    if model.terms.value_of_success is None:
        text = f"by the scenario's weights it scores {chosen.utility:.2f}"
        return text + (f", {second.variant} {second.utility:.2f}" if second else "")
    if chosen.utility < 0:
        loss = money(-chosen.utility, model.currency)
        text = f"at the stated value of a success every variant loses money, this one least, {loss} a month"
    else:
        text = f"at the stated value of a success it is worth {money(chosen.utility, model.currency)} a month"
    if second and second.utility is not None:
        text += f", {money(chosen.utility - second.utility, model.currency)} better than {second.variant}"
    return text


def _figure(estimate: Estimate, metric: MetricInfo, currency: str) -> str:
    """Value, interval and number of items."""
    shown = figure(estimate, metric.unit, currency, CONFIDENCE)
    basis = plural(estimate.n, "item")
    return (
        f"{shown.text} ({f'{CONFIDENCE:.0%} interval {shown.interval}, ' if shown.interval else ''}{basis})"
    )


def listed(ruled_out: dict[str, str]) -> str:
    return "; ".join(f"{name} ({why})" for name, why in ruled_out.items())
