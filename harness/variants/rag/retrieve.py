"""Find the passages for a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.protocols import Embed
from harness.types.answers import Retrieved
from harness.types.data import Passage
from harness.types.settings import Retrieval
from harness.variants.rag.index import VectorIndex


def indexed_texts(passages: Mapping[str, Passage]) -> list[str]:
    """What of each passage is embedded."""
    return [f"{p.title}\n{p.text}" for p in passages.values()]


class Retriever:
    """The passages of a knowledge base and their index."""

    def __init__(
        self, passages: Mapping[str, Passage], settings: Retrieval, embed: Embed, key: str, cache: Path
    ):
        self.settings, self.passages = settings, passages
        self._ids = list(self.passages)
        self._index = VectorIndex(indexed_texts(self.passages), embed, key, cache)

    def find(self, queries: Sequence[str], k: int | None = None) -> list[list[Retrieved]]:
        """For each query the passages at or above the threshold, best first; at most ``k`` (the setting's)."""
        return [
            [
                Retrieved(
                    passage=self._ids[place], article=self.passages[self._ids[place]].article, score=score
                )
                for place, score in hits
                if score >= self.settings.threshold
            ]
            for hits in self._index.search(queries, k or self.settings.k)
        ]
