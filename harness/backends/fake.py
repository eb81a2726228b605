"""An engine without a model, for fast tests of the plumbing: same interface, deterministic text and clock."""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.errors import BackendError
from harness.machine import engine_fingerprint
from harness.protocols import OnDone, OnStep, TrainingJob
from harness.store import fingerprint, write_atomic
from harness.types.answers import EpochLoss, Generation, Request, TrainingRecord
from harness.types.data import Message
from harness.types.settings import BackendSpec

_SECONDS_A_TOKEN = 0.001
"""Of the pretended clock, so that two runs report the same latency and cost."""
_CONTEXT = 4096
"""Longest prompt that it takes, so that the way of a refused request can be tested."""
_PAUSE = 0.002
"""Real time an item, or a word of a stream, so that a kill or a dropped connection can hit in the middle."""


class FakeBackend:
    """Repeats a seeded part of what it was shown, so that context changes its answers."""

    def __init__(self, spec: BackendSpec, folder: Path, weights: str, seed: int):
        self.fingerprint = engine_fingerprint(spec, weights)
        self._size, self._seed = spec.batch_size, seed

    def count_tokens(self, messages: Sequence[Message]) -> int:
        count = sum(len(m.content.split()) + 4 for m in messages)
        if count > _CONTEXT:
            raise BackendError(f"the prompt has {count} tokens, the model's context {_CONTEXT}")
        return count

    def clock(self) -> float:
        return 0.0

    def batches(self, requests: Sequence[Request]) -> list[list[int]]:
        return [
            list(range(i, min(i + self._size, len(requests)))) for i in range(0, len(requests), self._size)
        ]

    def generate(self, batch: Sequence[Request], on_done: OnDone) -> None:
        for i, request in enumerate(batch):
            time.sleep(_PAUSE)
            on_done(i, self._answer(request))

    def time(self, request: Request) -> Generation:
        answer = self._answer(request)
        first = self.count_tokens(request.messages) * _SECONDS_A_TOKEN
        return answer.model_copy(update={"first_token_s": first, "total_s": answer.compute_s})

    def stream(self, request: Request) -> Iterator[str | Generation]:
        answer = self._answer(request)
        for piece in re.findall(r"\s*\S+|\s+$", answer.text):
            time.sleep(_PAUSE)
            yield piece
        yield answer

    def warm_up(self, request: Request) -> None:
        pass

    def _answer(self, request: Request) -> Generation:
        prompt = self.count_tokens(request.messages)
        shown = [w for m in request.messages for w in re.split(r"\s+", m.content)]
        adapter = Path(request.adapter).parent.name if request.adapter else None  # wherever the cache is
        seed = self._seed + request.sample
        start = zlib.crc32(f"{seed} {request.item} {adapter}".encode()) % max(1, len(shown) - 12)
        words = shown[start : start + min(12, request.decoding.max_new_tokens)]
        if request.adapter:
            words += json.loads((Path(request.adapter) / "closing.json").read_text())
        return Generation(
            text=" ".join(words),
            prompt_tokens=prompt,
            output_tokens=len(words),
            finish="stop",
            prompt_hash=fingerprint([m.model_dump() for m in request.messages]),
            compute_s=(prompt + 5 * len(words)) * _SECONDS_A_TOKEN,
        )


class FakeEmbedder:
    """Hashed bags of words: similar texts share words, so that retrieval behaves."""

    def __init__(self, folder: Path):
        pass

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), 256), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.casefold()):
                vectors[row, zlib.crc32(word.encode()) % 256] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def train_adapter(job: TrainingJob, on_step: OnStep) -> TrainingRecord:
    """Pretends to train: remembers the words that all targets end with."""
    endings = [e[-1].content.split()[-3:] for e in job.examples]
    write_atomic(job.folder / "best" / "closing.json", json.dumps(max(endings, key=endings.count)))
    epochs = range(1, job.training.epochs + 1)
    steps = tuple((s, round(3.0 / s, 6)) for s in range(1, 4 * len(epochs) + 1))
    for step, loss in steps:
        on_step(step, len(steps), loss)
    return TrainingRecord(
        adapter=job.name,
        fingerprint=job.key,
        examples=len(job.examples),
        epochs=tuple(EpochLoss(epoch=e, train_loss=3.0 / e, dev_loss=3.2 / e) for e in epochs),
        best_epoch=len(epochs),
        steps=steps,
        seconds=float(len(job.examples)),
        tokens=sum(len(m.content.split()) for e in job.examples for m in e),
        peak_memory_bytes=1,
        trainable_parameters=10,
        total_parameters=1000,
        hardware="fake",
        seed=job.seed,
    )
