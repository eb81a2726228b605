"""What an importer gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.types.load import RequestRecord


class Unusable(Exception):  # noqa: N818 - an answer of an importer, not an error of the program
    """Why a file cannot be imported."""


@dataclass(frozen=True)
class ImportedRun:
    """The requests of one rate."""

    records: Sequence[RequestRecord]
    offered_rate: float | None
    arrivals: Literal["poisson", "constant", "trace"] | None
    timed_from: Literal["intended", "send"]


@dataclass(frozen=True)
class Found:
    source: Literal["vllm", "guidellm", "aiperf"]
    model: str | None
    runs: Sequence[ImportedRun]
