"""Harmonic mean of precision and recall of words, as SQuAD counts it (Rajpurkar et al. 2016).

An `evaluate` module: ``evaluate.load("harness/scores/modules/token_f1")`` works without a hub.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import datasets
import evaluate

from harness.scores.text import normalise


class TokenF1(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Harmonic mean of precision and recall of words, as SQuAD counts it (Rajpurkar et al. 2016).",
            citation="",
            inputs_description="predictions: str; references: list of str, of which the best match counts",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": [datasets.Value("string")]}
            ),
        )

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, Any]:
        """Mean under the module's name, and ``scores``, one a prediction, in [0, 1]."""
        scores = [max(_score(p, r) for r in rs) for p, rs in zip(predictions, references, strict=True)]
        return {"token_f1": sum(scores) / len(scores) if scores else None, "scores": scores}


def _score(prediction: str, reference: str) -> float:
    found, wanted = Counter(normalise(prediction).split()), Counter(normalise(reference).split())
    shared = (found & wanted).total()
    if not shared:
        return float(not found and not wanted)
    precision, recall = shared / found.total(), shared / wanted.total()
    return 2 * precision * recall / (precision + recall)
