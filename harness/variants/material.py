"""What the variants of a scenario share: items, articles, prompts, an engine, and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from harness.protocols import Engine
from harness.store import fingerprint
from harness.types.data import Article, Item, Passage
from harness.types.settings import Retrieval, Scenario
from harness.variants.prompt import query
from harness.variants.rag.chunk import chunk_articles
from harness.variants.rag.index import VectorIndex, build_seconds
from harness.variants.rag.retrieve import Retriever, indexed_texts


@dataclass(frozen=True)
class Material:
    """What all variants of a scenario share."""

    scenario: Scenario
    train: Sequence[Item]
    dev: Sequence[Item]
    articles: Sequence[Article]
    prompts: Mapping[str, str]
    """Contents of the prompt files by the names used in the settings."""
    engine: Engine
    _retrievers: dict[str, Retriever] = field(default_factory=dict)
    _examples: list[VectorIndex] = field(default_factory=list)
    _passages: dict[int, dict[str, Passage]] = field(default_factory=dict)

    def system(self, name: str | None) -> str | None:
        name = name or self.scenario.system
        return self.prompts[name] if name else None

    @cached_property
    def articles_fingerprint(self) -> str:
        return fingerprint(*self.articles)

    def passages(self, settings: Retrieval) -> dict[str, Passage]:
        """All passages that a retrieval could return, by id."""
        size = settings.chunk_words
        if size not in self._passages:
            self._passages[size] = {p.id: p for p in chunk_articles(self.articles, size)}
        return self._passages[size]

    def retriever(self, settings: Retrieval) -> Retriever:
        key = fingerprint(settings)
        if key not in self._retrievers:
            e = self.engine
            args = (settings, e.embed, e.embedder_fingerprint, e.cache / "vectors")
            self._retrievers[key] = Retriever(self.passages(settings), *args)
        return self._retrievers[key]

    def index_seconds(self, settings: Retrieval) -> float | None:
        """What embedding the passages of a retrieval took; None where it was not timed."""
        e = self.engine
        return build_seconds(
            indexed_texts(self.passages(settings)), e.embedder_fingerprint, e.cache / "vectors"
        )

    def nearest_examples(self, queries: Sequence[str], n: int) -> list[list[Item]]:
        """For each query the ``n`` training items with the most similar questions, the nearest last."""
        e = self.engine
        if not self._examples:
            texts = [query(i) for i in self.train]
            self._examples.append(VectorIndex(texts, e.embed, e.embedder_fingerprint, e.cache / "vectors"))
        return [[self.train[p] for p, _ in reversed(hits)] for hits in self._examples[0].search(queries, n)]
