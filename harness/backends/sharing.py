"""Streams of several threads through one engine: one thread steps it for all of them and hands out the tokens."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress

from harness.backends.paged import PagedPipeline, Running
from harness.errors import BackendError, HarnessError
from harness.types.settings import Decoding

_HAND_OVER_S = 0.001
"""Longest wait for those who read the tokens. OpenVINO GenAI keeps Python's interpreter lock while it steps: whoever has
not passed a token on before the next step (16 ms alone on two cores) does so after it."""


class _HandOver:
    """The tokens of one step, until their readers have come back for the next ones."""

    def __init__(self) -> None:
        self.out = 0
        self._back: queue.SimpleQueue[None] = queue.SimpleQueue()

    def passed_on(self) -> None:
        self._back.put(None)

    def wait(self) -> None:
        end = time.perf_counter() + _HAND_OVER_S
        with suppress(queue.Empty):
            for _ in range(self.out):
                self._back.get(timeout=max(0.0, end - time.perf_counter()))


class _Stream:
    """One request: what was asked, and a queue of its tokens that ends with None or an error."""

    def __init__(self, adapter: str | None, prompt: Sequence[int], decoding: Decoding):
        self.adapter, self.prompt, self.decoding = adapter, prompt, decoding
        self.out: queue.SimpleQueue[tuple[int, Running, _HandOver] | HarnessError | None] = (
            queue.SimpleQueue()
        )
        self.told = 0
        self.dropped = False


class Streams:
    """First come, first served. All that run at once have one adapter: a request for another waits until those
    before it are done, and those after it wait for it.
    """

    def __init__(self, pipeline: PagedPipeline, turn: threading.Lock):
        """``turn`` is held while any stream runs."""
        self._pipeline, self._turn = pipeline, turn
        self._waiting: deque[_Stream] = deque()
        self._guard = threading.Lock()
        self._working = False
        self._spaces: dict[str | None, int] = {}

    def ask(
        self, adapter: str | None, prompt: Sequence[int], decoding: Decoding
    ) -> Generator[tuple[int, Running]]:
        """Tokens as they come, with the request that they belong to. Closing drops it. Raises BackendError."""
        stream = _Stream(adapter, prompt, decoding)
        with self._guard:
            self._waiting.append(stream)
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, name="openvino streams").start()
        try:
            while (got := stream.out.get()) is not None:
                if isinstance(got, HarnessError):
                    raise got
                token, running, handed = got
                yield token, running
                handed.passed_on()
        finally:
            stream.dropped = True

    def _work(self) -> None:
        """Steps the engine until no stream is left."""
        with self._turn:
            running: dict[_Stream, Running] = {}
            while self._more(running):
                try:
                    for stream in self._admitted(running):
                        self._start(stream, running)
                    if running:
                        self._step(running).wait()
                except HarnessError as e:
                    _end(running, e)
                except BaseException:
                    _end(running, BackendError("generation failed: the engine stopped"))
                    raise

    def _more(self, running: dict[_Stream, Running]) -> bool:
        with self._guard:
            self._working = bool(running or self._waiting)
            return self._working

    def _admitted(self, running: dict[_Stream, Running]) -> list[_Stream]:
        """The streams that start now: those at the head of the line with the adapter of those that run."""
        with self._guard:
            adapter = next(iter(running), self._waiting[0] if self._waiting else None)
            found = []
            while adapter and self._waiting and self._waiting[0].adapter == adapter.adapter:
                found.append(self._waiting.popleft())
            return found

    def _start(self, stream: _Stream, running: dict[_Stream, Running]) -> None:
        if stream.dropped:
            return
        try:
            if not running:
                self._pipeline.use(stream.adapter)
            if stream.adapter not in self._spaces:
                self._spaces[stream.adapter] = self._pipeline.space()
            space = self._spaces[stream.adapter]
            running[stream] = self._pipeline.add(stream.prompt, stream.decoding, space)
        except HarnessError as e:
            stream.out.put(e)

    def _step(self, running: dict[_Stream, Running]) -> _HandOver:
        handed = _HandOver()
        dropped = [stream for stream in running if stream.dropped]
        for stream in dropped:
            running[stream].handle.cancel()
        self._pipeline.step(running.values())
        for stream in dropped:  # the step has freed what they held
            del running[stream]
        for stream, r in list(running.items()):
            for token in r.tokens[stream.told :]:
                handed.out += 1
                stream.out.put((token, r, handed))
            stream.told = len(r.tokens)
            if r.done:
                full = BackendError(
                    "generation failed: the key/value cache is full; raise backend.kv_cache_gb"
                )
                stream.out.put(full if r.failed else None)
                del running[stream]
        return handed


def _end(running: dict[_Stream, Running], error: HarnessError) -> None:
    for stream in running:
        stream.out.put(error)
    running.clear()
