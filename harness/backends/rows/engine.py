"""Rows for one loaded model: how many fit, and what happens when they do not."""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from harness.backends.rows.attention import UnsupportedModelError, use_rows
from harness.backends.rows.decoder import OnToken, OnWritten, RowDecoder, Written, length_for
from harness.backends.rows.fuse import fuse
from harness.errors import BackendError
from harness.store import write_atomic

_SPARE = 0.1
"""Share of the GPU's memory left for what a step computes with."""


class RowLimits:
    """How many rows of a length went into memory, kept in a file: a resumed run repeats the same rows."""

    def __init__(self, file: Path):
        self._file = file

    def of(self, length: int) -> int | None:
        return self._read().get(str(length))

    def lower(self, length: int, rows: int) -> None:
        kept = self._read() | {str(length): rows}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self._file, json.dumps(kept, sort_keys=True))

    def _read(self) -> dict[str, int]:
        try:
            found: dict[str, int] = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return found


class RowEngine:
    """Greedy answers of ``model``; ``wanted`` rows at most."""

    def __init__(self, model: Any, eos: set[int], wanted: int, limits: RowLimits, graphs: bool):
        self._model, self._eos, self._wanted, self._limits, self._graphs = model, eos, wanted, limits, graphs
        first = RowDecoder(model, 1, 256, eos, graphs)
        self._per_token = first.bytes_per_token()
        self._decoder: RowDecoder | None = None
        self._families = fuse(model)  # once it is known to be served

    def generate(self, prompts: Sequence[list[int]], limit: int, on_written: OnWritten) -> None:
        """Answer all; where memory runs out, all again in half as many rows, and nothing is told twice.

        Going on with the answers under way would make what is still open depend on when memory ran out.
        """
        told: set[int] = set()

        def tell(written: Written) -> None:
            if written.place not in told:
                told.add(written.place)
                on_written(written)

        length = length_for(prompts, limit)
        rows = self._rows(len(prompts), length)
        while True:
            try:
                self._ready(rows, length).run(prompts, limit, tell)
                return
            except torch.OutOfMemoryError as e:
                if rows == 1:
                    raise BackendError(f"one request of up to {length} tokens does not fit the memory") from e
            rows //= 2
            self._limits.lower(length, rows)
            self._drop()

    def alone(
        self, prompt: list[int], limit: int, on_token: OnToken, on_ready: Callable[[], None] = lambda: None
    ) -> Written:
        """Answer one; ``on_ready`` is called when all is captured and the work begins.

        An exception of ``on_token`` ends it.
        """
        found: list[Written] = []
        length = -(-length_for([prompt], limit) // 1024) * 1024  # longer ones seldom make a new decoder
        decoder = self._ready(1, length)
        decoder.prepare([prompt])
        on_ready()
        decoder.run([prompt], limit, found.append, on_token)
        return found[0]

    def _rows(self, prompts: int, length: int) -> int:
        """As many as are wanted, needed, known to fit and now free."""
        rows = min(self._wanted, 2 ** math.ceil(math.log2(prompts)), self._limits.of(length) or self._wanted)
        if self._model.device.type != "cuda" or self._serves(rows, length):
            return rows
        self._drop()
        free, total = torch.cuda.mem_get_info()
        fit = int((free - _SPARE * total) / (self._per_token * length))
        if fit < rows:
            rows = 2 ** int(math.log2(max(1, fit)))
            self._limits.lower(length, rows)
        return rows

    def _ready(self, rows: int, length: int) -> RowDecoder:
        if not (found := self._serves(rows, length)):
            self._drop()
            found = self._decoder = RowDecoder(
                self._model, rows, length, self._eos, self._graphs, self._families
            )
        return found

    def _serves(self, rows: int, length: int) -> RowDecoder | None:
        d = self._decoder
        return d if d and d.rows == rows and d.length >= length else None

    def _drop(self) -> None:
        self._decoder = None
        gc.collect()
        torch.cuda.empty_cache()


def row_engine(model: Any, eos: set[int], wanted: int, limits: RowLimits, graphs: bool) -> RowEngine | None:
    """For a loaded model, which is changed to be served by it; None, and unchanged attention, where it cannot be."""
    if not _suits(model):
        return None
    before = model.config._attn_implementation
    use_rows(model)
    try:
        return RowEngine(model, eos, wanted, limits, graphs)
    except (UnsupportedModelError, TypeError):
        model.set_attn_implementation(before)
        return None


def _suits(model: Any) -> bool:
    """Whether static shapes and plain greedy choice are all that the model's own generation would do."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    config, settings = base.config.get_text_config(), base.generation_config
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = {p.get("rope_type") for p in (rope, *rope.values()) if isinstance(p, dict)}
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    return (
        getattr(base, "_can_compile_fullgraph", False)
        and not base.config.is_encoder_decoder
        and layers <= {"full_attention", "sliding_attention"}
        and not kinds & {"dynamic", "longrope"}  # these look at positions on the host
        and (settings.repetition_penalty or 1.0) == 1.0
        and not settings.no_repeat_ngram_size
        and not settings.suppress_tokens
        and not settings.bad_words_ids
    )
