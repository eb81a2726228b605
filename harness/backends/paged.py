"""OpenVINO GenAI's continuous batching with a paged key/value cache: one loaded model, stepped by its caller."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from harness.backends.admission import BLOCK
from harness.backends.lora import empty_lora, read_lora
from harness.errors import BackendError, ModelError
from harness.machine import release_freed_memory, resolve_dtype, silence_telemetry, threads
from harness.types.settings import BackendSpec, Decoding

silence_telemetry()
import openvino as ov  # noqa: E402
import openvino_genai as genai  # noqa: E402

STEP_TOKENS = 512
"""Tokens that one step computes at most: enough for the matrix units, few enough that no one waits long."""
_PRECISION = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_TOP_K = 50
"""What ``generate`` of transformers samples from unless told otherwise."""
_ID_LIMIT = 2**31
"""The CPU plugin keeps token ids in 32 bits."""


@dataclass
class Running:
    """A request in the pipeline."""

    handle: Any
    tokens: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """Of each token, by ``time.perf_counter``."""
    finish: str | None = None
    """``stop`` or ``length``; None while it runs."""
    failed: bool = False
    """The cache has no room for it."""

    @property
    def done(self) -> bool:
        return self.failed or self.finish is not None


class PagedPipeline:
    """Weights in memory once. Not safe for threads: its caller takes turns.

    Adapters are merged into the weights, which loads them anew for each (``adapters: merged``), or computed beside
    the weights and exchanged without loading (``beside``).
    """

    def __init__(self, spec: BackendSpec, folder: Path, ends: Collection[int], seed: int):
        self._spec, self._folder, self._ends, self._seed = spec, folder, frozenset(ends), seed
        self._dtype = resolve_dtype(spec.dtype)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._vocabulary = int(config["vocab_size"])
        size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        heads = config.get("num_key_value_heads") or config["num_attention_heads"]
        width = 4 if self._dtype == "float32" else 2
        self._block_bytes = 2 * BLOCK * config["num_hidden_layers"] * heads * size * width
        self._linear = json.loads((folder / "linear.json").read_text(encoding="utf-8"))
        self._pipeline: Any = None
        self._adapter: str | None = None
        self._known: dict[str, Any] = {}
        self._numbers = count()
        self._spaces = count(1)

    def use(self, adapter: str | None) -> None:
        """Make ``adapter`` (a folder of PEFT's; None is the base) the one of the next requests; nothing may run."""
        if self._pipeline is not None and adapter == self._adapter:
            return
        if self._spec.adapters == "merged":
            self._load(self._adapter_config(adapter, merged=True) if adapter else None)
        else:
            if self._pipeline is None:
                room = genai.Adapter(_tensor(empty_lora(self._linear, self._lora_dtype())))
                self._load(genai.AdapterConfig(room))
            config = self._adapter_config(adapter, merged=False) if adapter else genai.AdapterConfig()
            self._exchange(config)
        self._adapter = adapter

    def space(self) -> int:
        """A number for requests that share the keys and values of equal beginnings with each other alone."""
        return next(self._spaces)

    def add(
        self, prompt: Sequence[int], decoding: Decoding, space: int, schema: Any = None, sample: int = 0
    ) -> Running:
        """Queue a request with the adapter in use; ``step`` brings it on. Raises BackendError.

        ``schema``: a JSON schema that the answer is held to, token by token.
        """
        settings = genai.GenerationConfig(
            max_new_tokens=decoding.max_new_tokens,
            eos_token_id=min(self._ends),
            stop_token_ids=set(self._ends),
            rng_seed=self._seed + sample,
        )
        if schema is not None:
            settings.structured_output_config = genai.StructuredOutputConfig(json_schema=json.dumps(schema))
        if decoding.temperature:
            settings.do_sample, settings.top_k = True, _TOP_K
            settings.temperature = decoding.temperature
        ids = ov.Tensor(np.array([self._written(prompt, space)], dtype=np.int64))
        try:
            return Running(self._pipeline.add_request(next(self._numbers), ids, settings))
        except RuntimeError as e:
            raise _failure(e) from e

    def step(self, running: Collection[Running]) -> None:
        """Compute the next tokens and hand them to ``running``. Raises BackendError; then all of them are lost."""
        try:
            self._pipeline.step()
        except RuntimeError as e:
            self.drop()
            raise _failure(e) from e
        now = time.perf_counter()
        for r in running:
            while r.handle.can_read():
                for output in r.handle.read().values():
                    r.tokens += output.generated_ids
                    r.times += [now] * len(output.generated_ids)
                    if output.finish_reason != genai.GenerationFinishReason.NONE:
                        stopped = output.finish_reason == genai.GenerationFinishReason.STOP
                        r.finish = "stop" if stopped else "length"
            r.failed = not r.done and r.handle.get_status() == genai.GenerationStatus.IGNORED

    def _written(self, prompt: Sequence[int], space: int) -> list[int]:
        """``prompt`` so that its blocks are found by requests of ``space`` alone.

        The cache knows a block by the ids up to it, not by the adapter that computed it. The exported model takes
        ids modulo its vocabulary, so the first two ids carry the number of the space.
        """
        base = _ID_LIMIT // self._vocabulary - 1
        high, low = divmod(space, base)
        marks = (low, high % base)
        return [i + m * self._vocabulary for i, m in zip(prompt, marks, strict=False)] + list(prompt[2:])

    def _load(self, adapters: Any) -> None:
        self.drop()
        scheduler = genai.SchedulerConfig()
        scheduler.max_num_batched_tokens = STEP_TOKENS
        scheduler.max_num_seqs = self._spec.batch_size
        scheduler.num_kv_blocks = int(self._spec.kv_cache_gb * 2**30 / self._block_bytes)
        scheduler.enable_prefix_caching = True
        precision = _PRECISION[self._dtype]
        properties = {
            "INFERENCE_PRECISION_HINT": precision,
            "KV_CACHE_PRECISION": precision,
            "INFERENCE_NUM_THREADS": self._spec.threads or threads(),
            "ENABLE_CPU_PINNING": False,
        }
        if adapters is not None:
            properties["adapters"] = adapters
        try:
            self._pipeline = genai.ContinuousBatchingPipeline(self._folder, scheduler, "CPU", properties)
        except RuntimeError as e:
            raise ModelError(f"OpenVINO cannot load {self._folder}: {_last_line(e)}") from e

    def drop(self) -> None:
        """Free weights and cache, with whatever runs; the next ``use`` loads them again."""
        self._pipeline, self._adapter = None, None
        gc.collect()
        release_freed_memory()

    def _exchange(self, config: Any) -> None:
        """Adapters are only exchanged by ``generate``: one token of a prompt that no one shares."""
        settings = genai.GenerationConfig(max_new_tokens=1, eos_token_id=min(self._ends), adapters=config)
        ids = ov.Tensor(np.array([self._written([0, 0], self.space())], dtype=np.int64))
        try:
            self._pipeline.generate([ids], [settings])
        except RuntimeError as e:
            self.drop()
            raise _failure(e) from e

    def _adapter_config(self, adapter: str, merged: bool) -> Any:
        if merged:
            tensors = read_lora(Path(adapter), self._linear, np.float32)
            return genai.AdapterConfig(
                genai.Adapter(_tensor(tensors)), mode=genai.AdapterConfig.Mode.MODE_FUSE
            )
        if adapter not in self._known:  # GenAI recognises an adapter that it has seen by the object
            self._known[adapter] = genai.Adapter(
                _tensor(read_lora(Path(adapter), self._linear, self._lora_dtype()))
            )
        return genai.AdapterConfig(self._known[adapter])

    def _lora_dtype(self) -> Any:
        return np.float32 if self._dtype == "float32" else np.float16


def _tensor(content: bytes) -> ov.Tensor:
    return ov.Tensor(np.frombuffer(content, dtype=np.uint8).copy())


def _failure(error: RuntimeError) -> BackendError:
    return BackendError(f"generation failed: {_last_line(error)}")


def _last_line(error: RuntimeError) -> str:
    """OpenVINO's messages end with the reason, after the places that it passed."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
