"""A figure with its interval."""

from __future__ import annotations

from harness.types.record import Record


class Estimate(Record):
    value: float | None
    low: float | None
    high: float | None
    n: int
    """Items that the value rests on."""
    n_missing: int
    """Items that should have had a value and had none."""
    n_clusters: int
    method: str
    reason: str | None = None
    """Why there is no value or no interval."""
