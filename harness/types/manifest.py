"""How a run was made: its times, its drift, and where it came from."""

from __future__ import annotations

from harness.types.record import Record
from harness.types.results import Estimate


class StageSeconds(Record):
    """Wall time by stage and peak memory, kept as the run goes on."""

    seconds: dict[str, float]
    peak_memory_bytes: int = 0


class Equivalence(Record):
    """Whether two ways of computing the same answers differ by less than a margin (TOST at 5%)."""

    difference: Estimate
    """Mean paired difference on the metric with its 90% interval."""
    margin: float
    equivalent: bool
    """The interval lies within the margin."""


class Drift(Record):
    """The drift floor of an A/A run: the same variant on the same items in other batches."""

    variant: str
    again: str
    """The name that the second pass runs under."""
    metric: str
    text: Estimate
    """Share of items whose text differs."""
    score: Estimate
    """Share of items whose score on ``metric`` differs."""
    latency_ratio: Estimate
    """Median over the timed items of the second latency by the first."""
    equivalence: Equivalence | None = None
    """Of the second pass with the first on ``metric``; None where the scenario sets no margin for it."""


class BatchDrift(Record):
    """Greedy answers to the same questions alone (timing pass) and in batches (quality pass)."""

    variants: tuple[str, ...]
    """Those answered greedily by the run's own engine."""
    same_text: Estimate
    """Share of the items asked both ways, over these variants, whose texts are identical."""


class Manifest(Record):
    """Where a run came from: enough to run it again."""

    run: str
    scenario: str
    preview: bool
    quick: bool = False
    """Less training: the variants are not those of a full run, and no gate accepts them."""
    left_out: int = 0
    """Held-out items that were not asked (``--limit``, ``--quick``)."""
    finished: str
    """UTC, ISO 8601."""
    command: str
    seed: int
    versions: dict[str, str]
    hashes: dict[str, str]
    hardware: dict[str, str]
    stage_seconds: dict[str, float]
    peak_memory_bytes: int | None = None
    drift: Drift | None = None
    """Of an A/A run (``--a-a``), which compares a variant with itself and nothing else."""
    batch_drift: BatchDrift | None = None
    """None in a run made before it was measured."""
