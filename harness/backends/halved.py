"""Another batch plan for the same engine: what an A/A run varies.

Greedy answers should not depend on which others they are computed with, but sums of floating-point numbers do
(lm-evaluation-harness issue 1645), and now and then another token wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.protocols import Backend, OnDone
from harness.store import fingerprint
from harness.types.answers import Generation, Request
from harness.types.data import Message


def halved_fingerprint(engine: str) -> str:
    """Of an engine that runs in halves of the batches of ``engine``."""
    return fingerprint("halved batches", 1, engine)


class HalvedBatches:
    """``inner`` with each of its batches cut in two, every other request, so that size and neighbours differ.

    Weights are shared and no batch is larger than before, so it fits wherever ``inner`` does.
    """

    def __init__(self, inner: Backend):
        self._inner = inner
        self.fingerprint = halved_fingerprint(inner.fingerprint)

    def count_tokens(self, messages: Sequence[Message]) -> int | None:
        return self._inner.count_tokens(messages)

    def clock(self) -> float:
        return self._inner.clock()

    def batches(self, requests: Sequence[Request]) -> list[list[int]]:
        whole = self._inner.batches(requests)
        return [half for batch in whole for half in (batch[::2], batch[1::2]) if half]

    def generate(self, batch: Sequence[Request], on_done: OnDone) -> None:
        self._inner.generate(batch, on_done)

    def time(self, request: Request) -> Generation:
        return self._inner.time(request)

    def stream(self, request: Request) -> Iterator[str | Generation]:
        return self._inner.stream(request)

    def warm_up(self, request: Request) -> None:
        self._inner.warm_up(request)
