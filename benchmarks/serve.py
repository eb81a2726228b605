"""What ``harness serve`` adds to the engine: the same requests alone, straight and through the server, in one run.

    .venv/bin/python -m benchmarks.serve [--items 100] [--tokens 8]

Prints a JSON object. Engine and server share one process and one loaded model. Each question is asked both ways, one
right after the other, in turns of which comes first, and the differences are taken, so that a change of the machine's
speed meets both sides. Beside it stands what one request spends outside the engine, which the engine's own noise does
not touch. All are medians with 95% order-statistic intervals.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness import machine
from harness.comparison.intervals import median_interval
from harness.flows.serve import ServeOptions, prepared
from harness.progress import PlainProgress
from harness.scenario.inputs import Options, load_inputs
from harness.serving.app import make_app
from harness.serving.limits import Limits
from harness.serving.protocol import Chat, read_chat
from harness.serving.server import bind, run
from harness.serving.service import Reply, Service
from harness.types.answers import Generation

SCENARIO, VARIANT = Path("scenarios/support-bot"), "prompt"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", type=int, default=100)
    arguments.add_argument("--tokens", type=int, default=8)
    given = arguments.parse_args()
    items = load_inputs(SCENARIO, Options()).heldout[: given.items]
    bodies = [body(item.messages[-1].content, given.tokens) for item in items]
    service = prepared(SCENARIO, ServeOptions(VARIANT), PlainProgress())
    clocked = Clocked(service)
    connection = http.client.HTTPConnection("127.0.0.1", serve(clocked))
    ways: tuple[Callable[[bytes], Iterator[str]], ...] = (
        lambda b: straight(service, b),
        lambda b: through(connection, b),
    )
    for way in ways:
        timed(way(bodies[0]))
    first, last, alone = [], [], []
    first_outside, outside = [], []
    for n, asked in enumerate(bodies):
        order = (0, 1) if n % 2 else (1, 0)
        seen = {way: timed(ways[way](asked)) for way in order}
        assert seen[0][2] == seen[1][2], "the two ways gave different answers"
        first.append(seen[1][0] - seen[0][0])
        last.append(seen[1][1] - seen[0][1])
        alone.append(seen[0][1])
        first_outside.append(seen[1][0] - clocked.first)
        outside.append(seen[1][1] - clocked.spent)
    figures = {
        "machine": machine.describe(),
        "requests": len(bodies),
        "engine e2e p50, s": round(float(np.median(alone)), 3),
        "added TTFT p50, ms": spread(first),
        "added e2e p50, ms": spread(last),
        "of TTFT outside the engine p50, ms": spread(first_outside),
        "of e2e outside the engine p50, ms": spread(outside),
    }
    print(json.dumps(figures))


def body(question: str, tokens: int) -> bytes:
    messages = [{"role": "user", "content": question}]
    asked = {"model": VARIANT, "messages": messages, "stream": True, "max_tokens": tokens}
    return json.dumps(asked).encode()


def serve(service: Service) -> int:
    """The port of a server in a thread of this process."""
    ready, limits = threading.Event(), Limits()
    bound: socket.socket = bind("127.0.0.1", 0)
    work = (make_app(service, limits), bound, limits, ready.set)
    threading.Thread(target=run, args=work, daemon=True).start()
    ready.wait()
    return int(bound.getsockname()[1])


class Clocked:
    """A service that knows how long its last answer took, to the first piece and in all."""

    def __init__(self, service: Service):
        self.name, self._service = service.name, service
        self.first = self.spent = 0.0

    def ask(self, chat: Chat) -> Reply:
        start = time.perf_counter()
        reply = self._service.ask(chat)

        def pieces() -> Iterator[str | Generation]:
            self.first = 0.0
            for piece in reply.pieces:
                self.first = self.first or time.perf_counter() - start
                if isinstance(piece, Generation):
                    self.spent = time.perf_counter() - start
                yield piece

        return replace(reply, pieces=pieces())


def straight(service: Service, asked: bytes) -> Iterator[str]:
    for piece in service.ask(read_chat(asked, VARIANT)).pieces:
        if not isinstance(piece, Generation):
            yield piece


def through(connection: http.client.HTTPConnection, asked: bytes) -> Iterator[str]:
    connection.request("POST", "/v1/chat/completions", asked, {"Content-Type": "application/json"})
    response = connection.getresponse()
    for line in iter(response.readline, b""):
        if line.startswith(b"data: {"):
            choices: list[dict[str, Any]] = json.loads(line[6:])["choices"]
            if choices and (text := choices[0]["delta"].get("content")):
                yield text


def timed(pieces: Iterator[str]) -> tuple[float, float, str]:
    """Seconds to the first and to the last piece, and the whole text."""
    start, first, text = time.perf_counter(), 0.0, ""
    for piece in pieces:
        first = first or time.perf_counter() - start
        text += piece
    return first, time.perf_counter() - start, text


def spread(seconds: list[float]) -> dict[str, float]:
    ordered = np.sort(np.array(seconds)) * 1000
    low, high = median_interval(ordered, len(ordered)) or (float("nan"), float("nan"))
    return {"p50": round(float(np.median(ordered)), 2), "low": round(low, 2), "high": round(high, 2)}


if __name__ == "__main__":
    main()
