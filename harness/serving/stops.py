"""Stop sequences: text is held back as long as it may be the beginning of one."""

from __future__ import annotations

from collections.abc import Sequence


class StopCutter:
    """Cuts a text that comes in pieces at the first of ``stops``."""

    def __init__(self, stops: Sequence[str]):
        self._stops, self._held = stops, ""
        self.stopped = False

    def feed(self, piece: str) -> str:
        """What of all so far can be told now."""
        self._held += piece
        places = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if places:
            self.stopped = True
            told, self._held = self._held[: min(places)], ""
            return told
        keep = max((self._overlap(stop) for stop in self._stops), default=0)
        told, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return told

    def rest(self) -> str:
        """What was held back when the text has ended."""
        return self._held

    def _overlap(self, stop: str) -> int:
        """Length of the longest end of the text that begins ``stop``."""
        longest = min(len(stop) - 1, len(self._held))
        return next((n for n in range(longest, 0, -1) if self._held.endswith(stop[:n])), 0)
