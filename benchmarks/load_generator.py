"""Does the load generator tell the truth? Against a stub with known delays and planted stalls, beside a closed loop.

    python -m benchmarks.load_generator [--rate 60] [--seconds 72]

Prints a JSON object a line: for each percentile the true value, the measured one and its interval; then what a
closed loop (one request after the other, timed from its own send) reports as the p99 of the same server. Run it
alone on the machine: stub and generator are two processes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from benchmarks.stub_server import Shape
from harness.load.arrivals import constant, poisson
from harness.load.client import Endpoint, ask, open_session
from harness.load.metrics import level
from harness.load.percentiles import QS
from harness.load.prompts import dealt, made_up
from harness.load.run import Arrival, fire
from harness.types.load import Level, Limits, Prompt, RequestRecord

STALLING = Shape(first=0.015, spread=0.01, tokens=4, gap=0.006, every=12.0, stall=1.2)
"""A reply takes about 45 ms, but a tenth of the time the server stands still."""


@contextmanager
def stub(shape: Shape) -> Iterator[str]:
    """Base URL of a stub in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.stub_server", *shape.arguments()]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def endpoint(url: str) -> Endpoint:
    return Endpoint(url, "stub", 16, 0.0, 60.0)


def open_loop(url: str, times: list[float], limits: Limits | None = None) -> Level:
    """One level against the stub."""
    prompts = dealt(made_up(len(times), 40, 1), len(times), "cold", 1)
    arrivals = [Arrival(i, t, p) for i, (t, p) in enumerate(zip(times, prompts, strict=True))]
    records: list[RequestRecord] = []
    lags = fire(endpoint(url), arrivals, 0, records.append)
    return level(
        records, arrivals=None, cache="cold", offered_rate=len(times) / times[-1], limits=limits or Limits(),
        correct=None, loop_lag=lags,
    )  # fmt: skip


async def closed_loop(url: str, seconds: float, prompt: Prompt) -> list[float]:
    """End-to-end times of one request after the other, each from its own send: what a simple script measures."""
    clock, found = time.perf_counter, []
    where = endpoint(url)
    async with open_session(None) as session:
        end = clock() + seconds
        while clock() < end:
            reply = await _one(session, where, prompt)
            found.append(reply)
    return found


async def _one(session: aiohttp.ClientSession, where: Endpoint, prompt: Prompt) -> float:
    reply = await ask(session, where, where.body(prompt), time.perf_counter)
    return reply.token_times[-1] - reply.sent


def against_truth(found: Level, shape: Shape) -> list[dict[str, Any]]:
    """Each percentile beside its true value."""
    truth = shape.quantiles(QS)
    return [
        {
            "metric": name, "q": p.q, "true_ms": round(1000 * true, 2),
            "measured_ms": None if p.value is None else round(1000 * p.value, 2),
            "low_ms": None if p.low is None else round(1000 * p.low, 2),
            "high_ms": None if p.high is None else round(1000 * p.high, 2),
            "inside": p.low is not None and p.low <= true and (p.high is None or true <= p.high),
            "off_by": None if p.value is None else round(p.value / true - 1, 4),
        }
        for name in ("ttft", "e2e", "tpot")
        for p, true in zip(getattr(found, name).percentiles, truth[name], strict=True)
    ]  # fmt: skip


def main() -> None:
    import asyncio

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rate", type=float, default=60)
    arguments.add_argument("--seconds", type=float, default=72)
    given = arguments.parse_args()
    with stub(STALLING) as url:
        for name, times in (
            ("poisson", poisson(given.rate, given.seconds, 7)),
            ("constant", constant(given.rate, given.seconds)),
        ):
            began = time.process_time()
            found = open_loop(url, times)
            spent = time.process_time() - began
            rows = against_truth(found, STALLING)
            p99 = next(r for r in rows if r["metric"] == "e2e" and r["q"] == 0.99)
            summary = {
                "arrivals": name, "requests": found.completed, "failed": found.failed, "valid": found.valid,
                "inside": sum(r["inside"] for r in rows), "of": len(rows), "p99_e2e_off_by": p99["off_by"],
                "lag_p99_ms": round(1000 * found.lag.send_p99_s, 2),
                "cpu_ms_per_request": round(1000 * spent / len(times), 2),
            }  # fmt: skip
            for row in rows:
                print(json.dumps({"arrivals": name} | row))
            print(json.dumps(summary), flush=True)
        [prompt] = made_up(1, 40, 1)
        closed = asyncio.run(closed_loop(url, given.seconds, prompt))
    true = STALLING.quantiles([0.99])["e2e"][0]
    measured = float(np.quantile(closed, 0.99))
    print(
        json.dumps(
            {
                "closed loop": len(closed),
                "p99_ms": round(1000 * measured, 2),
                "true_ms": round(1000 * true, 2),
                "off_by_times": round(true / measured, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
