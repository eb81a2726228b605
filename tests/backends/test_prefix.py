"""Shared starts: found, laid out, read once, and the answers as without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.types.data import Message

from .test_contract import answers, ask

torch = pytest.importorskip("torch")

from harness.backends import transformers as engine  # noqa: E402
from harness.backends.prefix import SHORTEST, padded, shared_start  # noqa: E402
from harness.types.settings import BackendSpec  # noqa: E402

pytestmark = pytest.mark.model

SYSTEM = Message(role="system", content="You are a helpful reading room. Answer in one sentence. " * 3)


def test_a_start_is_what_all_share_but_never_a_whole_prompt() -> None:
    start = list(range(40))
    assert shared_start([[*start, 1, 2], [*start, 3], [*start, 1]]) == 40
    assert shared_start([start, [*start, 3]]) == 39
    assert shared_start([start, start]) == 39
    assert shared_start([start]) == shared_start([]) == 0
    assert shared_start([[1, *start], start]) == 0


def test_a_short_start_is_not_worth_it() -> None:
    start = list(range(SHORTEST - 1))
    assert shared_start([[*start, 1], [*start, 2]]) == 0


def test_padding_stands_behind_the_start() -> None:
    ids, mask = padded([[5, 6, 7], [5, 6, 8, 9, 10]], 2, 0)
    assert ids.tolist() == [[5, 6, 0, 0, 7], [5, 6, 8, 9, 10]]
    assert mask.tolist() == [[1, 1, 0, 0, 1], [1, 1, 1, 1, 1]]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_answers_are_those_without_sharing(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    requests = [
        r.model_copy(update={"messages": (SYSTEM, *r.messages)})
        for r in (ask(f"question {'why ' * n}{n}", tokens=24, temperature=temperature) for n in range(6))
    ]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # a GPU shares in its own way
    read: list[int] = []
    once = engine.read_once

    def watched(model: Any, start: Any, *more: Any) -> Any:
        read.append(len(start))
        return once(model, start, *more)

    def texts() -> list[str]:
        spec = BackendSpec(dtype="float32", batch_size=6, threads=1)
        return [g.text for g in answers(engine.TransformersBackend(spec, tiny_model, "w", 0), requests)]

    monkeypatch.setattr(engine, "read_once", watched)
    shared = texts()
    assert len(read) == 1
    assert read[0] > SHORTEST
    monkeypatch.setattr(engine, "shared_start", lambda _: 0)
    assert texts() == shared
    assert len(set(shared)) > 1
