"""What is served, and how one request is answered in a thread beside the server's loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Literal, Protocol

from harness.errors import BackendError, EngineLostError
from harness.serving.protocol import ApiError, Chat, Ended
from harness.serving.stops import StopCutter
from harness.types.answers import Generation
from harness.types.cache import Hit

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """An answer that has begun."""

    hit: Hit | None
    """How the answer cache had it; None where it is generated."""
    prompt_tokens: int
    pieces: Iterator[str | Generation]
    """As of ``Backend.stream``."""
    count: Callable[[str], int]
    """Tokens of a part of the answer."""


class Service(Protocol):
    """A variant that answers conversations, from several threads at once."""

    name: str

    def ask(self, chat: Chat) -> Reply:
        """Raises BackendError where the conversation does not fit the model or the limits."""
        ...

    def trouble(self) -> str | None:
        """Why it can answer nothing any more; None while all is well."""
        ...


@dataclass(frozen=True)
class Begun:
    """Told before the first piece of an answer."""

    hit: Hit | None


Told = Begun | str | Ended | ApiError
"""In this order: Begun, pieces of text, Ended; an ApiError at any place is the last."""


class Asking:
    """One request in a thread of ``pool``, read from the event loop that made it.

    The thread never waits for the reader, so that a slow one holds up nobody; what it has not read is bounded by
    the longest answer.
    """

    def __init__(self, service: Service, chat: Chat, pool: Executor, on_end: Callable[[], None]):
        """``on_end`` is called in the loop when the thread is done, dropped or not."""
        self._service, self._chat = service, chat
        self._told: asyncio.Queue[Told] = asyncio.Queue()
        self._dropped = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.run_in_executor(pool, self._work).add_done_callback(lambda _: on_end())

    async def next(self) -> Told:
        return await self._told.get()

    def drop(self) -> None:
        """Nobody waits for the answer: its generation ends at the next token."""
        self._dropped.set()

    def _work(self) -> None:
        try:
            for told in self._answer():
                self._tell(told)
        except EngineLostError as e:
            self._tell(ApiError(503, str(e), code="engine_lost"))
        except BackendError as e:
            self._tell(ApiError(502, str(e), code="engine_error"))
        except Exception:
            _LOG.exception("a request failed")
            self._tell(ApiError(500, "the server failed; its log says why"))

    def _tell(self, told: Told) -> None:
        self._loop.call_soon_threadsafe(self._told.put_nowait, told)

    def _answer(self) -> Iterator[Told]:
        if self._dropped.is_set():
            return
        try:
            reply = self._service.ask(self._chat)
        except EngineLostError:
            raise
        except BackendError as e:
            yield ApiError(400, str(e), code="context_length_exceeded", param="messages")
            return
        try:
            yield from self._told_of(reply)
        finally:
            if isinstance(reply.pieces, Generator):  # an engine goes on until it is told
                reply.pieces.close()

    def _told_of(self, reply: Reply) -> Iterator[Told]:
        cutter, told, begun = StopCutter(self._chat.stop), "", False
        for piece in reply.pieces:
            if self._dropped.is_set():
                return
            if not begun:
                yield Begun(reply.hit)
                begun = True
            if isinstance(piece, Generation):
                if rest := cutter.rest():
                    yield rest
                finish: Literal["stop", "length"] = "length" if piece.finish == "length" else "stop"
                prompt = reply.prompt_tokens if piece.prompt_tokens is None else piece.prompt_tokens
                output = reply.count(told) if piece.output_tokens is None else piece.output_tokens
                yield Ended(finish, prompt, output)
                return
            if new := cutter.feed(piece):
                told += new
                yield new
            if cutter.stopped:
                yield Ended("stop", reply.prompt_tokens, reply.count(told))
                return
