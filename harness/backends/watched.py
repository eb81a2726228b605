"""What looks on while transformers' ``generate`` works."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import StoppingCriteria

from harness.protocols import OnDone
from harness.types.answers import Generation


class RowWatcher(StoppingCriteria):
    """Hands out each row of a batch at the step of its last token, instead of at the end of the batch."""

    def __init__(
        self,
        prompts: list[list[int]],
        width: int,
        eos: set[int],
        limit: int,
        generation: Callable[[list[int], list[int], bool, float], Generation],
        on_done: OnDone,
    ):
        self._prompts, self._width, self._eos, self._limit = prompts, width, eos, limit
        self._generation, self._on_done = generation, on_done
        self._open = set(range(len(prompts)))
        self._compute = [0.0] * len(prompts)
        self._clock = time.perf_counter()
        self._prompt_tokens = sum(map(len, prompts))

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        made = input_ids.shape[1] - self._width
        last = input_ids[:, -1].tolist()
        self._share_time(first=made == 1)
        for row in sorted(self._open):
            if last[row] in self._eos or made >= self._limit:
                self._open.discard(row)
                self._finish(row, input_ids[row, self._width :].tolist(), last[row] in self._eos)
        # generate() itself stops at eos and at the limit; this only watches.
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    def _share_time(self, first: bool) -> None:
        """Prefill is shared by prompt length, a decoding step equally by the rows still open."""
        now = time.perf_counter()
        spent, self._clock = now - self._clock, now
        for row in self._open:
            share = len(self._prompts[row]) / self._prompt_tokens if first else 1 / len(self._open)
            self._compute[row] += spent * share

    def _finish(self, row: int, tokens: list[int], stopped: bool) -> None:
        self._on_done(row, self._generation(self._prompts[row], tokens, stopped, self._compute[row]))


class TokenClock:
    """A streamer that notes when the first new token came."""

    def __init__(self) -> None:
        self.first = 0.0
        self._calls = 0

    def put(self, _: Any) -> None:
        self._calls += 1
        if self._calls == 2:  # the first call brings the prompt
            self.first = time.perf_counter()

    def end(self) -> None:
        pass
