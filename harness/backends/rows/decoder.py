"""Many prompts through a fixed number of rows: a row that has its last token takes the next waiting prompt.

On a GPU each kind of work (one token for all rows; one or a few prompts of about so many tokens into as many rows) is
captured once in a CUDA graph and replayed, because a step of many small kernels is otherwise bound by their launching.

Continuous admission: Yu et al. 2022 (Orca, OSDI).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch

from harness.backends.prefix import shared_start
from harness.backends.rows.cache import Decode, Fill, RowCache
from harness.backends.rows.fuse import fast_rotary

OnToken = Callable[[int, int], None]
"""The prompt's position and its new token, as soon as it is known."""

Work = Callable[[], None]

Shape = tuple[int, int, int]
"""Of reading: prompts, width of each, positions that it looks at (0: its own)."""

_READ = 512
"""Tokens from which reading is bound by arithmetic: on an H100 about 300 of a bfloat16 product's rows."""

_STEP = (0, 0, 0)
"""The shape of a step, beside those of reading."""


@dataclass
class Written:
    """What was written for one prompt."""

    place: int
    prompt: int
    """Tokens of the prompt."""
    tokens: list[int] = field(default_factory=list)
    stopped: bool = False
    """By an end token, which is the last of ``tokens``."""
    compute_s: float = 0.0
    """Its share of the machine's time: reading by prompt length, a step equally by the rows that are open."""


OnWritten = Callable[[Written], None]


