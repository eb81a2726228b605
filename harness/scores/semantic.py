"""Closeness in meaning to a reference, by the scenario's sentence embedder."""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocols import ScoringContext
from harness.scores.facts import Scored
from harness.scores.text import without_citations
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.results import MetricInfo


class SemanticSimilarity:
    info = MetricInfo(
        name="semantic",
        label="Semantic similarity",
        description="Mean cosine similarity between answer and best reference, closing line left out of both.",
        unit="score",
        higher_is_better=True,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        if context.embed is None:
            return [(None, "no embedder")] * len(pairs)
        closing = context.scenario.style.closing or ""

        def body(text: str) -> str:
            return without_citations(text).strip().removesuffix(closing).strip()

        answers = context.embed([body(a.text or "") for _, a in pairs])
        counts = [len(i.references) for i, _ in pairs]
        references = context.embed([body(r) for i, _ in pairs for r in i.references])
        scored: list[Scored] = []
        start = 0
        for answer, count in zip(answers, counts, strict=True):
            best = max(float(answer @ r) for r in references[start : start + count])
            scored.append((round(min(1.0, best), 5), None))
            start += count
        return scored
