"""What the decision's records say to people: numbers to the figures that matter, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.figures import money, number
from harness.types.decision import MoreData

_AT = {
    "monthly_requests": "{} requests a month",
    "serving_price_per_hour": "{} an hour of serving",
    "value_of_success": "{} for a success",
    "quality_weight": "a quality weight of {}",
}


@dataclass(frozen=True)
class Stake:
    """What more held-out items would cost and how long the choice that they allow holds."""

    horizon_months: float
    item_price: float
    currency: str
    is_rate: bool
    """Whether the quality is a share, which is said in percentage points."""


def sweep_sentence(
    term: str,
    choices: Sequence[str | None],
    switches: Sequence[float],
    ends: tuple[float, float],
    currency: str,
) -> str:
    """``rag until 41,000 requests a month, then lora``; or that nothing changes over the whole range."""

    def shown_at(at: float) -> str:
        priced = term in ("serving_price_per_hour", "value_of_success")
        return _AT[term].format(money(at, currency, 2) if priced else number(at, 2))

    shown, ends_shown = ([shown_at(at) for at in places] for places in (switches, ends))
    told = [choice or "no variant" for choice in choices]
    if not switches:
        return f"{told[0]} all the way from {ends_shown[0]} to {ends_shown[1]}."
    steps = [f"{told[0]} until {shown[0]}"]
    for k, choice in enumerate(told[1:], 1):
        steps.append(f"then {choice}" + (f" until {shown[k]}" if k < len(shown) else ""))
    return ", ".join(steps) + "."


def testing_sentence(
    unit: str, more: Sequence[MoreData], settled: bool, buy: int | None, choice: str, stake: Stake
) -> str:
    """What more held-out items could change, and whether they pay."""
    most = more[-1]
    if settled:
        return f"Further testing cannot change the choice: even {most.items:,} more held-out items are worth nothing."
    if unit != "money":
        gain = f"{100 * most.value:.2g} points" if stake.is_rate or unit == "score" else f"{most.value:.2g}"
        of = "score" if unit == "score" else "quality"
        return (
            f"More testing could still change which variant is best: {most.items:,} more held-out items are expected "
            f"to raise the {of} of the best by {gain}."
        )
    shown = next((m for m in more if m.items == buy), most)
    gain = f"{money(shown.value * stake.horizon_months, stake.currency, 2)} until the next training"
    price = money(shown.items * stake.item_price, stake.currency, 2)
    if stake.item_price == 0:
        return (
            f"{shown.items:,} more held-out items are worth about {gain}, less what they cost, which the scenario "
            "does not state (economics.example_price)."
        )
    if buy is None:
        return f"More testing does not pay: {shown.items:,} more held-out items are worth about {gain} and cost {price}."
    return f"{shown.items:,} more held-out items are worth buying: about {gain}, for {price}."
