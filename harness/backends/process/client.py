"""A Backend whose engine runs in a process of its own, so that its steps hold up nothing in this one.

OpenVINO GenAI keeps Python's interpreter lock while it steps: in one process a server's event loop, and every thread
that passes a token on, waits for the step to end.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from harness.backends.process.frames import SETUP, Order, Setup, read, receive, send
from harness.errors import BackendError, EngineLostError, ModelError
from harness.protocols import OnDone
from harness.types.answers import Generation, Request
from harness.types.data import Message
from harness.types.settings import BackendSpec

_END_S = 5.0
_Told = SimpleQueue[tuple[str, Any]]
_LOST = "lost"


class EngineProcess:
    """Calls may come from any thread. Once the process has died every call raises EngineLostError, for good: what
    killed it once (a request, the memory) would kill the next one too, and whoever runs the server should know.
    """

    def __init__(self, name: str, spec: BackendSpec, folder: Path, weights: str, seed: int):
        """Loads the engine registered as ``name``; raises ModelError where it cannot be loaded."""
        self._numbers, self._calls = count(SETUP), dict[int, _Told]()
        self._guard, self._sending = threading.Lock(), threading.Lock()
        self._lost: str | None = None
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.backends.process.worker", str(there.fileno())],
                pass_fds=(there.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=2,  # nothing of an engine's belongs on the server's standard output
            )
        self._socket, self._connection = here, Connection(os.dup(here.fileno()))
        threading.Thread(target=self._listen, name="engine process", daemon=True).start()
        atexit.register(self.close)
        setup = Setup(name=name, spec=spec, folder=str(folder), weights=weights, seed=seed)
        try:
            with self._call(setup) as (_, told):
                self.fingerprint: str = _result(told)
        except BackendError as e:
            self.close()
            raise ModelError(str(e)) from None

    def count_tokens(self, messages: Sequence[Message]) -> int | None:
        found: int | None = self._ask("count_tokens", messages=tuple(messages))
        return found

    def clock(self) -> float:
        return time.perf_counter()

    def batches(self, requests: Sequence[Request]) -> list[list[int]]:
        plan: list[list[int]] = self._ask("batches", requests=tuple(requests))
        return plan

    def generate(self, batch: Sequence[Request], on_done: OnDone) -> None:
        with self._call({"call": "generate", "requests": tuple(batch)}) as (_, told):
            while (event := told.get())[0] == "answer":
                place, answer = event[1]
                on_done(place, read(answer))
            _raise(event)

    def time(self, request: Request) -> Generation:
        return Generation.model_validate(self._ask("time", requests=(request,)))

    def stream(self, request: Request) -> Generator[str | Generation]:
        ended = False
        with self._call({"call": "stream", "requests": (request,)}) as (number, told):
            try:
                while (event := told.get())[0] == "piece":
                    yield event[1]
                ended = True
                _raise(event)
                yield Generation.model_validate(event[1])
            finally:
                if not ended:
                    with suppress(EngineLostError):
                        self._send(Order(number=number, call="drop"))

    def warm_up(self, request: Request) -> None:
        self._ask("warm_up", requests=(request,))

    def trouble(self) -> str | None:
        """Why it answers nothing any more."""
        return self._lost

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        """End the process; calls under way raise EngineLostError."""
        atexit.unregister(self.close)
        self._end("the engine has been closed")
        with suppress(OSError):  # wakes the thread that listens, and tells the other side
            self._socket.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, call: str, **given: Any) -> Any:
        with self._call({"call": call, **given}) as (_, told):
            return _result(told)

    @contextmanager
    def _call(self, order: Setup | dict[str, Any]) -> Generator[tuple[int, _Told]]:
        """Sends the order; gives its number and the queue of what is told of it."""
        told: _Told = SimpleQueue()
        with self._guard:
            number = next(self._numbers)
            if self._lost is not None:
                raise EngineLostError(self._lost)
            self._calls[number] = told
        try:
            self._send(order if isinstance(order, Setup) else Order(number=number, **order))
            yield number, told
        finally:
            with self._guard:
                self._calls.pop(number, None)

    def _send(self, record: Setup | Order) -> None:
        content = record.model_dump(mode="json")
        with self._sending:
            try:
                send(self._connection, content)
            except OSError:
                raise EngineLostError(self._lost or "the engine's process has ended") from None

    def _listen(self) -> None:
        try:
            while True:
                for number, kind, value in receive(self._connection):
                    if (told := self._calls.get(number)) is not None:  # else nobody waits for it any more
                        told.put((kind, value))
        except (EOFError, OSError):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
            self._end(
                f"the engine's process has ended (status {self._process.returncode}); start the server anew"
            )

    def _end(self, why: str) -> None:
        with self._guard:
            self._lost = self._lost or why
            for told in self._calls.values():
                told.put((_LOST, self._lost))


def _result(told: _Told) -> Any:
    event = told.get()
    _raise(event)
    return event[1]


def _raise(event: tuple[str, Any]) -> None:
    kind, value = event
    if kind == _LOST:
        raise EngineLostError(value)
    if kind == "error":
        error = read(value)
        assert isinstance(error, BackendError)
        raise error
