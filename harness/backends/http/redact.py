"""Takes the key out of whatever a server says, so that it reaches no log, error or artifact."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

_PUT = "[key]"
_SHORTEST_IN_TEXT = 8
"""A shorter one is no secret (local servers take any word) and would tear holes into honest answers."""


class Redactor:
    def __init__(self, key: str | None):
        forms = {key, json.dumps(key)[1:-1], quote(key, safe="")} if key else set()
        self._forms = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if self._forms else None
        self._in_text = bool(key) and len(key or "") >= _SHORTEST_IN_TEXT

    def error(self, text: str) -> str:
        return self._pattern.sub(_PUT, text) if self._pattern else text

    def answer(self, text: str) -> str:
        """What the model wrote: a server may put the key there too."""
        return self.error(text) if self._in_text else text

    def held_back(self, text: str) -> int:
        """How many characters at the end of ``text`` may be the beginning of the key."""
        if not self._in_text:
            return 0
        longest = max(map(len, self._forms)) - 1
        ends = range(min(longest, len(text)), 0, -1)
        return next((n for n in ends if any(f.startswith(text[-n:]) for f in self._forms)), 0)
