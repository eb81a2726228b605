"""The gate that follows a busy server, and the breaker."""

from __future__ import annotations

import asyncio
from time import monotonic

from harness.backends.http.limits import Breaker, Gate, pause


def test_no_more_fly_than_the_gate_lets_in() -> None:
    flying, most = 0, 0

    async def one(gate: Gate) -> None:
        nonlocal flying, most
        async with gate.slot():
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(0.001)
            flying -= 1

    async def run() -> None:
        gate = Gate(5, print)
        await asyncio.gather(*(one(gate) for _ in range(40)))

    asyncio.run(run())
    assert (most, flying) == (5, 0)


def test_a_busy_server_halves_the_gate_once_a_round_and_it_grows_again() -> None:
    notes: list[str] = []

    async def run() -> list[float]:
        gate = Gate(16, notes.append)
        sizes = []
        sent = monotonic()
        for _ in range(10):  # of one round: they were all sent before the first was turned away
            gate.busy(sent, None, "429")
        sizes.append(gate._limit)
        gate.busy(monotonic(), None, "429")
        sizes.append(gate._limit)
        for _ in range(4):
            gate.went_well()
        sizes.append(gate._limit)
        for _ in range(1000):
            gate.went_well()
        return [*sizes, gate._limit]

    halved, again, grown, full = asyncio.run(run())
    assert (halved, again, full) == (8, 4, 16)
    assert 4.8 < grown < 5.2
    assert notes == [f"is busy (429): now at most {n} requests at once" for n in (8, 4)]


def test_a_pause_that_the_server_asks_for_is_kept_by_all() -> None:
    async def run() -> float:
        gate = Gate(4, lambda _: None)
        start = monotonic()
        gate.busy(start, 0.1, "429")
        async with gate.slot() as sent:
            return sent - start

    assert asyncio.run(run()) >= 0.1


def test_one_who_gives_up_waiting_keeps_nobody_out() -> None:
    async def wait(gate: Gate) -> bool:
        async with gate.slot():
            return True

    async def run() -> bool:
        gate = Gate(1, print)
        async with gate.slot():
            first, second = asyncio.ensure_future(wait(gate)), asyncio.ensure_future(wait(gate))
            await asyncio.sleep(0)
        first.cancel()  # its turn has been given already
        return await asyncio.wait_for(second, 1)

    assert asyncio.run(run())


def test_the_breaker_counts_the_same_error_in_a_row() -> None:
    notes: list[str] = []
    breaker = Breaker(3, notes.append)
    for what in ("500 a", "500 a", "500 b", "500 b"):
        breaker.failed(what)
    breaker.went_well()
    breaker.failed("500 b")
    breaker.failed("500 b")
    assert breaker.reason is None
    breaker.failed("500 b")
    breaker.failed("500 b")
    assert breaker.reason == "3 requests in a row failed with the same error: 500 b"
    assert notes == [f"is asked nothing more: {breaker.reason}"]


def test_pauses_grow_to_a_bound() -> None:
    assert 0.125 <= pause(0) <= 0.25
    assert 0.25 <= pause(1) <= 0.5
    assert 15 <= pause(20) <= 30
