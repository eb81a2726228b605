"""What one replica sustains, as measured under load, and what that makes of the cost at a rate of requests."""

from __future__ import annotations

from harness.types.load import Level, Limits, LoadTerms, Saturation
from harness.types.record import Record


class CapacityPoint(Record):
    """One measured rate."""

    rate: float
    """Requests a second, offered."""
    kept: float
    """Share of requests that kept the limits; 0 where the server failed or fell behind, 1 where it kept up and there
    are no limits."""
    low: float
    high: float
    n: int
    ttft_p50_s: float | None
    e2e_p50_s: float | None
    e2e_p95_s: float | None


class Capacity(Record):
    """The highest rate at which enough requests keep the limits, for one replica on the machine measured."""

    rate: float | None
    """Requests a second; None where not even the lowest measured rate was sustained."""
    low: float | None
    """95% interval; None where it reaches below the lowest measured rate."""
    high: float | None
    """None where the sweep did not reach the server's end."""
    reason: str | None
    """Why a figure is missing."""
    limits: Limits
    attainment: float
    peak: float
    """Busiest rate by the mean rate of a month."""
    hardware: str
    """Where it was measured."""
    points: tuple[CapacityPoint, ...]
    """In growing order of rate."""


class VariantLoad(Record):
    """The sweep of one variant, as it is stored in the run folder."""

    variant: str
    key: str
    """Fingerprint of the variant, the terms and the machine; a stored sweep with another key is not used."""
    terms: LoadTerms
    finished: str
    """UTC, ISO 8601."""
    levels: tuple[Level, ...]
    saturation: Saturation
    capacity: Capacity


class RateCost(Record):
    """What serving costs at a steady rate, with whole replicas."""

    rate: float
    """Mean requests a second."""
    replicas: int
    replicas_low: int
    """At the upper bound of the sustained rate."""
    replicas_high: int | None
    """At the lower bound; None where there is none."""
    per_1000: float
    """Money for 1,000 requests: replicas that are paid whether busy or not."""
    low: float
    high: float | None
    per_1000_successes: float | None
    """None where no reply is right."""


class LoadCost(Record):
    """Cost of a variant as a function of the rate."""

    variant: str
    capacity: Capacity
    monthly_rate: float
    """Mean requests a second at the scenario's volume."""
    stated: RateCost | None
    """At that rate; None where no rate was sustained."""
    curve: tuple[RateCost, ...]
