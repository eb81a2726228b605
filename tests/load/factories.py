"""Requests and levels for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.load.metrics import level
from harness.types.load import Level, Limits, RequestRecord


def request(
    number: int = 0, at: float = 0.0, ttft: float = 0.1, gaps: Sequence[float] = (0.05, 0.05), **changes: Any
) -> RequestRecord:
    """A reply of ``len(gaps) + 1`` tokens."""
    times = [at + ttft]
    for gap in gaps:
        times.append(times[-1] + gap)
    known: dict[str, Any] = {
        "arrival": number, "intended_s": at, "sent_s": at, "token_times_s": tuple(times), "first_token_s": times[0],
        "last_token_s": times[-1], "prompt_tokens": 10, "output_tokens": len(times), "text": "word " * len(times),
    }  # fmt: skip
    return RequestRecord.model_validate(known | changes)


def failed(number: int, at: float, error: str = "status 503") -> RequestRecord:
    return RequestRecord(arrival=number, intended_s=at, sent_s=at, error=error)


def summed(records: Sequence[RequestRecord], **changes: Any) -> Level:
    """The level of these requests."""
    known: dict[str, Any] = {
        "arrivals": "poisson", "cache": "cold", "offered_rate": 1.0, "limits": Limits(), "correct": None,
        "loop_lag": [0.0001],
    }  # fmt: skip
    return level(records, **known | changes)
