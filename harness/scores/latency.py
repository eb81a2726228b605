"""Times of the timing pass, one request at a time, retrieval included."""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocols import ScoringContext
from harness.scores.facts import Scored
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.results import MetricInfo

_UNTIMED = "not applicable: not timed"


class TimeToFirstToken:
    info = MetricInfo(
        name="ttft",
        label="Time to first token",
        description="From sending a request to its first token, alone on the machine, retrieval included.",
        unit="s",
        higher_is_better=False,
        phase="timing",
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return [
            (a.first_token_s, None) if a.first_token_s is not None else (None, _UNTIMED) for _, a in pairs
        ]


class EndToEndLatency:
    info = MetricInfo(
        name="latency",
        label="Latency",
        description="From sending a request to its last token, alone on the machine, retrieval included.",
        unit="s",
        higher_is_better=False,
        phase="timing",
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return [(a.total_s, None) if a.total_s is not None else (None, _UNTIMED) for _, a in pairs]


class TokensPerSecond:
    info = MetricInfo(
        name="tokens_per_s",
        label="Decoding speed",
        description="Tokens after the first, divided by the time from the first token to the last (1 / TPOT).",
        unit="tokens/s",
        higher_is_better=True,
        phase="timing",
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return [self._one(a) for _, a in pairs]

    def _one(self, a: Answer) -> Scored:
        if a.total_s is None or a.first_token_s is None or a.output_tokens is None:
            return None, _UNTIMED
        if a.output_tokens < 2 or a.total_s <= a.first_token_s:
            return None, "not applicable: a single token has no decoding time"
        return round((a.output_tokens - 1) / (a.total_s - a.first_token_s), 6), None
