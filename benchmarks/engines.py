"""The openvino engine against transformers and against the machine, in one run on this machine.

    .venv/bin/python -m benchmarks.engines [--items 68] [--alone 8] [--rounds 3] [--weights float16]

Prompts are those of support-bot's ``rag`` variant for held-out items. Engines take turns (one, the other, one, the other)
and the best of the rounds is taken, because the neighbours on a rented machine come and go; the matrix product and
the copy that the shares are of are measured in every round too. Prints a JSON object a line.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any
from unittest.mock import patch

from harness import machine
from harness.backends.admission import BLOCK, Admission
from harness.engine import make_engine
from harness.models.source import fetch
from harness.pipeline import build_variants
from harness.progress import PlainProgress
from harness.protocols import Backend
from harness.scenario.inputs import Inputs, Options, load_inputs
from harness.store import cache_folder
from harness.types.answers import Generation, Request
from harness.types.data import Item
from harness.types.settings import BackendSpec, Retrieval, Scenario
from harness.variants.compose import ComposedVariant
from harness.variants.prompt import lay_out

SCENARIO = Path("scenarios/support-bot")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", type=int, default=68)
    arguments.add_argument("--alone", type=int, default=8)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--weights", choices=("float16", "int8"), default="float16")
    given = arguments.parse_args()
    machine.keep_freed_memory()
    progress = PlainProgress()
    inputs = load_inputs(SCENARIO, Options(variants=("rag",)))
    scenario = inputs.scenario
    engines = {
        name: make_engine(_with(scenario, name, given.weights), cache_folder(), False, progress).backend()
        for name in ("openvino", "transformers")
    }
    any_engine = make_engine(scenario, cache_folder(), False, progress)
    built = build_variants(inputs, SCENARIO, any_engine, progress)
    rag = next(v for v in built if isinstance(v, ComposedVariant) and v.spec.name == "rag")
    requests = rag.requests(inputs.heldout[: given.items])
    parameters = _parameters(fetch(scenario.model))
    told = {
        "dtype": machine.resolve_dtype("auto"),
        "weights": given.weights,
        "items": len(requests),
        **parameters,
    }
    print(json.dumps({"machine": machine.describe() | told}))
    limits = Limits()
    print(json.dumps({"batched": batched(engines, requests, parameters, limits, given.rounds)}), flush=True)
    some = requests[:: max(1, len(requests) // given.alone)][: given.alone]
    print(json.dumps({"alone": alone(engines, some, parameters, limits, given.rounds)}), flush=True)
    for name, asked in {
        "prefix, each its own passages": requests[:32],
        "prefix, several questions on the same passages": popular(rag, inputs),
    }.items():
        print(json.dumps({name: prefix(engines["openvino"], asked, given.rounds)}), flush=True)


def _with(scenario: Scenario, name: str, weights: str) -> Scenario:
    spec = BackendSpec.model_validate(scenario.backend.model_dump() | {"name": name, "weights": weights})
    return scenario.model_copy(update={"backend": spec})


def _parameters(folder: Path) -> dict[str, int]:
    """Of all weights, and of those that every token of a prompt passes (the output layer sees the last alone)."""
    from safetensors import safe_open

    config = json.loads((folder / "config.json").read_text())
    total = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "np") as tensors:
            total += sum(prod(tensors.get_slice(name).get_shape()) for name in list(tensors.keys()))
    return {"parameters": total, "without_output": total - config["vocab_size"] * config["hidden_size"]}


class Limits:
    """What this machine does at best, each time it is asked: the best so far counts."""

    def __init__(self) -> None:
        import torch

        self._torch = torch
        self._squares = [torch.randn(n, n).to(torch.bfloat16) for n in (1024, 2048, 3072)]
        self._from = torch.randn(64 * 2**20)
        self._to = torch.empty_like(self._from)
        self.flops, self.bytes = 0.0, 0.0

    def measure(self) -> None:
        for square in self._squares:
            n = len(square)
            seconds = _best(lambda square=square: square @ square, 4)
            self.flops = max(self.flops, 2 * n**3 / seconds)
        moved = 2 * self._from.numel() * self._from.element_size()  # read and written
        self.bytes = max(self.bytes, moved / _best(lambda: self._to.copy_(self._from), 4))


def _best(work: Callable[[], Any], times: int) -> float:
    def once() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return min(once() for _ in range(times))


def _answer(backend: Backend, requests: list[Request]) -> tuple[float, list[Generation]]:
    done: dict[int, Generation] = {}
    start = time.perf_counter()
    for batch in backend.batches(requests):

        def keep(place: int, result: Any, batch: list[int] = batch) -> None:
            done[batch[place]] = result

        backend.generate([requests[i] for i in batch], keep)
    return time.perf_counter() - start, [done[i] for i in range(len(requests))]


def batched(
    engines: dict[str, Backend],
    requests: list[Request],
    parameters: dict[str, int],
    limits: Limits,
    rounds: int,
) -> dict[str, float]:
    for backend in engines.values():
        _answer(backend, requests[:4])
    best: dict[str, tuple[float, list[Generation]]] = {}
    for _ in range(rounds):
        limits.measure()
        for name, backend in engines.items():
            found = _answer(backend, requests)
            if name not in best or found[0] < best[name][0]:
                best[name] = found
    rate = {name: sum(g.output_tokens for g in given) / seconds for name, (seconds, given) in best.items()}
    seconds, given = best["openvino"]
    shared = sum(_shared(engines["openvino"], requests))
    read = sum(g.prompt_tokens for g in given) - shared
    written = sum(g.output_tokens for g in given)
    work = 2 * (parameters["without_output"] * read + parameters["parameters"] * written)
    same = sum(a.text == b.text for a, b in zip(given, best["transformers"][1], strict=True))
    return {
        **{f"{name}, answer tokens/s": round(r, 1) for name, r in rate.items()},
        "openvino / transformers": round(rate["openvino"] / rate["transformers"], 2),
        "prompt tokens computed": read,
        "prompt tokens shared": shared,
        "answer tokens": written,
        "GFLOP/s": round(work / seconds / 1e9, 1),
        "bf16 matmul peak, GFLOP/s": round(limits.flops / 1e9, 1),
        "share of the peak": round(work / seconds / limits.flops, 3),
        "same texts": f"{same} of {len(requests)}",
    }


def _shared(backend: Any, requests: list[Request]) -> list[int]:
    """Prompt tokens of each request in whole blocks that an earlier one of its batch has computed."""
    found = []
    for batch in backend.batches(requests):
        known: set[tuple[int, ...]] = set()
        for i in batch:
            prompt = backend._prompts.render(requests[i].messages)
            blocks = [tuple(prompt[: BLOCK * (k + 1)]) for k in range(len(prompt) // BLOCK)]
            found.append(BLOCK * sum(b in known for b in blocks))
            known.update(blocks)
    return found


def alone(
    engines: dict[str, Backend],
    requests: list[Request],
    parameters: dict[str, int],
    limits: Limits,
    rounds: int,
) -> dict[str, float]:
    times: dict[str, list[list[Generation]]] = {name: [] for name in engines}
    for _ in range(rounds):
        limits.measure()
        for name, backend in engines.items():
            backend.warm_up(requests[0])
            times[name].append([backend.time(r) for r in requests])
    step = {name: min(map(_seconds_a_token, given)) for name, given in times.items()}
    whole = {name: min(_rate(given) for given in found) for name, found in times.items()}
    weight_bytes = 2 * parameters["parameters"]
    limit = limits.bytes / weight_bytes
    return {
        **{f"{name}, decoding tokens/s": round(1 / s, 1) for name, s in step.items()},
        "decoding, openvino / transformers": round(step["transformers"] / step["openvino"], 2),
        **{f"{name}, s a token of whole requests": round(s, 4) for name, s in whole.items()},
        "whole requests, openvino / transformers": round(whole["transformers"] / whole["openvino"], 2),
        "copy, GB/s read and written": round(limits.bytes / 1e9, 2),
        "limit, tokens/s": round(limit, 1),
        "share of the limit": round(1 / step["openvino"] / limit, 3),
        "requests": len(requests),
    }


def _seconds_a_token(given: list[Generation]) -> float:
    """Of decoding alone: from the first token to the last."""
    spent = sum((g.total_s or 0) - (g.first_token_s or 0) for g in given)
    return spent / sum(g.output_tokens - 1 for g in given)


def _rate(given: list[Generation]) -> float:
    return sum(g.total_s or 0 for g in given) / sum(g.output_tokens for g in given)


def popular(rag: ComposedVariant, inputs: Inputs, articles: int = 8, questions: int = 4) -> list[Request]:
    """The articles that most is asked about, with what retrieval finds for the first question shown to all of them.

    Laid out as an adapter is trained to read: system text and passages first, the question last.
    """
    by_article: dict[str, list[Item]] = {}
    for item in (*inputs.heldout, *inputs.train):
        if len(item.sources) == 1 and len(item.messages) == 1:
            by_article.setdefault(item.sources[0], []).append(item)
    most = sorted(by_article.values(), key=len, reverse=True)[:articles]
    known, system = rag.passages(), (SCENARIO / "prompts/reader.md").read_text()
    found = []
    for items in most:
        first = rag.requests(items[:1])[0]
        passages = [known[hit.passage] for hit in first.retrieved]
        for item in items[:questions]:
            messages = lay_out(item.messages, system, (), passages, Retrieval.DEFAULT_LAYOUT)
            found.append(first.model_copy(update={"item": item.id, "messages": messages}))
    return found


class _NothingShared(Admission):
    def __init__(self, prompts: list[list[int]], step_tokens: int, at_once: int):
        super().__init__(prompts, step_tokens, at_once)
        self._blocks = [[] for _ in prompts]


def prefix(backend: Any, requests: list[Request], rounds: int) -> dict[str, Any]:
    """Reading the prompts of one batch with shared beginnings computed once, and each prompt on its own."""
    short = [
        r.model_copy(update={"decoding": r.decoding.model_copy(update={"max_new_tokens": 1})})
        for r in requests
    ]
    pipeline = backend._pipeline

    def apart(asked: list[Request]) -> tuple[float, list[Generation]]:
        """Every request in a space of its own, entering as soon as the step has room."""
        add = pipeline.add
        pipeline.add = lambda prompt, decoding, _, *rest: add(prompt, decoding, pipeline.space(), *rest)
        try:
            with patch("harness.backends.openvino.Admission", _NothingShared):
                return _answer(backend, asked)
        finally:
            del pipeline.add

    _answer(backend, short[:4])
    on = min(_answer(backend, short)[0] for _ in range(rounds))
    off = min(apart(short)[0] for _ in range(rounds))
    texts = [[g.text for g in _ask(requests)[1]] for _ask in (lambda r: _answer(backend, r), apart)]
    prompts = [len(backend._prompts.render(r.messages)) for r in requests]
    return {
        "requests": len(requests),
        "prompt tokens": sum(prompts),
        "shared": sum(_shared(backend, requests)),
        "reuse on, s": round(on, 3),
        "reuse off, s": round(off, 3),
        "off / on": round(off / on, 2),
        "same texts": f"{sum(a == b for a, b in zip(*texts, strict=True))} of {len(requests)}",
    }


if __name__ == "__main__":
    main()
