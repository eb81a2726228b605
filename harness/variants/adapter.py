"""An adapter to be trained, or trained already and found by its fingerprint."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.protocols import OnStep, TrainingJob
from harness.store import canonical_json, fingerprint, write_atomic
from harness.types.answers import TrainingRecord
from harness.types.data import Item
from harness.types.settings import Training
from harness.variants.finetune.examples import conversations
from harness.variants.material import Material


class Adapter:
    """A fine-tuned adapter, trained once and cached by the fingerprint of all that went into it."""

    def __init__(self, name: str, training: Training, material: Material, place: int = 0):
        """``place`` is that of its training seed among the ``seeds`` of ``training``; all else is the same."""
        self._name, self._training, self._material = name, training, material
        self._seed = (material.scenario.seed + place) % 2**32
        settings = training.model_dump(mode="json", exclude={"seeds"})
        parts: list[object] = [name, settings, material.scenario.seed, material.system(training.system)]
        parts += [material.engine.trainer_fingerprint, *material.train, *material.dev]
        if training.passages:
            parts += [material.articles_fingerprint, material.engine.embedder_fingerprint]
        parts += [{"training seed": self._seed}] if place else []
        self.fingerprint = fingerprint("adapter", 4, *parts)
        self._folder = material.engine.cache / "adapters" / f"{name}-{self.fingerprint}"

    @property
    def weights(self) -> Path:
        return self._folder / "best"

    def record(self) -> TrainingRecord | None:
        """How it was trained, or None if it is not."""
        file = self._folder / "training.json"
        return TrainingRecord.model_validate_json(file.read_bytes()) if file.exists() else None

    def train(self, on_step: OnStep) -> TrainingRecord:
        if found := self.record():
            return found
        m, t = self._material, self._training
        retriever = m.retriever(t.retrieval) if t.passages and t.retrieval else None
        system, seed = m.system(t.system), m.scenario.seed
        measured = t.model_copy(update={"examples": t.dev_examples})
        refusal = next((i.references[0] for i in m.train if i.abstain), None)
        job = TrainingJob(
            name=self._name,
            training=t,
            base=m.engine.base(),
            examples=conversations(m.train, t, system, retriever, refusal, seed),
            dev=conversations(
                [i for i in m.dev if _matches(i, t.dev_where)], measured, system, retriever, refusal, seed
            ),
            folder=self._folder,
            key=self.fingerprint,
            seed=self._seed,
            dtype=m.engine.dtype,
        )
        record = m.engine.train(job, on_step)
        write_atomic(self._folder / "training.json", canonical_json(record))
        shutil.rmtree(self._folder / "checkpoint", ignore_errors=True)
        return record


def _matches(item: Item, where: Mapping[str, tuple[str, ...]]) -> bool:
    return all(item.slices.get(key) in values for key, values in where.items())
