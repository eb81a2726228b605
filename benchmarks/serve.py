"""What ``harness serve`` adds to the engine: the same requests alone, to the bare engine and through the server.

    .venv/bin/python -m benchmarks.serve [--items 100] [--tokens 8]

Prints a JSON object. The server is the command as anyone starts it; the bare engine, loaded a second time, answers in
this process. Each question is asked both ways, one right after the other, in turns of which comes first, and the
differences are taken, so that a change of the machine's speed meets both sides. Medians with 95% order-statistic
intervals.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from harness import machine
from harness.comparison.intervals import median_interval
from harness.flows.serve import ServeOptions, prepared
from harness.load.server import serve_command, serving
from harness.progress import PlainProgress
from harness.scenario.inputs import Options, load_inputs
from harness.serving.protocol import read_chat
from harness.serving.service import Service
from harness.types.answers import Generation

SCENARIO, VARIANT = Path("scenarios/support-bot"), "prompt"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", type=int, default=100)
    arguments.add_argument("--tokens", type=int, default=8)
    given = arguments.parse_args()
    items = load_inputs(SCENARIO, Options()).heldout[: given.items]
    bodies = [body(item.messages[-1].content, given.tokens) for item in items]
    service = prepared(SCENARIO, ServeOptions(VARIANT, apart=False), PlainProgress())
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(serve_command(SCENARIO, VARIANT), Path(folder) / "serve.log") as url,
    ):
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        print(json.dumps(compared(service, connection, bodies)))


def compared(service: Service, connection: http.client.HTTPConnection, bodies: list[bytes]) -> dict[str, Any]:
    ways: tuple[Callable[[bytes], Iterator[str]], ...] = (
        lambda b: straight(service, b),
        lambda b: through(connection, b),
    )
    for way in ways:
        timed(way(bodies[0]))
    first, last, alone = [], [], []
    for n, asked in enumerate(bodies[1:]):
        order = (0, 1) if n % 2 else (1, 0)
        seen = {way: timed(ways[way](asked)) for way in order}
        assert seen[0][2] == seen[1][2], "the two ways gave different answers"
        first.append(seen[1][0] - seen[0][0])
        last.append(seen[1][1] - seen[0][1])
        alone.append(seen[0])
    return {
        "machine": machine.describe(),
        "requests": len(alone),
        "engine TTFT p50, s": round(float(np.median([a[0] for a in alone])), 4),
        "engine e2e p50, s": round(float(np.median([a[1] for a in alone])), 4),
        "added TTFT p50, ms": spread(first),
        "added e2e p50, ms": spread(last),
    }


def body(question: str, tokens: int) -> bytes:
    messages = [{"role": "user", "content": question}]
    asked = {"model": VARIANT, "messages": messages, "stream": True, "max_tokens": tokens}
    return json.dumps(asked).encode()


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
