"""How much is asked at once, and when nothing more is asked."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from harness.backends.http.fault import alike

Tell = Callable[[str], None]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 30.0


def pause(attempt: int) -> float:
    """Seconds before the ``attempt``-th repetition (from 0): exponential, with full jitter, so that those that
    failed together do not come back together."""
    return random.uniform(0.5, 1.0) * min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt)


class Gate:
    """Lets so many requests fly as the server bears: halved when it is busy, one more after each round that went
    well (additive increase, multiplicative decrease: Chiu & Jain 1989)."""

    def __init__(self, most: int, tell: Tell):
        self._most, self._tell = most, tell
        self._limit = float(most)
        self._lowest = most
        self._flying = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._cut_at = self._open_at = float("-inf")

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[float]:
        """Room for one request; gives the time of its sending."""
        while self._flying >= int(self._limit):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._wake()  # the turn may have been given already
                raise
        self._flying += 1
        try:
            while (left := self._open_at - monotonic()) > 0:
                await asyncio.sleep(left)
            yield monotonic()
        finally:
            self._flying -= 1
            self._wake()

    def went_well(self) -> None:
        self._limit = min(self._most, self._limit + 1 / self._limit)

    def busy(self, sent: float, wait_s: float | None, why: str) -> None:
        """The server turned a request of time ``sent`` away. Those sent before the last cut say nothing new."""
        if wait_s is not None:
            self._open_at = max(self._open_at, monotonic() + wait_s)
        if sent <= self._cut_at:
            return
        self._cut_at = monotonic()
        self._limit = max(1.0, self._limit / 2)
        waits = f", after a pause of {wait_s:.3g} s that it asks for" if wait_s else ""
        if int(self._limit) < self._lowest or waits:
            self._lowest = min(self._lowest, int(self._limit))
            self._tell(f"is busy ({why}): now at most {int(self._limit)} requests at once{waits}")

    def _wake(self) -> None:
        free = int(self._limit) - self._flying
        while self._waiting and free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1


class Breaker:
    """Stops all asking after so many requests in a row that failed for good with the same error."""

    def __init__(self, after: int, tell: Tell):
        self._after, self._tell = after, tell
        self._last, self._count = "", 0
        self.reason: str | None = None
        """Why nothing more is asked; None while all is well."""

    def went_well(self) -> None:
        self._last, self._count = "", 0

    def failed(self, what: str) -> None:
        same = alike(what)
        self._count = self._count + 1 if same == self._last else 1
        self._last = same
        if self._count >= self._after and self.reason is None:
            self.reason = f"{self._count} requests in a row failed with the same error: {what}"
            self._tell(f"is asked nothing more: {self.reason}")
