"""What the answer is computed from, and what comes out: shared by the comparison and the report's sliders."""

from __future__ import annotations

from typing import Literal

from harness.types.economics import Weights
from harness.types.record import Record


class VariantTerms(Record):
    """What a variant does and uses, before any price."""

    variant: str
    quality: float | None
    """Mean of the choice metric over the items that all variants in question answered."""
    success_rate: float | None
    """Share of right answers, over the items that the variant answered."""
    harm_rate: float | None
    """Share of harmful answers; None where metric ``harm`` is not asked for."""
    expected_quality: float | None
    """``quality``, pulled towards that of the others as far as noise explains the spread: see
    ``comparison.posterior``. What a utility rests on, because what looks best rarely is as good as it looks."""
    expected_success: float | None
    """``success_rate``, likewise."""
    expected_harm: float | None
    """``harm_rate``, likewise."""
    machine_s: float | None
    """Machine seconds of a request, as if the machine were never idle; None where the cost is unknown."""
    monthly_per_replica: float | None = None
    """Requests a month that one replica carries, as measured under load; None where it was not. With it whole replicas
    are paid day and night, and ``machine_s`` is their time at the stated volume and utilisation."""
    other_per_request: float
    """Money of a request that is not machine time: tokens of an API, a judge."""
    training_hours: float
    """Machine hours paid at every training: of the training itself and of building an index."""
    other_once: float
    """Money paid at every training that is not machine time: labelled examples."""
    per_month: float
    """Money paid every month at any volume: people."""
    latency_s: float | None
    """Median latency."""
    ruled_out: str | None
    """Why it does not qualify, whatever the prices; a limit on cost is part of the terms instead."""
    worse_than: tuple[str, ...]
    """Variants against which its choice metric is clearly worse."""


class DecisionTerms(Record):
    """The prices and wishes at which the answer is computed; each is a slider of the report."""

    monthly_requests: float
    serving_price_per_hour: float
    training_price_per_hour: float
    utilisation: float
    retraining_months: float
    value_of_success: float | None
    """Money for one right answer; None ranks by weights, or without these by quality and then cost."""
    cost_of_harm: float
    """Money lost by one harmful answer; 0 where none is stated."""
    weights: Weights | None
    max_cost_per_1000: float | None
    volume_range: tuple[float, float]
    """Monthly volumes between which a break-even point is of interest."""


class DecisionModel(Record):
    """All that ``comparison.utility.evaluate`` needs to rank the variants at any terms."""

    currency: str
    quality_metric: str
    higher_is_better: bool
    """Whether more of the choice metric is better."""
    variants: tuple[VariantTerms, ...]
    terms: DecisionTerms
    """Those of the scenario, at which the answer of the report was computed."""


class Outcome(Record):
    """One variant at given terms."""

    variant: str
    per_1000: float | None
    """Cost of 1,000 requests."""
    per_1000_successes: float | None
    per_month: float | None
    """The whole bill of a month."""
    utility: float | None
    """Money a month where a success has a value, a score in [0, 1] where weights are stated, else None."""
    ruled_out: str | None


class BreakEven(Record):
    """Monthly volume above which ``cheaper_above`` costs less per success than ``other``."""

    cheaper_above: str
    other: str
    monthly_requests: float | None
    reason: str | None = None
    low: float | None = None
    """Lower bound of its interval; None where that lies out of range."""
    high: float | None = None
    """Upper bound, likewise."""
    share_never: float | None = None
    """Share of the draws without a break-even volume in range; None where the costs are unknown."""


class Sweep(Record):
    """What is recommended as one term moves over its range and all others stay as stated."""

    term: Literal["monthly_requests", "serving_price_per_hour", "value_of_success", "quality_weight"]
    low: float
    high: float
    choices: tuple[str | None, ...]
    """From the low end to the high end; neighbours differ."""
    switches: tuple[float, ...]
    """Where one choice gives way to the next: one fewer than the choices."""
    sentence: str


class MoreData(Record):
    """What asking more held-out items would be worth."""

    items: int
    value: float
    """Expected gain of the better choice that they allow, in the unit of the worth, each month."""


class VariantWorth(Record):
    """One variant that qualifies, in the unit of ``Worth``."""

    variant: str
    value: float
    """Expected worth."""
    low: float
    high: float
    """Of the 95% interval of the joint draws."""
    regret: float
    """Expected loss of choosing it instead of the one that is truly best; each month if in money."""


class Worth(Record):
    """How sure the choice is, in the unit that it was made by."""

    unit: Literal["money", "score", "quality"]
    """Money a month; a weighted score in [0, 1]; or the choice metric, where no utility is stated."""
    variants: tuple[VariantWorth, ...]
    more_data: tuple[MoreData, ...]
    buy_items: int | None
    """Held-out items that are worth more than their price until the next training; None where none are."""
    sentence: str
    """What more testing could change, in words."""


class Evaluation(Record):
    """All variants at given terms."""

    outcomes: tuple[Outcome, ...]
    """In the order of the model's variants."""
    ranking: tuple[str, ...]
    """The variants that qualify, best first."""
    tied: tuple[str, ...]
    """Those not clearly worse than the one of best quality; the cheapest is chosen where no utility is stated."""
    recommended: str | None
    break_even: tuple[BreakEven, ...]
    """One for each pair, in the order of the model's variants."""
