"""One chat request from its arrival to the last byte."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from harness.serving.limits import Gate, Limits
from harness.serving.log import RequestLog
from harness.serving.metrics import Metrics
from harness.serving.protocol import ApiError, Chat, Ended, Writer, event, read_chat
from harness.serving.service import Asking, Begun, Service
from harness.types.cache import Hit
from harness.types.served import ServedRequest

T = TypeVar("T")
GONE = 499
"""Status in the metrics of a request whose client hung up; nobody receives it."""
CACHE_HEADER = "x-harness-cache"
"""``exact`` or ``near`` where the answer came from the cache, else ``miss``."""


class _GoneError(Exception):
    """The client hung up."""


class Desk:
    """Takes chat requests from arrival to the last byte."""

    def __init__(
        self,
        service: Service,
        limits: Limits,
        gate: Gate,
        metrics: Metrics,
        pool: ThreadPoolExecutor,
        log: RequestLog | None = None,
    ):
        self._service, self._limits, self._gate = service, limits, gate
        self._metrics, self._pool, self._log = metrics, pool, log

    async def chat(self, request: Request) -> Response:
        visit = _Visit(self._metrics, self._limits.deadline_s, self._service.name, self._log)
        try:
            response = await self._respond(request, visit)
        except ApiError as e:
            visit.over(e.status)
            raise
        except (_GoneError, ClientDisconnect):
            visit.over(GONE)
            return Response(status_code=GONE)
        except Exception:
            visit.over(500)
            raise
        return response

    async def _respond(self, request: Request, visit: _Visit) -> Response:
        body = await visit.within(self._body(request))
        chat = read_chat(body, self._service.name)
        visit.id = f"chatcmpl-{uuid.uuid4().hex}"
        writer = Writer(visit.id, self._service.name, int(time.time()), chat.include_usage)
        if chat.stream:
            asking, begun = await self._unless_gone(request, visit, self._begin(chat, visit))
            return _Stream(asking, begun, writer, visit)
        text, ended, hit = await self._unless_gone(request, visit, self._whole(chat, visit))
        visit.ended(ended, hit)
        visit.over(200)
        return JSONResponse(writer.whole(text, ended), headers={CACHE_HEADER: hit or "miss"})

    async def _body(self, request: Request) -> bytes:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":  # a form of a foreign web page must not set the model to work
            raise ApiError(415, "send JSON with the header Content-Type: application/json")
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > self._limits.body_bytes:
                text = f"the request is larger than {self._limits.body_bytes} bytes"
                raise ApiError(413, text, code="request_too_large")
        return bytes(body)

    async def _begin(self, chat: Chat, visit: _Visit) -> tuple[Asking, Begun]:
        """The request handed to the engine, once its first text is there."""
        await self._gate.enter()
        since = time.perf_counter()
        asking = Asking(
            self._service, chat, self._pool, lambda: self._gate.leave(time.perf_counter() - since)
        )
        try:
            first = await asking.next()
        except BaseException:
            asking.drop()
            raise
        if isinstance(first, ApiError):
            raise first
        assert isinstance(first, Begun)
        visit.begun(first.hit)
        return asking, first

    async def _whole(self, chat: Chat, visit: _Visit) -> tuple[str, Ended, Hit | None]:
        asking, begun = await self._begin(chat, visit)
        text = ""
        try:
            while True:
                told = await asking.next()
                if isinstance(told, ApiError):
                    raise told
                if isinstance(told, Ended):
                    return text, told, begun.hit
                assert isinstance(told, str)
                text += told
        finally:
            asking.drop()

    async def _unless_gone(self, request: Request, visit: _Visit, work: Coroutine[Any, Any, T]) -> T:
        """``work``, given up when the client hangs up (raises _GoneError) or time is over (ApiError)."""
        task, gone = asyncio.create_task(work), asyncio.create_task(_until_gone(request))
        try:
            await asyncio.wait({task, gone}, timeout=visit.left(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, ApiError):
                    await task
        if task.cancelled() or not task.done():
            raise _GoneError if gone.done() and not gone.cancelled() else visit.late()
        return task.result()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Visit:
    """One request's times and how it ended, told to the metrics and the log once."""

    def __init__(self, metrics: Metrics, deadline_s: float, variant: str, log: RequestLog | None):
        self._metrics, self._deadline_s = metrics, deadline_s
        self._variant, self._log = variant, log
        self.id: str | None = None
        self._time = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._ttft: float | None = None
        self._hit: Hit | None = None
        self._ended: Ended | None = None
        self._arrived = time.perf_counter()
        self._over = False

    def left(self) -> float:
        return max(0.0, self._deadline_s - (time.perf_counter() - self._arrived))

    def late(self) -> ApiError:
        return ApiError(504, f"no answer within {self._deadline_s:g} s", code="deadline_exceeded")

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await asyncio.wait_for(work, self.left())
        except TimeoutError:
            raise self.late() from None

    def begun(self, hit: Hit | None) -> None:
        self._hit, self._ttft = hit, time.perf_counter() - self._arrived
        if hit:
            self._metrics.hits.labels(hit).inc()
        else:
            self._metrics.ttft.observe(self._ttft)

    def ended(self, ended: Ended, hit: Hit | None) -> None:
        self._ended = ended
        if hit is None:
            self._metrics.e2e.observe(time.perf_counter() - self._arrived)
            self._metrics.prompt_tokens.inc(ended.prompt_tokens)
            self._metrics.output_tokens.inc(ended.output_tokens)

    def over(self, status: int) -> None:
        if not self._over:
            self._over = True
            self._metrics.requests.labels(str(status)).inc()
            if self._log:
                self._log.write(self._entry(status))

    def _entry(self, status: int) -> ServedRequest:
        ended = self._ended
        return ServedRequest(
            time=self._time,
            variant=self._variant,
            id=self.id,
            status=status,
            ttft_s=None if self._ttft is None else round(self._ttft, 6),
            latency_s=round(time.perf_counter() - self._arrived, 6),
            prompt_tokens=ended.prompt_tokens if ended else None,
            output_tokens=ended.output_tokens if ended else None,
            cache=self._hit,
        )


class _Stream(StreamingResponse):
    """An answer as server-sent events; a client that hangs up drops its generation."""

    def __init__(self, asking: Asking, begun: Begun, writer: Writer, visit: _Visit):
        self._asking, self._visit = asking, visit
        headers = {CACHE_HEADER: begun.hit or "miss", "cache-control": "no-cache"}
        super().__init__(self._events(writer, begun), media_type="text/event-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._asking.drop()
            self._visit.over(GONE)  # unless it has ended

    async def _events(self, writer: Writer, begun: Begun) -> AsyncIterator[bytes]:
        yield writer.opening()
        while True:
            try:
                told = await self._visit.within(self._asking.next())
            except ApiError as e:
                told = e
            if isinstance(told, ApiError):
                self._visit.over(told.status)
                yield event(told.body())
                return
            if isinstance(told, Ended):
                await asyncio.sleep(0)  # a reader who was cut off just now is noticed here
                self._visit.ended(told, begun.hit)
                self._visit.over(200)
                yield writer.closing(told)
                return
            assert isinstance(told, str)
            yield writer.piece(told)
