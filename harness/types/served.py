"""One line of the log of ``harness serve``."""

from __future__ import annotations

from harness.types.record import Record


class ServedRequest(Record):
    """A request and how it ended: no text of question or answer, no key and no address of the client."""

    time: str
    """When it arrived: UTC, ISO 8601."""
    variant: str
    id: str | None
    """As the answer carried it, so that what the user made of it can be joined; None where there was no answer."""
    status: int
    """Of HTTP; 499 where the client hung up."""
    ttft_s: float | None
    """To the first piece of text."""
    latency_s: float
    """To the last."""
    prompt_tokens: int | None
    output_tokens: int | None
    cache: str | None
    """``exact`` or ``near`` where the answer came from the cache."""
