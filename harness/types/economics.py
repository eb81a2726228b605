"""What the money side of a comparison rests on: dated prices, traffic, and what an answer is worth."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from harness.types.record import Record
from harness.types.tokens import TokenPrices

Money = Annotated[float, Field(ge=0)]
Volume = Annotated[int, Field(ge=1, le=10**12)]
"""Requests a month."""


class Hardware(Record):
    name: str
    price_per_hour: Money
    as_of: date
    source: str


Range = tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
"""Lowest and highest value that is thought possible, about the stated one."""


class Ranges(Record):
    """How uncertain the stated figures are; None takes one as known. Drawn from a triangle with its peak there."""

    utilisation: Range | None = None
    serving_price: Range | None = None
    """Of an hour."""
    training_price: Range | None = None
    """Of an hour."""


class Swing(Record):
    """How much it is worth to move one figure over its whole range.

    A swing weight (von Winterfeldt & Edwards 1986, chapter 8) is stated for a range, because "latency matters
    twice as much as cost" means nothing before it is said from how many seconds to how many.
    """

    weight: Annotated[float, Field(gt=0)]
    worst: float
    """Scores 0, as does anything beyond."""
    best: float
    """Scores 1, as does anything beyond."""

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.worst == self.best:
            raise ValueError("worst and best must differ: the weight is for moving from one to the other")
        return self


class Weights(Record):
    """Swing weights, used where the scenario states no value of a success. They need not add up to 1."""

    quality: Swing
    """Of the choice metric."""
    latency: Swing | None = None
    """Of the median latency in seconds."""
    cost: Swing | None = None
    """Of the cost of 1,000 requests."""


class Economics(Record):
    """Dated prices and the traffic that costs are computed for."""

    currency: str = "USD"
    serving: Hardware
    training: Hardware
    utilisation: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of paid machine time that serves requests."""
    monthly_requests: Volume
    volume_range: tuple[Volume, Volume] = (100, 10_000_000)
    """Monthly volumes over which costs are drawn and break-even points sought."""
    retraining_months: Annotated[float, Field(gt=0)] = 3
    """Training is paid again after so many months."""
    example_price: Money = 0.0
    """Cost of writing and checking one training example."""
    tokens: dict[str, TokenPrices] = {}
    """Token prices of the variants that an API answers, by variant; they replace the machine time."""
    people_hours_per_month: dict[str, Money] = {}
    """Hours of people that a variant needs every month, by variant; one that is not named needs none."""
    people_price_per_hour: Money = 0.0
    value_of_success: Money | None = None
    """Money that one right answer is worth. With it the variants are ranked by money a month."""
    cost_of_harm: Money | None = None
    """Money that one harmful answer costs; needs metric ``harm``."""
    values_source: str = ""
    """Where the value of a success and the cost of a harm come from."""
    ranges: Ranges = Ranges()
    """Declared uncertainty, carried into every interval of a cost."""
    weights: Weights | None = None
    """How quality, latency and cost are traded where no value of a success is stated."""

    @model_validator(mode="after")
    def _ranges_hold_what_is_stated(self) -> Self:
        stated = {
            "utilisation": self.utilisation,
            "serving_price": self.serving.price_per_hour,
            "training_price": self.training.price_per_hour,
        }
        for name, value in stated.items():
            found: Range | None = getattr(self.ranges, name)
            if found is not None and not (found[0] <= value <= found[1] and found[0] < found[1]):
                raise ValueError(f"ranges.{name} must go from below to above the stated {value:g}")
        if self.ranges.utilisation is not None and self.ranges.utilisation[1] > 1:
            raise ValueError("ranges.utilisation must not exceed 1")
        return self

    @model_validator(mode="after")
    def _harm_needs_a_value(self) -> Self:
        if self.cost_of_harm is not None and self.value_of_success is None:
            raise ValueError("cost_of_harm needs value_of_success: a loss alone would rank silence first")
        return self
