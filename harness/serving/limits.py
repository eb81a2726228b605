"""How much is taken on at once."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass

from harness.serving.protocol import ApiError

REQUEST_S = 10.0
STALLED_S = 10.0


@dataclass(frozen=True)
class Limits:
    """What protects the server; those that depend on the use have an option of ``harness serve``."""

    in_flight: int = 16
    """Requests handed to the engine at once."""
    queue: int = 256
    """Requests that wait beyond those; more are refused with 429."""
    body_bytes: int = 256 * 1024
    prompt_tokens: int | None = None
    """Longest prompt, passages and examples included; None is what the model takes."""
    deadline_s: float = 120.0
    """From the request's arrival to its last byte."""
    stalled_s: float = STALLED_S
    """A reader who takes nothing for so long is cut off."""
    request_s: float = REQUEST_S
    """A client whose request, headers and body, takes longer to come is cut off."""


class Gate:
    """Lets ``in_flight`` requests through, in order of arrival. Used from one event loop."""

    def __init__(self, limits: Limits):
        self._limits = limits
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._mean_s = 1.0
        self.in_flight = 0
        self.closed = False

    @property
    def queued(self) -> int:
        return len(self._waiting)

    async def enter(self) -> None:
        """Wait for a place; raises ApiError 429 when too many wait, 503 when the server is closing."""
        if self.closed:
            raise _closing()
        if self.in_flight < self._limits.in_flight:
            self.in_flight += 1
            return
        if len(self._waiting) >= self._limits.queue:
            after = math.ceil(self._mean_s * (1 + len(self._waiting) / self._limits.in_flight))
            text = f"{len(self._waiting)} requests are waiting; try again in {after} s"
            raise ApiError(429, text, code="queue_full", retry_after=str(after))
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # the place was given in the same moment
            elif place in self._waiting:  # else one who left has passed it over already
                self._waiting.remove(place)
            raise

    def leave(self, seconds: float | None = None) -> None:
        """Give the place to the next in line; ``seconds`` is how long it was held."""
        if seconds is not None:
            self._mean_s += 0.1 * (seconds - self._mean_s)
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.in_flight -= 1

    def close(self) -> None:
        """Send away those who wait and all who come."""
        self.closed = True
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(_closing())


def _closing() -> ApiError:
    return ApiError(503, "the server is shutting down", code="shutting_down", retry_after="5")
