"""What the answers of a variant used, for the ledger of its costs."""

from __future__ import annotations

from collections.abc import Sequence

from harness.types.answers import Answer, Usage
from harness.types.capacity import Capacity


def usage_of(
    answers: Sequence[Answer],
    token_source: str | None,
    index_s: float | None,
    capacity: Capacity | None = None,
) -> Usage:
    """Means over the answered requests of the quality pass; None where no answer tells."""
    asked = [a for a in answers if a.phase == "quality" and a.error is None]
    return Usage(
        requests=len(asked),
        prompt_tokens=_mean([a.prompt_tokens for a in asked]),
        output_tokens=_mean([a.output_tokens for a in asked]),
        cached_tokens=_mean([a.cached_tokens for a in asked]),
        machine_s=_mean([a.compute_s for a in asked]),
        retrieval_s=_mean([a.retrieval_s for a in asked]),
        attempts=_mean([a.attempts for a in asked]) or 1.0,
        token_source=token_source,
        index_s=index_s,
        capacity=capacity,
    )


def _mean(numbers: Sequence[float | None]) -> float | None:
    known = [n for n in numbers if n is not None]
    return sum(known) / len(known) if known else None
