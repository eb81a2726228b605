"""Many texts as arrays of numbers: words, runs of words and MinHash signatures, made for all texts at once.

A signature of a text is the minimum over its words' signatures, and a word's is made once however often the
word occurs. That is what lets 100,000 texts be hashed in seconds without a library that hashes them one by one
(``docs/decisions/0005-leakage.md``).
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Bools = NDArray[np.bool_]
Signatures = NDArray[np.uint32]

BANDS, ROWS = 25, 5
"""A pair of Jaccard similarity J shares a band with probability 1 - (1 - J^5)^25: .9999 at .8, .95 at .65, .01 at .2."""
_BLOCK = 200_000
"""Words whose signatures are laid side by side at once: 100 MB."""


def words(text: str) -> list[str]:
    """Lower-case words without punctuation; of a text without any letter or digit, its symbols."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return re.findall(r"\w+", text) or text.split()


def letters(word: str) -> set[str]:
    """The runs of three letters of a word, its ends included: what two spellings of it share."""
    padded = f" {word} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


class Vocabulary:
    """Numbers for words, in the order in which they were first met, and what is derived from each word once."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def read(self, texts: Sequence[str]) -> Tokens:
        """The words of all texts, one after the other."""
        split = [words(t) for t in texts]
        number = self.number
        flat = [number.setdefault(w, len(number)) for ws in split for w in ws]
        ends = np.cumsum([0, *map(len, split)], dtype=np.int64)
        return Tokens(np.array(flat, dtype=np.int64), ends)

    def codes(self) -> Hashes:
        """(V,) a random number for each word, the same in every process."""
        return np.random.default_rng(1).integers(0, 2**64, len(self.number), dtype=np.uint64)

    def signatures(self) -> Signatures:
        """(V, BANDS * ROWS) MinHash of the letters of each word (Broder 1997), by multiply-shift hashing."""
        rng = np.random.default_rng(2)
        odd = rng.integers(0, 2**63, BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        shift = rng.integers(0, 2**64, BANDS * ROWS, dtype=np.uint64)
        pieces = [[zlib.crc32(t.encode("utf-8", "surrogatepass")) for t in letters(w)] for w in self.number]
        starts = np.cumsum([0, *map(len, pieces)], dtype=np.int64)[:-1]
        flat = np.array([p for ps in pieces for p in ps], dtype=np.uint64)
        found = np.empty((len(pieces), BANDS * ROWS), dtype=np.uint32)
        for k in range(BANDS * ROWS):
            hashed = ((odd[k] * flat + shift[k]) >> np.uint64(32)).astype(np.uint32)
            found[:, k] = np.minimum.reduceat(hashed, starts) if len(starts) else hashed
        return found


class Tokens:
    """Texts as word numbers: text i is ``flat[ends[i]:ends[i + 1]]``."""

    def __init__(self, flat: Ints, ends: Ints):
        self.flat, self.ends = flat, ends

    def __len__(self) -> int:
        return len(self.ends) - 1

    @cached_property
    def lengths(self) -> Ints:
        return np.diff(self.ends)

    def of(self, i: int) -> Ints:
        return self.flat[self.ends[i] : self.ends[i + 1]]

    def runs(self, n: int, codes: Hashes) -> tuple[Hashes, Ints, Ints]:
        """Every run of ``n`` words within one text: its hash, its text and its first word's place in the text."""
        if len(self.flat) < n:
            return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)
        count = len(self.flat) - n + 1
        text = np.repeat(np.arange(len(self)), self.lengths)[:count]
        start = np.arange(count)
        inside = start + n <= self.ends[text + 1]
        start, text = start[inside], text[inside]
        hashed = np.zeros(len(start), dtype=np.uint64)
        for k in range(n):
            hashed = hashed * np.uint64(0x9E3779B97F4A7C15) + codes[self.flat[start + k]]
        return hashed, text, start - self.ends[text]

    def signatures(self, of_words: Signatures) -> Signatures:
        """(texts, BANDS * ROWS); a text without words has the largest number everywhere."""
        found = np.full((len(self), of_words.shape[1]), np.iinfo(np.uint32).max, dtype=np.uint32)
        full = np.flatnonzero(self.lengths)
        first = 0
        while first < len(full):
            limit = self.ends[full[first]] + _BLOCK
            last = max(first + 1, int(np.searchsorted(self.ends[full + 1], limit, "right")))
            block = full[first:last]
            begin, end = self.ends[block[0]], self.ends[block[-1] + 1]
            rows = of_words[self.flat[begin:end]]
            found[block] = np.minimum.reduceat(rows, self.ends[block] - begin, axis=0)
            first = last
        return found
