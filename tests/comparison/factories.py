"""Small scenarios, items and scores for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

import numpy as np

from harness.comparison.bootstrap import Resampler
from harness.comparison.estimate import Rows, Statistic, Support, analytic_estimates, metric_rows, support_of
from harness.comparison.model import Contest, build_model
from harness.comparison.table import Table, no_scores
from harness.types.answers import TrainingRecord
from harness.types.data import Item
from harness.types.decision import DecisionModel
from harness.types.economics import Economics, Hardware
from harness.types.results import Estimate, MetricInfo, Score
from harness.types.settings import (
    DataFiles,
    ModelSource,
    Retrieval,
    Scenario,
    VariantSpec,
)

Unit = Literal["rate", "score", "s", "ms", "tokens/s", "money"]

WHOLE = Resampler(0, "all")
RETRIEVAL = Retrieval(kind="retrieval")


def metric(name: str, unit: Unit = "rate", up: bool = True, **other: Any) -> MetricInfo:
    return MetricInfo(name=name, label=name, description="", unit=unit, higher_is_better=up, **other)


METRICS = (
    metric("success"),
    metric("f1", "score"),
    metric("latency", "s", up=False, phase="timing"),
    metric("cost", "money", up=False),
)
SQUARE = (
    VariantSpec(name="prompt"),
    VariantSpec(name="rag", context=RETRIEVAL),
    VariantSpec(name="lora", weights="adapter:a"),
    VariantSpec(name="lora-rag", weights="adapter:a", context=RETRIEVAL),
)


def economics(**other: Any) -> Economics:
    hardware = Hardware(name="box", price_per_hour=3.6, as_of=date(2025, 1, 1), source="list")
    return Economics(**{"serving": hardware, "training": hardware, "monthly_requests": 10_000} | other)


def scenario(variants: Sequence[VariantSpec] = SQUARE, **other: Any) -> Scenario:
    given: dict[str, Any] = {
        "name": "test",
        "model": ModelSource(source="pypi:a"),
        "embedder": ModelSource(source="pypi:b"),
        "data": DataFiles(train="t", dev="d", heldout="h"),
        "variants": tuple(variants),
        "baseline": variants[0].name,
        "metrics": ("success",),
        "economics": economics(),
    }
    return Scenario(**given | other)


def items(n: int, per_cluster: int = 1, **slices: Sequence[str]) -> list[Item]:
    return [
        Item(
            id=f"i{k:04}",
            split="heldout",
            messages=(),
            references=(),
            cluster=f"c{k // per_cluster:04}",
            slices={key: values[k % len(values)] for key, values in slices.items()},
        )
        for k in range(n)
    ]


def scores(
    metric: str, values: Mapping[str, Sequence[float | None]], reason: str = "timed out", repeat: int = 0
) -> list[Score]:
    """Values by variant, for items i0000, i0001, ...; None becomes a missing score with the reason."""
    return [
        Score(
            variant=variant, item=f"i{k:04}", repeat=repeat, metric=metric, value=value,
            reason=reason if value is None else None, scorer="s",
        )
        for variant, row in values.items()
        for k, value in enumerate(row)
    ]  # fmt: skip


def training(adapter: str = "a", seconds: float = 1000, examples: int = 100) -> TrainingRecord:
    return TrainingRecord(
        adapter=adapter, fingerprint="f", examples=examples, epochs=(), best_epoch=1, steps=(),
        seconds=seconds, tokens=1, peak_memory_bytes=1, trainable_parameters=1, total_parameters=2,
        hardware="box",
    )  # fmt: skip


def estimates(
    values: Any,
    cluster: Any = None,
    statistic: Statistic = "mean",
    support: Support = "unit",
) -> list[Estimate]:
    """``analytic_estimates`` on (K, I) numbers, each item its own cluster unless told."""
    array = np.atleast_2d(np.asarray(values, dtype=np.float64))
    numbers = np.arange(array.shape[1]) if cluster is None else np.asarray(cluster, dtype=np.int64)
    blank = ("nothing",) * len(array)
    rows = Rows(array, numbers, (0,) * len(array), blank, statistic, support)
    return analytic_estimates(rows)


def model_of(
    given: Scenario,
    table: Table,
    trainings: Mapping[str, TrainingRecord] | None = None,
    info: MetricInfo | None = None,
    latency: Mapping[str, float | None] | None = None,
) -> DecisionModel:
    contest = contest_of(given, table, info, latency)
    return build_model(given, table, trainings or {}, {}, contest)


def contest_of(
    given: Scenario,
    table: Table,
    info: MetricInfo | None = None,
    latency: Mapping[str, float | None] | None = None,
) -> Contest:
    info = info or metric("success")
    matrix = table.metrics.get(info.name) or no_scores(table)
    support = support_of(info, matrix)
    quality = analytic_estimates(metric_rows(info, matrix, support))
    times = [(latency or {}).get(name) for name in table.variants]
    return Contest(given.choice, info, matrix, support, quality, times)


def run(seed: int = 1, n: int = 60, per_cluster: int = 2) -> tuple[Scenario, list[Item], list[Score]]:
    """A whole small input: four variants, a clear winner on quality, timing on the first sixteen items."""
    rng = np.random.default_rng(seed)
    rates = {"prompt": 0.2, "rag": 0.6, "lora": 0.4, "lora-rag": 0.95}
    rows: list[Score] = []
    for number, (variant, rate) in enumerate(rates.items()):
        wins = (rng.random(n) < rate).astype(float).tolist()
        rows += scores("success", {variant: wins})
        rows += scores("f1", {variant: rng.beta(2, 2, n).tolist()})
        rows += scores("cost", {variant: ((1 + number) * rng.uniform(1e-4, 2e-4, n)).tolist()})
        rows += scores("latency", {variant: (rng.lognormal(0, 0.3, min(n, 16)) * (1 + number)).tolist()})
    return scenario(slices=("topic",)), items(n, per_cluster, topic=("orders", "returns", "orders")), rows
