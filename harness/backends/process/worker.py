"""The process that owns an engine: ``python -m harness.backends.process.worker DESCRIPTOR``.

It ends as soon as its pipe does, however the other side has ended.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from harness import machine
from harness.backends.process.frames import SETUP, Event, Order, Setup, receive, send, written
from harness.errors import BackendError, HarnessError
from harness.protocols import Backend
from harness.registry import BACKENDS, lookup
from harness.types.answers import Generation

_LOG = logging.getLogger(__name__)
_NICE = 5
"""How far the engine stands back for the server: its steps take every core, and whoever passes a token on needs one
only for a moment."""
_AT_ONCE = 2048
"""Calls under way; the server's own limit is lower."""


class Outbox:
    """Events of many threads, in frames: what comes while one is written goes with the next."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._events: list[Event] = []
        self._guard, self._sending = threading.Lock(), False

    def put(self, *events: Event) -> None:
        """Returns at once where another thread is writing: that one takes these along."""
        with self._guard:
            self._events += events
            if self._sending:
                return
            self._sending = True
        while True:
            with self._guard:
                frame, self._events = self._events, []
                if not frame:
                    self._sending = False
                    return
            send(self._connection, frame)


class Worker:
    def __init__(self, backend: Backend, outbox: Outbox):
        self._backend, self._outbox = backend, outbox
        self._pool = ThreadPoolExecutor(_AT_ONCE, "call")
        self._streams: dict[int, threading.Event] = {}
        """Set for a call that was dropped."""

    def take(self, order: Order) -> None:
        if order.call == "drop":
            if (dropped := self._streams.get(order.number)) is not None:
                dropped.set()
        elif order.call == "count_tokens":  # sooner done than handed to another thread
            self._do(order)
        else:
            if order.call == "stream":
                self._streams[order.number] = threading.Event()
            self._pool.submit(self._do, order)

    def _do(self, order: Order) -> None:
        n = order.number
        try:
            self._outbox.put((n, "done", self._result(order)))
        except BackendError as e:
            self._outbox.put((n, "error", written(e)))
        except HarnessError as e:
            self._outbox.put((n, "error", written(BackendError(str(e)))))
        except OSError:
            pass  # the server is gone, and so is this process in a moment
        except Exception as e:
            _LOG.exception("a call of the engine failed")
            failed = BackendError(f"the engine failed ({type(e).__name__}); the server's log says why")
            self._outbox.put((n, "error", written(failed)))

    def _result(self, order: Order) -> Any:
        b, requests = self._backend, order.requests
        match order.call:
            case "count_tokens":
                return b.count_tokens(order.messages)
            case "batches":
                return b.batches(requests)
            case "time":
                return written(b.time(requests[0]))
            case "warm_up":
                return b.warm_up(requests[0])
            case "generate":
                return b.generate(
                    requests,
                    lambda i, answer: self._outbox.put((order.number, "answer", [i, written(answer)])),
                )
            case _:
                return self._stream(order)

    def _stream(self, order: Order) -> dict[str, Any] | None:
        n = order.number
        dropped, parts = self._streams[n], self._backend.stream(order.requests[0])
        try:
            for part in parts:
                if dropped.is_set():
                    return None
                if isinstance(part, Generation):
                    return written(part)
                self._outbox.put((n, "piece", part))
            raise BackendError("the engine's stream ended before its answer")
        finally:
            if isinstance(parts, Generator):
                parts.close()
            del self._streams[n]


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # they reach the server too, which ends requests in order
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICE)
    machine.keep_freed_memory()
    connection = Connection(int(sys.argv[1]))
    outbox = Outbox(connection)
    try:
        setup = Setup.model_validate(receive(connection))
        try:
            make = lookup(BACKENDS, setup.name)
            backend: Backend = make(setup.spec, Path(setup.folder), setup.weights, setup.seed)
        except HarnessError as e:
            outbox.put((SETUP, "error", written(BackendError(str(e)))))
            return
        outbox.put((SETUP, "done", backend.fingerprint))
        worker = Worker(backend, outbox)
        while True:
            worker.take(Order.model_validate(receive(connection)))
    except (EOFError, OSError):
        os._exit(0)  # threads of the engine may be in the middle of a step for nobody


if __name__ == "__main__":
    main()
