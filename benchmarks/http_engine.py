"""What the HTTP engine itself costs: processor time of the asking process beside a server with a fixed delay.

    .venv/bin/python -m benchmarks.http_engine [--flying 64] [--delay 1.0] [--rounds 6] [--words 60]

The server runs in a process of its own and is not counted; prompts are of the size of a RAG prompt. Prints a JSON object a
line: for whole replies (the quality pass) and for streams of ``--words`` tokens (the timing pass asks one at a time), the
share of one core that ten requests a second take. Passing on and journaling answers is part of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from aiohttp import web

from harness.backends.http.backend import HttpBackend
from harness.errors import BackendError
from harness.store import Journal
from harness.types.answers import Answer, Generation, Request
from harness.types.data import Message
from harness.types.endpoint import Endpoint
from harness.types.settings import Decoding

PROMPT_WORDS = 600


def serve(delay: float, words: int) -> None:
    """Answers after ``delay`` seconds, or streams its words evenly over them; prints its port."""
    usage = {
        "prompt_tokens": 800,
        "completion_tokens": words,
        "prompt_tokens_details": {"cached_tokens": 512},
    }
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "word " * words},
        "finish_reason": "stop",
    }
    whole = json.dumps({"id": "x", "choices": [choice], "usage": usage}).encode()
    chunk = {"id": "x", "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}
    piece = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    last = {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
    end = b"data: " + json.dumps(last).encode() + b"\n\ndata: [DONE]\n\n"

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if b'"stream"' not in body:
            await asyncio.sleep(delay)
            return web.Response(body=whole, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(words):
            await response.write(piece)
            await asyncio.sleep(delay / words)
        await response.write(end)
        return response

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())


def request(n: int) -> Request:
    text = " ".join(f"word{n + i}" for i in range(PROMPT_WORDS))
    decoding = Decoding(max_new_tokens=64)
    return Request(item=f"item-{n}", messages=(Message(role="user", content=text),), decoding=decoding)


def answer_of(item: str, g: Generation) -> Answer:
    counts = {"prompt_tokens": g.prompt_tokens, "output_tokens": g.output_tokens, "finish": g.finish}
    return Answer(variant="v", item=item, phase="quality", key="k", text=g.text, **counts)


def whole(engine: HttpBackend, requests: list[Request], journal: Journal[Answer]) -> None:
    def keep(place: int, result: Generation | BackendError) -> None:
        assert isinstance(result, Generation), result
        journal.append(answer_of(requests[place].item, result))

    engine.generate(requests, keep)


def streams(engine: HttpBackend, requests: list[Request], flying: int, journal: Journal[Answer]) -> None:
    lock = threading.Lock()

    def one(own: list[Request]) -> None:
        for r in own:
            g = engine.time(r)
            with lock:
                journal.append(answer_of(r.item, g))

    threads = [threading.Thread(target=one, args=(requests[i::flying],)) for i in range(flying)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flying", type=int, default=64)
    parser.add_argument("--delay", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--words", type=int, default=60)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.serve:
        serve(a.delay, a.words)
        return
    command = [sys.executable, "-m", "benchmarks.http_engine", "--serve", "--delay", str(a.delay)]
    with (
        subprocess.Popen([*command, "--words", str(a.words)], stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as work,
    ):
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        requests = [request(n) for n in range(a.flying * a.rounds)]
        for kind in ("whole", "stream"):
            engine = HttpBackend(
                "stub", Endpoint(base_url=url, model="m", max_concurrency=a.flying), "f", 0, print
            )
            journal = Journal(Path(work) / f"{kind}.jsonl", Answer)
            whole(engine, requests[: a.flying], journal)  # connections are open, modules loaded
            cpu, wall = time.process_time(), time.perf_counter()
            if kind == "whole":
                whole(engine, requests, journal)
            else:
                streams(engine, requests, a.flying, journal)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            n = len(requests)
            figures = {
                "replies": kind,
                "in flight": a.flying,
                "requests": n,
                "requests/s": round(n / wall, 1),
                "cpu ms/request": round(1000 * cpu / n, 3),
                "share of a core per 10 requests/s": round(10 * cpu / n, 4),
            }
            print(json.dumps(figures), flush=True)
        server.kill()


if __name__ == "__main__":
    main()
