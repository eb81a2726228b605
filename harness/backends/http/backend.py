"""An endpoint as an engine: bounded concurrency, repetition of what failed, times of a stream's tokens.

The connection lives in an event loop on a thread of its own, so that the pipeline stays plain.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from harness.backends.http.connection import Connection, drain
from harness.backends.http.fault import Fault
from harness.backends.http.limits import Breaker, Gate, Tell, pause
from harness.backends.http.redact import Redactor
from harness.backends.http.wire import Assembly, Events, body
from harness.errors import BackendError, LateError
from harness.protocols import OnDone
from harness.types.answers import Generation, Request
from harness.types.data import Message
from harness.types.endpoint import Endpoint

T = TypeVar("T")
OnText = Callable[[str], None]

_CLOSE_S = 1.0
_LISTEN_S = 0.5
"""How long the caller's thread waits for an answer before it looks for something to tell."""


class HttpBackend:
    """Asks one endpoint. Answers do not depend on what else is asked."""

    def __init__(self, name: str, endpoint: Endpoint, fingerprint: str, seed: int, tell: Tell):
        """``name`` is the endpoint's in the settings; ``tell`` takes notes for the person who waits."""
        self.fingerprint = fingerprint
        self._name, self._endpoint, self._seed, self._tell = name, endpoint, seed, tell
        key = os.environ.get(endpoint.key, "").strip() if endpoint.key else ""
        self._redactor = Redactor(key or None)
        self._notes: deque[str] = deque()
        self._gate = Gate(endpoint.max_concurrency, self._note)
        self._breaker = Breaker(endpoint.stop_after, self._note)
        self._connection = Connection(endpoint, key)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name=f"endpoint {name}", daemon=True).start()
        atexit.register(self._close)

    def count_tokens(self, messages: Sequence[Message]) -> int | None:
        """None: the model's tokenizer is with the server, and its usage says what it counted."""
        return None

    def clock(self) -> float:
        return time.perf_counter()

    def batches(self, requests: Sequence[Request]) -> list[list[int]]:
        """All at once: how many fly at a time is the gate's affair."""
        return [list(range(len(requests)))] if requests else []

    def generate(self, batch: Sequence[Request], on_done: OnDone) -> None:
        finished: SimpleQueue[tuple[int, Generation | BackendError]] = SimpleQueue()

        async def one(place: int, request: Request) -> None:
            try:
                finished.put((place, await self._ask(request, stream=False)))
            except BackendError as e:
                finished.put((place, e))

        async def all_of_them() -> None:
            await asyncio.gather(*(one(place, request) for place, request in enumerate(batch)))

        running = self._start(all_of_them())
        try:
            left = len(batch)
            while left:
                try:
                    on_done(*finished.get(timeout=_LISTEN_S))
                    left -= 1
                except Empty:
                    if running.done():
                        running.result()
                finally:
                    self._pass_on()
        finally:
            running.cancel()

    def time(self, request: Request) -> Generation:
        """Times are those of the attempt that worked: the endpoint's, not of the repetitions before it."""
        try:
            return self._start(self._ask(request, stream=True)).result()
        finally:
            self._pass_on()

    def stream(self, request: Request) -> Iterator[str | Generation]:
        parts: SimpleQueue[str | Generation | BackendError] = SimpleQueue()

        async def ask() -> None:
            try:
                parts.put(await self._ask(request, stream=True, on_text=parts.put))
            except BackendError as e:
                parts.put(e)

        running = self._start(ask())
        try:
            while True:
                part = parts.get()
                if isinstance(part, BackendError):
                    raise part
                yield part
                if isinstance(part, Generation):
                    return
        finally:
            running.cancel()
            self._pass_on()

    def warm_up(self, request: Request) -> None:
        """Opens a connection; nothing is asked that would be paid."""
        with suppress(CancelledError):
            self._start(self._connection.open()).result()

    def _start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _close(self) -> None:
        with suppress(Exception):  # the process ends: nobody is left to be told
            self._start(self._connection.close()).result(timeout=_CLOSE_S)

    def _note(self, text: str) -> None:
        self._notes.append(f"endpoint {self._name} {text}")

    def _pass_on(self) -> None:
        while self._notes:
            self._tell(self._notes.popleft())

    async def _ask(self, request: Request, stream: bool, on_text: OnText | None = None) -> Generation:
        """The answer, after as many attempts as it takes; raises BackendError when they are used up."""
        fields = body(self._endpoint, request, self._seed, stream)
        paid = turned_away = 0
        for attempt in range(self._endpoint.retries + 1):
            try:
                async with self._gate.slot() as sent:
                    if self._breaker.reason:
                        raise BackendError(f"not asked: {self._breaker.reason}", paid, turned_away)
                    answer = await self._attempt(fields, stream, on_text)
            except Fault as fault:
                what = self._redactor.error(str(fault))
                paid, turned_away = paid + fault.paid, turned_away + (not fault.paid)
                if fault.busy:
                    self._gate.busy(sent, fault.wait_s, what)
                if not fault.again or attempt == self._endpoint.retries:
                    self._breaker.failed(what)
                    times = f" ({attempt + 1} attempts)" if attempt else ""
                    kind = LateError if fault.late else BackendError
                    raise kind(f"{what}{times}", paid, turned_away) from None
                await asyncio.sleep(max(fault.wait_s or 0.0, pause(attempt)))
                continue
            self._gate.went_well()
            self._breaker.went_well()
            return answer.model_copy(update={"attempts": paid + 1, "refused": turned_away})
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, fields: dict[str, Any], stream: bool, on_text: OnText | None) -> Generation:
        """One attempt; raises Fault. One that fails after text was passed on cannot be repeated."""
        passed_on = _Pieces(self._redactor, on_text)
        try:
            async with asyncio.timeout(self._endpoint.deadline_s):
                if stream:
                    return await self._streamed(fields, passed_on)
                return await self._whole(fields)
        except TimeoutError:
            what = f"no whole answer within {self._endpoint.deadline_s:g} s"
            raise Fault(what, again=not passed_on.any, paid=True, late=True) from None
        except Fault as fault:
            fault.again = fault.again and not passed_on.any
            raise

    async def _whole(self, fields: dict[str, Any]) -> Generation:
        assembly = Assembly(self._redactor)
        async with self._connection.post(fields) as chunks:
            assembly.add(b"".join([chunk async for chunk in chunks]))
        return assembly.generation(None, None)

    async def _streamed(self, fields: dict[str, Any], pieces: _Pieces) -> Generation:
        assembly, events = Assembly(self._redactor), Events()
        first: float | None = None
        sent = time.perf_counter()
        last = sent
        async with self._connection.post(fields) as chunks:
            async for chunk in chunks:
                for data in events.feed(chunk):
                    text = assembly.add(data)
                    if text is not None:
                        last = time.perf_counter()
                        first = last if first is None else first
                        pieces.add(text)
                if events.done:
                    await drain(chunks)
                    break
        if not events.done and assembly.usage is None:
            raise Fault("the stream ended before its end", again=True, paid=True)
        pieces.end()
        first = last if first is None else first
        return assembly.generation(round(first - sent, 6), round(last - sent, 6))


class _Pieces:
    """Passes text on as it comes, less what may be the beginning of the key."""

    def __init__(self, redactor: Redactor, on_text: OnText | None):
        self._redactor, self._on_text = redactor, on_text
        self._held = ""
        self.any = False

    def add(self, text: str) -> None:
        if self._on_text is None:
            return
        text = self._redactor.answer(self._held + text)
        cut = len(text) - self._redactor.held_back(text)
        self._held = text[cut:]
        self._pass(text[:cut])

    def end(self) -> None:
        self._pass(self._held)

    def _pass(self, text: str) -> None:
        if text and self._on_text is not None:
            self.any = True
            self._on_text(text)
