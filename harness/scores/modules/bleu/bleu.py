"""Sentence BLEU with exponential smoothing and effective order (Papineni et al. 2002), by sacrebleu.

An `evaluate` module: ``evaluate.load("harness/scores/modules/bleu")`` works without a hub.
"""

from __future__ import annotations

from typing import Any

import datasets
import evaluate
from sacrebleu.metrics import BLEU

_BLEU = BLEU(effective_order=True)


class Bleu(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Sentence BLEU with exponential smoothing and effective order (Papineni et al. 2002), by sacrebleu.",
            citation="",
            inputs_description="predictions: str; references: list of str, of which the best match counts",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": [datasets.Value("string")]}
            ),
        )

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, Any]:
        """Mean under the module's name, and ``scores``, one a prediction, in [0, 1]."""
        scores = [max(_score(p, r) for r in rs) for p, rs in zip(predictions, references, strict=True)]
        return {"bleu": sum(scores) / len(scores) if scores else None, "scores": scores}


def _score(prediction: str, reference: str) -> float:
    return float(_BLEU.sentence_score(prediction, [reference]).score) / 100
