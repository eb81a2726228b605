"""A stub of an OpenAI-compatible server with known delays, for tests of the load generator; real sleeps, no model.

    python -m benchmarks.stub_server --first 0.02 --spread 0.01 --tokens 4 --gap 0.01 --every 5 --stall 0.5

Two shapes. Without ``--servers`` every request is worked on at once: its first token takes ``first`` plus an
exponential time of mean ``spread``, the others come ``gap`` apart times a factor of 0.5 to 1.5 that each request
draws, and every ``every`` seconds the whole server
freezes for ``stall``. With ``--servers K`` requests queue for K servers, first come first served, each busy for an
exponential or constant ``service`` time. ``quantiles`` gives the truth of the first shape.

It prints its URL when it listens. A process of its own, with sub-millisecond timers, so that what it adds is small.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import selectors
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Shape:
    """Delays in seconds."""

    first: float = 0.02
    spread: float = 0.01
    tokens: int = 4
    gap: float = 0.01
    every: float = 0.0
    """Between the beginnings of stalls; 0 for none."""
    stall: float = 0.0
    servers: int = 0
    """0: no queue."""
    service: float = 0.05
    constant: bool = False
    seed: int = 1
    text: str = "word "

    def arguments(self) -> list[str]:
        named = [(f"--{name}", str(v)) for name, v in asdict(self).items() if not isinstance(v, bool)]
        return [word for pair in named for word in pair] + ["--constant"] * self.constant

    def thawed(self, at: float, work: float) -> float:
        """When ``work`` seconds begun at ``at`` are done, freezes left out; each begins at a multiple of ``every``."""
        if not self.every:
            return at + work
        now, left = at, work
        while True:
            start = now // self.every * self.every
            now = max(now, start + self.stall)
            room = start + self.every - now
            if left <= room:
                return now + left
            now, left = start + self.every, left - room

    def work(self, draw: random.Random) -> tuple[float, float]:
        """Up to the first token, and between two, of a request that is alone."""
        return self.first + draw.expovariate(1 / self.spread), self.gap * draw.uniform(0.5, 1.5)

    def quantiles(self, qs: Sequence[float], n: int = 200_000) -> dict[str, list[float]]:
        """True quantiles of TTFT, e2e and TPOT without a queue, for arrivals at any time, by simulation."""
        draw = random.Random(0)
        seen: dict[str, list[float]] = {"ttft": [], "e2e": [], "tpot": []}
        for _ in range(n):
            at = draw.uniform(0, self.every or 1)
            work, gap = self.work(draw)
            first = self.thawed(at, work) - at
            whole = self.thawed(at, work + gap * (self.tokens - 1)) - at
            seen["ttft"].append(first)
            seen["e2e"].append(whole)
            seen["tpot"].append((whole - first) / (self.tokens - 1))
        return {name: [float(v) for v in np.quantile(values, qs)] for name, values in seen.items()}


class Server:
    """Speaks as much HTTP/1.1 as the clients of a load test do."""

    def __init__(self, shape: Shape):
        self.shape, self._draw = shape, random.Random(shape.seed)
        self._zero = time.perf_counter()
        self._free = [0.0] * shape.servers

    async def serve(self) -> None:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, backlog=1024)
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
        await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                at = time.perf_counter() - self._zero
                lines = head.decode("latin-1").lower().split("\r\n")
                length = next((int(h[15:]) for h in lines if h.startswith("content-length:")), 0)
                body = await reader.readexactly(length) if length else b""
                if lines[0].startswith("post /v1/chat/completions "):
                    await self._answer(writer, at, body)
                elif lines[0].startswith("get /v1/models "):
                    self._send(writer, b"200 OK", b'{"data": [{"id": "stub"}]}')
                else:
                    self._send(writer, b"404 Not Found", b"{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _send(self, writer: asyncio.StreamWriter, status: bytes, body: bytes) -> None:
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % (status, len(body)) + body)

    def _times(self, at: float) -> list[float]:
        """When each token is due, in seconds since the server began."""
        s = self.shape
        if not s.servers:
            work, gap = s.work(self._draw)
            return [s.thawed(at, work + i * gap) for i in range(s.tokens)]
        busy = s.service if s.constant else self._draw.expovariate(1 / s.service)
        place = min(range(s.servers), key=self._free.__getitem__)
        start = max(at, self._free[place])
        self._free[place] = start + busy
        return [start + busy * (i + 1) / s.tokens for i in range(s.tokens)]

    async def _answer(self, writer: asyncio.StreamWriter, at: float, body: bytes) -> None:
        times = self._times(at)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for due in times:
            await asyncio.sleep(max(0.0, due + self._zero - time.perf_counter()))
            self._event(writer, {"choices": [{"index": 0, "delta": {"content": self.shape.text}}]})
        usage = {"prompt_tokens": len(body) // 4, "completion_tokens": len(times)}
        self._event(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self._event(writer, {"choices": [], "usage": usage})
        self._chunk(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _event(self, writer: asyncio.StreamWriter, event: dict[str, object]) -> None:
        self._chunk(writer, b"data: " + json.dumps(event).encode() + b"\n\n")

    def _chunk(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(b"%x\r\n%s\r\n" % (len(data), data))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in asdict(Shape()).items():
        if isinstance(value, bool):
            parser.add_argument(f"--{name}", action="store_true")
        else:
            parser.add_argument(f"--{name}", type=type(value), default=value)
    shape = Shape(**vars(parser.parse_args()))
    # epoll rounds timeouts up to whole milliseconds, select does not
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    loop.run_until_complete(Server(shape).serve())


if __name__ == "__main__":
    main()
