"""Estimates, differences and costs of the synthetic run. The intervals are made up, to be drawn."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from harness.types.data import Item
from harness.types.results import Difference, Estimate, MetricInfo, Score, VariantEstimate

# name: success on trained facts, success on KB-only facts, seconds, training cost
STRENGTHS = {
    "prompt": (0.08, 0.06, 1.1, 0.0),
    "few-shot": (0.21, 0.09, 1.6, 0.0),
    "rag": (0.52, 0.55, 2.1, 0.0),
    "lora": (0.61, 0.10, 0.9, 0.31),
    "lora-rag": (0.71, 0.52, 1.7, 0.31),
    "raft": (0.74, 0.63, 1.8, 0.52),
    "vendor": (0.66, 0.58, 0.0, 0.0),
}
RETRIEVING = {"rag", "lora-rag", "raft"}


def metric(name: str, label: str, unit: Any, *, higher: bool = True, phase: Any = "quality") -> MetricInfo:
    description = f"Synthetic {label.lower()}: what it would mean stands here in a sentence."
    return MetricInfo(
        name=name, label=label, description=description, unit=unit, higher_is_better=higher, phase=phase
    )


METRICS = (
    metric("success", "Success", "rate"),
    metric("fact_recall", "Fact recall", "rate"),
    metric("token_f1", "Token F1", "score"),
    metric("semantic", "Semantic similarity", "score"),
    metric("style", "House style", "rate"),
    metric("grounded", "Lexical groundedness", "score"),
    metric("abstention_recall", "Abstention recall", "rate"),
    metric("retrieval_recall", "Recall@k", "rate"),
    metric("retrieval_mrr", "Mean reciprocal rank", "score"),
    metric("ttft", "Time to first token", "s", higher=False, phase="timing"),
    metric("latency", "End-to-end latency", "s", higher=False, phase="timing"),
    metric("tokens_per_s", "Tokens per second", "tokens/s", phase="timing"),
    metric("cost", "Serving cost of a request", "money", higher=False, phase="quality"),
)


def missing(reason: str, n_missing: int = 0) -> Estimate:
    return Estimate(
        value=None, low=None, high=None, n=0, n_missing=n_missing, n_clusters=0, method="none", reason=reason
    )


def estimate(
    values: Sequence[float], method: str = "mean, cluster bootstrap", n_missing: int = 0
) -> Estimate:
    n = len(values)
    if n == 0:
        return missing("not applicable: no item of this kind", n_missing)
    centre = sorted(values)[n // 2] if method.startswith("median") else sum(values) / n
    mean = sum(values) / n
    half = 1.96 * math.sqrt(sum((v - mean) ** 2 for v in values) / n / n) + 1e-9
    low, high = centre - half, centre + half
    if min(values) >= 0:
        low = max(0.0, low)
    return Estimate(
        value=centre,
        low=low,
        high=high,
        n=n,
        n_missing=n_missing,
        n_clusters=max(1, n * 5 // 6),
        method=method,
    )


def make_estimates(
    items: Sequence[Item], scores: Sequence[Score], rng: random.Random
) -> list[VariantEstimate]:
    of = {i.id: i for i in items}
    slices = ["all", *sorted({f"{k}={v}" for i in items for k, v in i.slices.items()})]
    values: dict[tuple[str, str, str], list[float]] = {}
    for score in scores:
        if score.value is not None:
            names = ["all", *(f"{k}={v}" for k, v in of[score.item].slices.items())]
            for place in names:
                values.setdefault((score.variant, score.metric, place), []).append(score.value)
    found = []
    for info in METRICS:
        for name, (trained, only, seconds, _) in STRENGTHS.items():
            for place in ["all"] if info.phase == "timing" else slices:
                known = values.get((name, info.name, place), [])
                if info.name == "success":
                    made = estimate(
                        known, n_missing=len(items) // 50 if name == "vendor" and place == "all" else 0
                    )
                elif info.phase == "timing":
                    made = (
                        estimate(known, "median, order statistics")
                        if seconds
                        else missing("precomputed: not timed")
                    )
                elif info.name.startswith("retrieval_") and name not in RETRIEVING:
                    made = missing("not applicable: the variant retrieves nothing")
                elif info.name == "cost":
                    made = missing("precomputed") if not seconds else estimate([seconds / 9000] * 3)
                else:
                    base = 0.3 + 0.5 * (trained + only) / 2
                    made = estimate([min(1.0, max(0.0, rng.gauss(base, 0.2))) for _ in range(40)])
                found.append(VariantEstimate(variant=name, metric=info.name, slice=place, estimate=made))
    return found


def make_differences(estimates: Sequence[VariantEstimate]) -> list[Difference]:
    of = {(e.variant, e.metric, e.slice): e.estimate for e in estimates}
    found = []
    for (name, metric_name, place), here in of.items():
        base = of["prompt", metric_name, place]
        if name == "prompt":
            continue
        verdict: Any = "unknown"
        made = missing("one side has no value")
        if (
            here.value is not None
            and base.value is not None
            and here.high is not None
            and here.low is not None
        ):
            gap, half = here.value - base.value, here.high - here.low
            made = here.model_copy(update={"value": gap, "low": gap - half / 2, "high": gap + half / 2})
            verdict = "better" if gap > half / 2 else "worse" if gap < -half / 2 else "inconclusive"
        found.append(
            Difference(
                variant=name,
                baseline="prompt",
                metric=metric_name,
                slice=place,
                estimate=made,
                verdict=verdict,
                p_value=None if made.value is None else 0.02,
                p_holm=None if made.value is None else 0.12,
                minimum_detectable=None if made.value is None else 0.061,
                margin=0.05 if metric_name == "success" else None,
                items_needed=1234 if metric_name == "success" and made.value is not None else None,
            )
        )
    return found
