"""F-measure of the longest common subsequence of stemmed words (Lin 2004), by rouge-score.

An `evaluate` module: ``evaluate.load("harness/scores/modules/rouge_l")`` works without a hub.
"""

from __future__ import annotations

from typing import Any

import datasets
import evaluate
from rouge_score.rouge_scorer import RougeScorer

_SCORER = RougeScorer(["rougeL"], use_stemmer=True)


class RougeL(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="F-measure of the longest common subsequence of stemmed words (Lin 2004), by rouge-score.",
            citation="",
            inputs_description="predictions: str; references: list of str, of which the best match counts",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": [datasets.Value("string")]}
            ),
        )

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, Any]:
        """Mean under the module's name, and ``scores``, one a prediction, in [0, 1]."""
        scores = [max(_score(p, r) for r in rs) for p, rs in zip(predictions, references, strict=True)]
        return {"rouge_l": sum(scores) / len(scores) if scores else None, "scores": scores}


def _score(prediction: str, reference: str) -> float:
    return float(_SCORER.score(reference, prediction)["rougeL"].fmeasure)
