"""What can go wrong with one attempt, and what follows from it: ask again, slow down, pay."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time

from harness.pages.text import one_line

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_BUSY = frozenset({429, 503, 529})
_LONGEST_WAIT_S = 600.0
_SHOWN = 300


class Fault(Exception):  # noqa: N818  it is not what the caller sees
    """One attempt failed."""

    def __init__(
        self,
        what: str,
        *,
        again: bool,
        paid: bool,
        busy: bool = False,
        wait_s: float | None = None,
        late: bool = False,
    ):
        super().__init__(what)
        self.again = again
        """Whether the same request may work later."""
        self.paid = paid
        """Whether the server had begun to work on it, so that it may have been charged for."""
        self.busy = busy
        """Whether fewer requests at once would help."""
        self.wait_s = wait_s
        """How long the server asks to be left alone."""
        self.late = late
        """Whether the deadline passed."""


def refused(status: int, body: bytes, headers: Mapping[str, str]) -> Fault:
    """Of a response that is an error by its status."""
    message, code = _told(body)
    again = status in _AGAIN and code != "insufficient_quota"
    wait = _wait(headers) if again else None
    what = f"{status} {message}".strip()
    if wait is not None and wait > _LONGEST_WAIT_S:
        return Fault(f"{what} (asks to wait {wait:.0f} s)", again=False, paid=False)
    return Fault(what, again=again, paid=False, busy=again and status in _BUSY, wait_s=wait)


def alike(what: str) -> str:
    """The same error of two requests has the same text once their ids are out of it."""
    return re.sub(r"\b(?:\w*_)?[0-9a-fA-F][0-9a-fA-F-]{14,}\w*", "…", what)


def short(text: str) -> str:
    """One line of what a server wrote."""
    return one_line(text, _SHOWN)


def _told(body: bytes) -> tuple[str, str | None]:
    """The message and code in an error's body, which is JSON if all is well and may be anything."""
    text = body[:100_000].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return short(text), None
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        found = found["error"]
    if not isinstance(found, dict):
        return short(text), None
    said = next((found[k] for k in ("message", "error", "detail") if isinstance(found.get(k), str)), text)
    code = found.get("code")
    return short(said), code if isinstance(code, str) else None


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds in ``Retry-After`` (a number or a date) or in ``retry-after-ms``; None where there is none."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / scale
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time())
    except (ValueError, TypeError, OverflowError):
        return None
