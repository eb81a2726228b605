"""Numbers and names in a text: what a rephrasing must keep, whatever else it changes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_UNITS = (
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPELLED = {w: i for i, w in enumerate(_UNITS, 2)} | {w: 10 * i for i, w in enumerate(_TENS, 2)}
"""Without "one", which is a pronoun more often than a number."""

THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
"""The commas of ``1,049``."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_][\w-]*")
_INNER_WORD = re.compile(r"(?<=[\w,;] )[^\W\d_][\w-]*")


def numbers_in(text: str) -> frozenset[str]:
    """Numbers in digits, or spelled up to ninety-nine, as digits: ``1,049`` is ``1049``, forty-five is ``45``."""
    found: set[str] = set()
    tens = 0
    for token in _NUMBER.findall(THOUSANDS.sub("", text.casefold())):
        value = _SPELLED.get(token)
        if tens and not (value and value < 10):
            found.add(str(tens))
        if value and value >= 20:
            tens = value
            continue
        if value:
            found.add(str(tens + value if value < 10 else value))
        elif token[0].isdigit():
            found.add(_plain(token))
        tens = 0
    return frozenset(found | ({str(tens)} if tens else set()))


def _plain(digits: str) -> str:
    whole, _, rest = digits.partition(".")
    rest = rest.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{rest}" if rest else whole


def names_of(texts: Iterable[str], least: int = 2) -> frozenset[str]:
    """Words written with a capital in the middle of sentences, mostly and ``least`` times or more; in lower case."""
    capital, small = Counter[str](), Counter[str]()
    for text in texts:
        found = _INNER_WORD.findall(text)
        if sum(w[0].isupper() for w in found) > len(found) / 2:
            continue  # a headline, or shouting: its capitals tell nothing
        for word in found:
            (capital if word[0].isupper() else small)[word.casefold()] += 1
    return frozenset(w for w, n in capital.items() if len(w) > 1 and n > max(least - 1, small[w]))


class Anchors:
    """Numbers and names of texts, with the names that are known."""

    def __init__(self, names: frozenset[str]):
        self._names = names

    def of(self, text: str) -> frozenset[str]:
        spoken = {w for w in _WORD.findall(text.casefold()) if w in self._names}
        return numbers_in(text) | spoken

    def conflict(self, one: str, other: str) -> bool:
        """Whether each of two texts has a number or a name that the other lacks.

        One that only one side has is no conflict: it may be left out, or misspelt beyond recognition.
        """
        a, b = self.of(one), self.of(other)
        return bool(a - b) and bool(b - a)
