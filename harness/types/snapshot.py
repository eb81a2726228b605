"""One variant's scores item by item, small enough to commit: what a gate compares, and what a baseline is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.types.record import Record
from harness.types.results import MetricInfo


class ItemScores(Record):
    id: str
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    """Of all that a score depends on: messages, references, facts, sources, and whether it must abstain."""
    cluster: str
    scores: dict[str, float | None]
    """By metric. None where a value is missing; no entry where the metric does not apply to the item."""


class Snapshot(Record):
    format: Literal[1] = 1
    scenario: str
    variant: str
    candidate: str
    """Fingerprint of the variant: all that can change an answer."""
    run: str
    finished: str
    """UTC, ISO 8601."""
    harness: str
    """Version that made the run."""
    hardware: str
    """Where it was measured: times and machine costs of two machines do not compare."""
    currency: str
    metrics: tuple[MetricInfo, ...]
    scoring: dict[str, str]
    """Fingerprints of what scores depend on beside item, answer and the metrics' code, by name."""
    prompt: dict[str, str]
    """Fingerprints of system prompt, context settings and decoding; empty for answers of another system."""
    items: Annotated[tuple[ItemScores, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _items_once(self) -> Snapshot:
        seen: set[str] = set()
        for item in self.items:
            if item.id in seen:
                raise ValueError(f"two items are called {item.id!r}")
            seen.add(item.id)
        known = {metric.name for metric in self.metrics}
        if unknown := sorted({name for item in self.items for name in item.scores} - known):
            raise ValueError(f"items have scores of {unknown[0]!r}, which is not among the metrics")
        return self
