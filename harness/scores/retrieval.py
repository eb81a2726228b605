"""Did retrieval bring the articles that hold the answer?"""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocols import ScoringContext
from harness.scores.facts import Scored
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.results import MetricInfo

_NOTHING = "not applicable: the variant retrieves nothing or the item has no source"


def _retrieves(pairs: Sequence[tuple[Item, Answer]]) -> bool:
    """A variant that never retrieved has no retrieval; one that found nothing for an item missed it."""
    return any(a.retrieved for _, a in pairs)


class RecallAtK:
    info = MetricInfo(
        name="retrieval_recall",
        label="Retrieval recall@k",
        description="Mean share of an item's source articles that are among the k passages shown to the model.",
        unit="rate",
        higher_is_better=True,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        retrieving = _retrieves(pairs)
        scored: list[Scored] = []
        for item, answer in pairs:
            found = {hit.article for hit in answer.retrieved}
            recall = sum(s in found for s in item.sources) / len(item.sources) if item.sources else None
            scored.append((recall, None) if retrieving and item.sources else (None, _NOTHING))
        return scored


class ReciprocalRank:
    info = MetricInfo(
        name="retrieval_mrr",
        label="Retrieval MRR",
        description="Mean reciprocal rank of the first passage from a source article (0 where none is shown).",
        unit="rate",
        higher_is_better=True,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        retrieving = _retrieves(pairs)
        scored: list[Scored] = []
        for item, answer in pairs:
            ranks = [i for i, hit in enumerate(answer.retrieved, 1) if hit.article in item.sources]
            value = 1 / ranks[0] if ranks else 0.0
            scored.append((value, None) if retrieving and item.sources else (None, _NOTHING))
        return scored
