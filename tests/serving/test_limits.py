"""The gate: in order of arrival, and nobody lost."""

from __future__ import annotations

import asyncio

import pytest

from harness.serving.limits import Gate, Limits
from harness.serving.protocol import ApiError


def test_places_are_given_in_order_of_arrival() -> None:
    async def work() -> list[int]:
        gate, order = Gate(Limits(in_flight=1)), []

        async def one(n: int) -> None:
            await gate.enter()
            order.append(n)
            await asyncio.sleep(0)
            gate.leave()

        await asyncio.gather(*(one(n) for n in range(20)))
        assert (gate.in_flight, gate.queued) == (0, 0)
        return order

    assert asyncio.run(work()) == list(range(20))


def test_who_hangs_up_as_another_leaves_is_passed_over() -> None:
    async def work() -> None:
        gate = Gate(Limits(in_flight=1))
        await gate.enter()
        gone, next_ = (asyncio.create_task(gate.enter()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        gate.leave()  # before the cancelled one has run again
        with pytest.raises(asyncio.CancelledError):
            await gone
        await next_
        assert (gate.in_flight, gate.queued) == (1, 0)
        gate.leave()
        assert gate.in_flight == 0

    asyncio.run(work())


def test_a_place_given_to_one_who_has_gone_is_passed_on() -> None:
    async def work() -> None:
        gate = Gate(Limits(in_flight=1))
        await gate.enter()
        gone = asyncio.create_task(gate.enter())
        await asyncio.sleep(0)
        gate.leave()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert (gate.in_flight, gate.queued) == (0, 0)

    asyncio.run(work())


def test_a_closed_gate_sends_all_away() -> None:
    async def work() -> None:
        gate = Gate(Limits(in_flight=1, queue=1))
        await gate.enter()
        waiting = asyncio.create_task(gate.enter())
        await asyncio.sleep(0)
        with pytest.raises(ApiError, match="try again in"):
            await gate.enter()
        gate.close()
        for refused in (waiting, gate.enter()):
            with pytest.raises(ApiError, match="shutting down"):
                await refused

    asyncio.run(work())
