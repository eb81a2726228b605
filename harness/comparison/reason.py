"""The reason of the decision in words that a manager reads, with the numbers that carry it."""

from __future__ import annotations

from collections.abc import Sequence

from harness.comparison.model import Contest
from harness.comparison.sentences import joined, number
from harness.types.decision import DecisionModel, Outcome
from harness.types.results import Estimate, MetricInfo


def reason(
    contest: Contest, model: DecisionModel, outcomes: Sequence[Outcome], choice: int, tied: Sequence[str]
) -> str:
    """``outcomes`` in the model's order, ``choice`` a row of it, ``tied`` the names without a clear difference."""
    chosen = outcomes[choice]
    said = (
        f"Choose {chosen.variant}: {contest.metric.label} {_figure(contest.quality[choice], contest.metric)}"
    )
    price = chosen.per_1000
    bill = "at an unknown cost" if price is None else f"at {price:.3g} {model.currency} per 1,000 requests"
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
    unit = f"{model.currency} a month"
    if chosen.utility < 0:
        loss = f"{number(-chosen.utility)} {unit}"
        text = f"at the stated value of a success every variant loses money, this one least, {loss}"
    else:
        text = f"at the stated value of a success it is worth {number(chosen.utility)} {unit}"
    if second and second.utility is not None:
        text += f", {number(chosen.utility - second.utility)} better than {second.variant}"
    return text


def _figure(estimate: Estimate, metric: MetricInfo) -> str:
    """A rate in percent, anything else with its unit; with interval and number of items."""
    share, unit = metric.unit == "rate", "" if metric.unit in ("rate", "score") else f" {metric.unit}"

    def shown(number: float) -> str:
        return f"{100 * number:.0f}%" if share else f"{number:.3g}{unit}"

    assert estimate.value is not None
    basis = f"{estimate.n} items"
    if estimate.low is not None and estimate.high is not None:
        basis = f"95% interval {shown(estimate.low)} to {shown(estimate.high)}, {basis}"
    return f"{shown(estimate.value)} ({basis})"


def listed(ruled_out: dict[str, str]) -> str:
    return "; ".join(f"{name} ({why})" for name, why in ruled_out.items())
