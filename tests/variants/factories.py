"""Small records and an engine without a model, for the tests of variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from harness.backends.fake import FakeBackend, FakeEmbedder, train_adapter
from harness.protocols import Engine
from harness.types.data import Article, Facts, Item, Message, Passage, Split
from harness.types.economics import Economics, Hardware
from harness.types.settings import (
    BackendSpec,
    DataFiles,
    ModelSource,
    PassageTraining,
    Retrieval,
    Scenario,
    Training,
    VariantSpec,
)
from harness.variants.adapter import Adapter
from harness.variants.compose import ComposedVariant
from harness.variants.material import Material
from harness.variants.rag.retrieve import Retriever

REFUSAL = "I don't have that information.\nBest wishes"
RETRIEVAL = Retrieval(kind="retrieval", k=2, threshold=0.1, chunk_words=40)
READING = Training(passages=PassageTraining(distractors=2, without_source=0.5), retrieval=RETRIEVAL)
THINGS = ("lamp", "chair", "table", "shelf", "mirror", "carpet")


def item(name: str, question: str, split: Split = "heldout", **fields: Any) -> Item:
    given = {"references": (f"answer to {name}",), "cluster": name, **fields}
    return Item(id=name, split=split, messages=(Message(role="user", content=question),), **given)


def thing_item(i: int, split: Split) -> Item:
    thing = THINGS[i % len(THINGS)]
    return item(
        f"{split}-{i}",
        f"what does the {thing} cost",
        split,
        references=(f"The {thing} costs {10 + i % len(THINGS)} euros.\nBest wishes",),
        facts=Facts(required=((f"{10 + i % len(THINGS)} euros",),)),
        sources=(thing,),
    )


def articles() -> list[Article]:
    return [
        Article(
            id=thing,
            title=thing.title(),
            body=f"# {thing.title()}\n\n## Colour\nThe {thing} is red.\n\n"
            f"## Price\nThe {thing} costs {10 + i} euros.",
        )
        for i, thing in enumerate(THINGS)
    ]


def passages(*texts: tuple[str, str]) -> dict[str, Passage]:
    """Passages by id from (article, text)."""
    found = [Passage(id=f"{a}#{i}", article=a, title=a, text=t) for i, (a, t) in enumerate(texts)]
    return {p.id: p for p in found}


def retriever(cache: Path, given: Mapping[str, Passage], **settings: Any) -> Retriever:
    return Retriever(given, RETRIEVAL.model_copy(update=settings), FakeEmbedder(Path()), "fake", cache)


def scenario(**changes: Any) -> Scenario:
    machine = Hardware(name="box", price_per_hour=0.1, as_of=date(2026, 11, 1), source="test")
    given: dict[str, Any] = {
        "name": "test",
        "seed": 1,
        "model": ModelSource(source="fake:"),
        "embedder": ModelSource(source="fake:"),
        "backend": BackendSpec(name="fake", batch_size=4),
        "data": DataFiles(train="train.jsonl", dev="dev.jsonl", heldout="heldout.jsonl", kb="kb"),
        "system": "system.md",
        "variants": (VariantSpec(name="prompt"),),
        "baseline": "prompt",
        "metrics": ("success",),
        "economics": Economics(serving=machine, training=machine, monthly_requests=1000),
    }
    return Scenario(**(given | changes))


def engine(cache: Path, spec: BackendSpec | None = None, **changes: Any) -> Engine:
    backend = FakeBackend(spec or BackendSpec(name="fake", batch_size=4), Path(), "weights", 1)
    made = Engine(
        fingerprint=backend.fingerprint,
        embedder_fingerprint="embedder",
        trainer_fingerprint=backend.fingerprint,
        backend=lambda: backend,
        embed=FakeEmbedder(Path()),
        train=train_adapter,
        base=Path,
        dtype="float32",
        cache=cache,
    )
    return replace(made, **changes)


def material(cache: Path, **changes: Any) -> Material:
    given: dict[str, Any] = {
        "scenario": scenario(),
        "train": [*(thing_item(i, "train") for i in range(12)), refusing_item("train")],
        "dev": [thing_item(i, "dev") for i in range(3)],
        "articles": articles(),
        "prompts": {"system.md": "Be kind.", "other.md": "Be brief."},
        "engine": engine(cache),
    }
    return Material(**(given | changes))


def refusing_item(split: Split) -> Item:
    return item(f"{split}-no", "do you sell submarines", split, abstain=True, references=(REFUSAL,))


def variant(given: Material, training: Training | None = None, **spec: Any) -> ComposedVariant:
    """A composed variant, with an adapter where ``training`` is given."""
    adapter = Adapter("tuned", training, given) if training else None
    weights = "adapter:tuned" if training else "base"
    return ComposedVariant(VariantSpec(**({"name": "v", "weights": weights} | spec)), given, adapter, ignore)


def ignore(step: int, steps: int, loss: float) -> None:
    pass


def heldout(n: int = 6) -> Sequence[Item]:
    return [thing_item(i, "heldout") for i in range(n)]
