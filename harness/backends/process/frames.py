"""What the two sides of the pipe say to each other: JSON in frames with a length, read into records; no pickle.

The client sends one ``Setup``, then an ``Order`` for each call. The worker answers with lists of events
``[call, kind, value]``, as many in a frame as have come together while the last one was written.
"""

from __future__ import annotations

import json
from multiprocessing.connection import Connection
from typing import Any, Literal

from harness.errors import BackendError
from harness.types.answers import Generation, Request
from harness.types.data import Message
from harness.types.record import Record
from harness.types.settings import BackendSpec

Call = Literal["count_tokens", "batches", "generate", "time", "stream", "warm_up", "drop"]
Event = tuple[int, str, Any]
"""Call, what happened (``piece``, ``answer``, ``done``, ``error``), its value as JSON."""
SETUP = 0
"""The call that a ``Setup`` counts as."""


class Setup(Record):
    """The engine that the worker loads."""

    name: str
    """In ``registry.BACKENDS``."""
    spec: BackendSpec
    folder: str
    """Of the weights."""
    weights: str
    """Their fingerprint."""
    seed: int


class Order(Record):
    """A call of the backend's, or the end of one that nobody waits for (``drop``)."""

    number: int
    call: Call
    requests: tuple[Request, ...] = ()
    """One, but for ``batches`` and ``generate``."""
    messages: tuple[Message, ...] = ()
    """To count."""


def send(connection: Connection, content: Any) -> None:
    connection.send_bytes(json.dumps(content, separators=(",", ":")).encode())


def receive(connection: Connection) -> Any:
    """Raises EOFError or OSError once the other side is gone."""
    return json.loads(connection.recv_bytes())


def written(result: Generation | BackendError) -> dict[str, Any]:
    if isinstance(result, BackendError):
        return {"error": str(result), "attempts": result.attempts, "refused": result.refused}
    return result.model_dump(mode="json")


def read(value: dict[str, Any]) -> Generation | BackendError:
    if "error" in value:
        return BackendError(value["error"], value["attempts"], value["refused"])
    return Generation.model_validate(value)
