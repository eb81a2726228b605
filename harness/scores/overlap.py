"""Word overlap with the reference: the package's own ``evaluate`` modules, run without a hub."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from harness.protocols import ScoringContext
from harness.scores.facts import Scored
from harness.scores.text import without_citations
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.results import MetricInfo


def _compute(module: str, kind: str, pairs: Sequence[tuple[Item, Answer]]) -> list[Scored]:
    """Scores of an ``evaluate`` module, computed in memory; the answer's citations are not its wording."""
    metric_class = getattr(import_module(f"harness.scores.modules.{module}.{module}"), kind)
    with tempfile.TemporaryDirectory() as cache:
        metric: Any = metric_class(cache_dir=cache, keep_in_memory=True)
        result = metric.compute(
            predictions=[without_citations(a.text or "") for _, a in pairs],
            references=[list(i.references) for i, _ in pairs],
        )
    return [(round(float(s), 6), None) for s in result["scores"]]


def _info(name: str, label: str, description: str) -> MetricInfo:
    return MetricInfo(name=name, label=label, description=description, unit="score", higher_is_better=True)


class ExactMatch:
    info = _info("exact_match", "Exact match", "Share of answers with the very words of a reference.")

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return _compute("exact_match", "ExactMatch", pairs)


class TokenF1:
    info = _info("token_f1", "Token F1", "Mean overlap of words with the best reference, as SQuAD counts it.")

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return _compute("token_f1", "TokenF1", pairs)


class RougeL:
    info = _info(
        "rouge_l", "ROUGE-L", "Mean longest common subsequence with the best reference, as F-measure."
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return _compute("rouge_l", "RougeL", pairs)


class Bleu:
    info = _info("bleu", "BLEU", "Mean sentence BLEU against the best reference, from 0 to 1.")

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return _compute("bleu", "Bleu", pairs)
