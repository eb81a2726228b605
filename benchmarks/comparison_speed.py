"""How long a full comparison takes and how much memory: 6 variants x 3,000 items x 12 metrics.

    python -m benchmarks.comparison_speed [--items 3000] [--slices 0]

Prints one JSON object: seconds of ``build_comparison`` on scores in memory, peak memory of the whole process with the
scores in it, and what the process held before.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from datetime import date

import numpy as np

from harness.comparison.bootstrap import RESAMPLES
from harness.comparison.build import build_comparison
from harness.types.answers import TrainingRecord
from harness.types.data import Item
from harness.types.economics import Economics, Hardware
from harness.types.results import MetricInfo, Score
from harness.types.settings import DataFiles, ModelSource, Retrieval, Scenario, VariantSpec

RETRIEVAL = Retrieval(kind="retrieval")
VARIANTS = (
    VariantSpec(name="prompt"),
    VariantSpec(name="rag", context=RETRIEVAL),
    VariantSpec(name="lora", weights="adapter:lora"),
    VariantSpec(name="lora-rag", weights="adapter:lora", context=RETRIEVAL),
    VariantSpec(name="raft", weights="adapter:raft", context=RETRIEVAL),
    VariantSpec(name="vendor", weights="precomputed:vendor.jsonl"),
)
UNITS = {
    **dict.fromkeys(("success", "fact_recall", "style", "exact_match"), "rate"),
    **dict.fromkeys(("token_f1", "rouge_l", "bleu", "semantic", "grounded"), "score"),
    **dict.fromkeys(("ttft", "latency"), "s"),
    "cost": "money",
}


def metrics() -> tuple[MetricInfo, ...]:
    return tuple(
        MetricInfo(
            name=name,
            label=name,
            description="",
            unit=unit,
            higher_is_better=unit in ("rate", "score"),
            phase="timing" if unit == "s" else "quality",
        )
        for name, unit in UNITS.items()
    )


def items(n: int, slices: int, rng: np.random.Generator) -> list[Item]:
    cluster = np.repeat(np.arange(n), rng.integers(1, 9, n))[:n]
    return [
        Item(
            id=f"i{k:05}",
            split="heldout",
            messages=(),
            references=(),
            cluster=f"c{cluster[k]}",
            slices={f"key{s}": f"value{k % 4}" for s in range(slices)},
        )
        for k in range(n)
    ]


def scores(questions: list[Item], rng: np.random.Generator) -> list[Score]:
    rows = []
    for v, variant in enumerate(VARIANTS):
        for name, unit in UNITS.items():
            n = len(questions)
            values = {
                "rate": (rng.random(n) < 0.3 + 0.1 * v).astype(float),
                "score": np.clip(rng.normal(0.5 + 0.05 * v, 0.3, n), 0, 1),
            }.get(unit, rng.lognormal(0.1 * v, 0.8, n))
            rows += [
                Score(variant=variant.name, item=item.id, metric=name, value=value, scorer="s")
                for item, value in zip(questions, values.tolist(), strict=True)
            ]
    return rows


def scenario(slices: int) -> Scenario:
    box = Hardware(name="box", price_per_hour=0.1, as_of=date(2026, 11, 1), source="a benchmark")
    return Scenario(
        name="speed", model=ModelSource(source="fake:"), embedder=ModelSource(source="fake:"),
        data=DataFiles(train="t", dev="d", heldout="h"), variants=VARIANTS, baseline="prompt",
        metrics=tuple(UNITS), slices=tuple(f"key{s}" for s in range(slices)),
        economics=Economics(serving=box, training=box, monthly_requests=10_000),
    )  # fmt: skip


def training(name: str) -> TrainingRecord:
    return TrainingRecord(
        adapter=name, fingerprint="f", examples=100, epochs=(), best_epoch=1, steps=(), seconds=1000, tokens=1,
        peak_memory_bytes=1, trainable_parameters=1, total_parameters=2, hardware="box",
    )  # fmt: skip


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--items", type=int, default=3000)
    arguments.add_argument("--slices", type=int, default=0, help="slice keys of four values each")
    given = arguments.parse_args()
    rng = np.random.default_rng(0)
    questions = items(given.items, given.slices, rng)
    rows = scores(questions, rng)
    trainings = {name: training(name) for name in ("lora", "raft")}
    before, start = peak_bytes(), time.perf_counter()
    comparison = build_comparison(scenario(given.slices), questions, rows, metrics(), trainings, False)
    seconds = time.perf_counter() - start
    print(json.dumps({
        "variants": len(VARIANTS), "items": given.items, "metrics": len(UNITS), "slices": given.slices * 4,
        "resamples": RESAMPLES, "estimates": len(comparison.estimates),
        "differences": len(comparison.differences), "seconds": round(seconds, 2),
        "peak_mib": round(peak_bytes() / 2**20), "peak_mib_before": round(before / 2**20),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
