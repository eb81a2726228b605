"""What the decision's records say to people: numbers to the figures that matter, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from harness.types.decision import MoreData

_AT = {
    "monthly_requests": "{} requests a month",
    "serving_price_per_hour": "{} {currency} an hour of serving",
    "value_of_success": "{} {currency} for a success",
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


def number(value: float, figures: int = 3) -> str:
    """``value`` to so many figures: 41,000, 1.2 million, 0.0025."""
    if value == 0:
        return "0"
    place = figures - 1 - floor(log10(abs(value)))
    rounded = round(value, place)
    if abs(rounded) >= 1e6:
        return f"{rounded / 1e6:,.{figures}g} million"
    text = f"{rounded:,.{max(0, place)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def joined(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def sweep_sentence(
    term: str,
    choices: Sequence[str | None],
    switches: Sequence[float],
    ends: tuple[float, float],
    currency: str,
) -> str:
    """``rag until 41,000 requests a month, then lora``; or that nothing changes over the whole range."""
    shown, ends_shown = (
        [_AT[term].format(number(at, 2), currency=currency) for at in places] for places in (switches, ends)
    )
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
    gain = f"{number(shown.value * stake.horizon_months, 2)} {stake.currency} until the next training"
    price = f"{number(shown.items * stake.item_price, 2)} {stake.currency}"
    if stake.item_price == 0:
        return (
            f"{shown.items:,} more held-out items are worth about {gain}, less what they cost, which the scenario "
            "does not state (economics.example_price)."
        )
    if buy is None:
        return f"More testing does not pay: {shown.items:,} more held-out items are worth about {gain} and cost {price}."
    return f"{shown.items:,} more held-out items are worth buying: about {gain}, for {price}."
