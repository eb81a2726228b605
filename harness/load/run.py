"""The open loop: every request goes out at its time, whatever became of those before."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from harness.load.client import Endpoint, Reply, ask, open_session
from harness.types.load import Prompt, RequestRecord

_BEFORE_S = 0.05
"""From making the tasks to the first send."""
_PROBE_S = 0.005
"""How often the event loop is asked how late it is."""


@dataclass(frozen=True)
class Arrival:
    """One request of a schedule."""

    number: int
    at_s: float
    prompt: Prompt


def fire(
    endpoint: Endpoint,
    arrivals: Sequence[Arrival],
    session: int,
    on_done: Callable[[RequestRecord], None],
) -> list[float]:
    """Send all ``arrivals`` at their times, shifted so that the first goes out now; ``on_done`` gets each request
    as it ends. Returns how late the event loop was, in seconds.
    """
    return asyncio.run(_fire(endpoint, arrivals, session, on_done))


async def _fire(
    endpoint: Endpoint, arrivals: Sequence[Arrival], number: int, on_done: Callable[[RequestRecord], None]
) -> list[float]:
    ordered = sorted(arrivals, key=lambda a: a.at_s)
    bodies = [endpoint.body(a.prompt) for a in ordered]
    clock = time.perf_counter
    async with open_session(endpoint.key) as session, _quiet_loop() as lags:
        start = clock() + _BEFORE_S
        first = ordered[0].at_s

        async def one(arrival: Arrival, body: bytes) -> None:
            on_done(_record(arrival, number, await ask(session, endpoint, body, clock), start, first))

        async with asyncio.TaskGroup() as group:
            for arrival, body in zip(ordered, bodies, strict=True):
                wait = start + arrival.at_s - first - clock()
                if wait > 0:
                    await asyncio.sleep(wait)
                group.create_task(one(arrival, body))
    return lags


@asynccontextmanager
async def _quiet_loop() -> AsyncIterator[list[float]]:
    """No garbage collection while the clock runs, and a probe of how late the loop is."""
    lags: list[float] = []

    async def probe() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_PROBE_S)
            lags.append(max(0.0, time.perf_counter() - before - _PROBE_S))

    gc.collect()
    gc.disable()
    task = asyncio.create_task(probe())
    try:
        yield lags
    finally:
        task.cancel()
        gc.enable()


def _record(arrival: Arrival, session: int, reply: Reply, start: float, first: float) -> RequestRecord:
    times = tuple(round(t - start, 6) for t in reply.token_times)
    whole = reply.error is None
    counted = reply.output_tokens if reply.output_tokens is not None else len(times)
    return RequestRecord(
        arrival=arrival.number,
        session=session,
        item=arrival.prompt.item,
        altered=arrival.prompt.altered,
        intended_s=round(arrival.at_s - first, 6),
        sent_s=round(reply.sent - start, 6),
        token_times_s=times,
        first_token_s=times[0] if times else None,
        last_token_s=times[-1] if times and whole else None,
        prompt_tokens=reply.prompt_tokens,
        output_tokens=counted if whole else None,
        text="".join(reply.pieces) if whole else None,
        error=reply.error,
    )


async def _warm(endpoint: Endpoint, prompts: Sequence[Prompt]) -> list[str | None]:
    async with open_session(endpoint.key) as session:
        return [(await _alone(session, endpoint, p)).error for p in prompts]


async def _alone(session: aiohttp.ClientSession, endpoint: Endpoint, prompt: Prompt) -> Reply:
    return await ask(session, endpoint, endpoint.body(prompt), time.perf_counter)


def warm_up(endpoint: Endpoint, prompts: Sequence[Prompt]) -> list[str | None]:
    """Ask each of ``prompts`` once, one after the other and untimed; the error of each, None where it was answered."""
    return asyncio.run(_warm(endpoint, prompts))