def width(tokens: int) -> int:
    """To what length a prompt is padded: few lengths to capture, little that is read for nothing."""
    step = 32 if tokens <= 256 else 128 if tokens <= 1024 else 512
    return -(-tokens // step) * step


def together(wide: int, rows: int) -> int:
    """How many prompts of a width are read at once: enough that the weights are not read for a few tokens, but no
    more than a small part of the rows, since a freed row waits for the others.
    """
    return 2 ** max(0, min(_READ // wide, rows // 8).bit_length() - 1)


def length_for(prompts: Sequence[list[int]], limit: int) -> int:
    """Tokens a row must have room for."""
    start = shared_start(prompts)
    widest = max(max(len(p) + limit, start + width(len(p) - start), width(len(p))) for p in prompts)
    return -(-(widest + 1) // 256) * 256


class RowDecoder:
    """``model`` with ``rows`` rows of ``length`` tokens, greedily. The model must use the attention of
    ``attention.py``; raises UnsupportedModelError where that cannot do what the model wants.
    """

    def __init__(
        self, model: Any, rows: int, length: int, eos: set[int], graphs: bool, families: Sequence[Any] = ()
    ):
        """``families``: what ``fuse`` returned for the model."""
        self.rows, self.length, self._families = rows, length, families
        self._model, self._eos, self._graphs = model, eos, graphs
        self._device = model.device
        self._cache = RowCache(model.config.get_text_config().num_hidden_layers, rows, length)
        self._tokens, self._lengths, self._open = (self._ints(rows) for _ in range(3))
        self._ready: dict[Shape, tuple[Work, torch.Tensor]] = {}
        self._pool: Any = None
        with torch.inference_mode():  # takes the cache's memory, and tells whether the model is served
            self._reader(1, 32, 0)[0]()

    def bytes_per_token(self) -> float:
        """Of keys and values, for one row."""
        tensors = [t for layer in self._cache.layers for t in (layer.keys, layer.values)]
        return sum(t.numel() * t.element_size() for t in tensors) / (self.rows * self.length)

    @torch.inference_mode()
    def prepare(self, prompts: Sequence[list[int]]) -> int:
        """Capture all that ``prompts`` need, over whatever the rows hold; returns the length of their shared start."""
        start = shared_start(prompts)
        shapes = {_STEP} | {self._shape(1, len(p), start) for p in prompts}
        shapes |= {(together(wide, self.rows), wide, span) for _, wide, span in shapes - {_STEP}}
        shapes |= {self._shape(1, start, 0)} if start else set()
        for shape in sorted(shapes - self._ready.keys()):
            work, given = self._stepper() if shape == _STEP else self._reader(*shape)
            self._ready[shape] = (self._captured(work) if self._graphs else work), given
        return start

    @torch.inference_mode()
    def run(
        self,
        prompts: Sequence[list[int]],
        limit: int,
        on_written: OnWritten,
        on_token: OnToken | None = None,
    ) -> None:
        """Up to ``limit`` tokens for each prompt. ``length_for`` them must not exceed the rows' length."""
        start = self.prepare(prompts)
        if start:
            self._read([prompts[0][:start]], [0], 0)
            self._cache.share(start)
        self._open.zero_()
        self._lengths.fill_(
            start
        )  # where a row without a prompt writes: behind what it shares with the others
        step, _ = self._ready[_STEP]
        waiting = deque(Written(i, len(p)) for i, p in enumerate(prompts))
        taken: dict[int, Written] = {}
        clock, plain = time.perf_counter(), 0.0
        while waiting or taken:
            new = []
            while rows := self._places(waiting, [r for r in range(self.rows) if r not in taken], start):
                taken |= {row: waiting.popleft() for row in rows}
                self._read([prompts[taken[row].place] for row in rows], rows, start)
                new += rows
            copied = self._tokens_on_host()
            if any(len(w.tokens) + 1 < limit for w in taken.values()):
                step()  # the GPU is at the next tokens while these are looked at
            tokens = copied()
            now = time.perf_counter()
            spent, clock = now - clock, now
            plain = plain if new else spent
            _account(spent, plain, taken, new)
            for row, written in list(taken.items()):
                written.tokens.append(tokens[row])
                if on_token:
                    on_token(written.place, tokens[row])
                written.stopped = tokens[row] in self._eos
                if written.stopped or len(written.tokens) == limit:
                    del taken[row]
                    self._open[row] = 0
                    self._lengths[row] = start
                    on_written(written)

    def _places(self, waiting: Sequence[Written], free: list[int], start: int) -> list[int]:
        """The rows for the next prompts to be read together; none while these wait for more rows to come free."""
        if not waiting or not free:
            return []
        wide = width(waiting[0].prompt - start)
        size = together(wide, self.rows)
        alike = [width(w.prompt - start) == wide for w in islice(waiting, size)]
        if len(alike) < size or not all(alike):
            return free[:1]
        return free[:size] if len(free) >= size else []

    def _shape(self, some: int, tokens: int, start: int) -> Shape:
        wide = width(tokens - start)
        return some, wide, min(width(start + wide), self.length) if start else 0

    def _read(self, prompts: Sequence[list[int]], rows: list[int], start: int) -> None:
        shape = self._shape(len(rows), len(prompts[0]), start)
        read, given = self._ready[shape]
        new = [p[start:] for p in prompts]
        ids = [i for p in new for i in (*p, *[0] * (shape[1] - len(p)))]
        told = [start, *rows, *(len(p) - 1 for p in new), *ids]
        given.copy_(torch.tensor(told), non_blocking=True)
        read()

    def _reader(self, some: int, wide: int, span: int) -> tuple[Work, torch.Tensor]:
        """Reads prompts into rows and chooses the first token of each.

        Its input is the tokens that the rows keep, the rows, for each the place of the last token that is no
        padding, and the tokens.
        """
        given = self._ints(1 + some * (2 + wide))
        start, rows, last, ids = given.split([1, some, some, some * wide])

        def read() -> None:
            # Made here, these are the graph's own; a graph does not keep what it only reads.
            places = start + torch.arange(wide, device=self._device)
            seen = torch.arange(span, device=self._device) <= places[:, None]
            mask = seen[None, None] if span else None
            self._cache.now = Fill(rows, start, span)
            logits = self._logits(ids.view(some, wide), places.expand(some, wide), mask, last)
            self._tokens.index_copy_(
                0, rows, logits.diagonal().argmax(0)
            )  # of row i the i-th of the places kept
            self._lengths.index_copy_(0, rows, start + last + 1)
            self._open.index_fill_(0, rows, 1)

        return read, given

    def _stepper(self) -> tuple[Work, torch.Tensor]:
        """Takes the last token of each row and chooses the next."""

        def step() -> None:
            self._cache.now = Decode(self._lengths)
            mask = self._lengths.view(-1, 1, 1, 1)
            logits = self._logits(self._tokens[:, None], self._lengths[:, None], mask, 1)
            self._tokens.copy_(logits[:, -1].argmax(-1))
            self._lengths.add_(self._open)

        return step, self._tokens

    def _logits(self, ids: torch.Tensor, places: torch.Tensor, mask: Any, keep: Any) -> torch.Tensor:
        """(rows, places kept, vocabulary) in float32."""
        with fast_rotary(self._families):
            out = self._model(
                input_ids=ids,
                position_ids=places,
                attention_mask=mask,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=keep,
            )
        return out.logits.float()

    def _captured(self, work: Work) -> Work:
        """``work`` as a CUDA graph; its rehearsals write into rows that hold nothing yet."""
        self._lengths.zero_()
        self._open.zero_()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):  # kernels are compiled and libraries choose theirs before the capture
                work()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            work()
        self._pool = self._pool or graph.pool()
        return graph.replay

    def _tokens_on_host(self) -> Callable[[], list[int]]:
        """A copy under way; calling the result waits for it."""
        if self._device.type != "cuda":
            copy = self._tokens.tolist()
            return lambda: copy
        host = torch.empty_like(self._tokens, device="cpu", pin_memory=True)
        host.copy_(self._tokens, non_blocking=True)
        done = torch.cuda.Event()
        done.record()

        def wait() -> list[int]:
            done.synchronize()
            return host.tolist()

        return wait

    def _ints(self, size: int) -> torch.Tensor:
        return torch.zeros(size, dtype=torch.int64, device=self._device)


def _account(spent: float, plain: float, taken: dict[int, Written], new: Sequence[int]) -> None:
    """What a round took beyond a plain step went into the new prompts; the step is shared by all."""
    read = min(spent, max(0.0, spent - plain)) if new else 0.0
    total = sum(taken[row].prompt for row in new)
    for row, written in taken.items():
        written.compute_s += (spent - read) / len(taken)
        if row in new:
            written.compute_s += read * written.prompt / total
