"""Pairs of texts that share a long run of words, or nearly all of them: the two stages that need no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from harness.anchors import Anchors
from harness.scenario.shingles import (
    BANDS,
    ROWS,
    Bools,
    Hashes,
    Ints,
    Signatures,
    Tokens,
    Vocabulary,
    letters,
    words,
)

LONG_RUN, SHORT_RUN = 13, 8
"""Words of a run that two texts do not share by chance (Brown et al. 2020, arXiv:2005.14165, appendix C)."""
SHORT_TEXT = 2 * LONG_RUN
"""A text of fewer words is looked at in runs of 8, one of six or seven words as a whole."""
SHORTEST = 5
"""A question of fewer words may stand in an article by chance."""
COVERED = 0.5
"""Share of a question's words that must stand in shared runs: a common opening is not yet the same question."""
COMMON = 10
"""A run in more training texts than this is boilerplate and tells nothing (Brown et al. 2020)."""
NEAR = 0.8
"""Jaccard similarity from which two texts are nearly the same."""
IN_ORDER = 0.85
"""Share of words that stand in the same order in both, from which they are nearly the same too: one word in eight
may differ, however long it is."""
_LIKELY = 0.55
"""Share of equal signature rows from which a pair is compared exactly."""


@dataclass(frozen=True)
class Pair:
    """Text ``one`` of the tested and ``other`` of the known texts, by position."""

    one: int
    other: int
    similarity: float
    text: str


class Near:
    """The tested and the known texts, read once for all stages."""

    def __init__(self, tested: Sequence[str], known: Sequence[str], anchors: Anchors):
        self._texts, self._known_texts, self._anchors = tested, known, anchors
        vocabulary = Vocabulary()
        self._tested, self._known = vocabulary.read(tested), vocabulary.read(known)
        self._vocabulary = vocabulary

    def sharing_runs(self) -> Iterator[Pair]:
        """Pairs with shared runs over half of the tested text's words, and no other numbers or names."""
        codes, lengths = self._vocabulary.codes(), self._tested.lengths
        for n in range(SHORTEST + 1, SHORT_RUN):
            yield from self._of_length(n, lengths == n, codes)
        yield from self._of_length(SHORT_RUN, lengths < SHORT_TEXT, codes)
        yield from self._of_length(LONG_RUN, lengths >= SHORT_TEXT, codes)

    def _of_length(self, n: int, wanted: Bools, codes: Hashes) -> Iterator[Pair]:
        hashed, text, place = self._tested.runs(n, codes)
        keep = wanted[text]
        hashed, text, place = hashed[keep], text[keep], place[keep]
        if not len(hashed):
            return
        known, known_text, _ = self._known.runs(n, codes)
        met = np.isin(known, hashed)
        known, known_text = _in_few(known[met], known_text[met])
        order = np.argsort(hashed, kind="stable")
        first, last = (np.searchsorted(hashed[order], known, side) for side in ("left", "right"))
        shared: dict[tuple[int, int], set[int]] = {}
        for other, a, b in zip(known_text.tolist(), first.tolist(), last.tolist(), strict=True):
            for k in order[a:b].tolist():
                covered = shared.setdefault((int(text[k]), other), set())
                covered.update(range(int(place[k]), int(place[k]) + n))
        for (one, other), covered in shared.items():
            share = len(covered) / int(self._tested.lengths[one])
            if share >= COVERED and not self._conflict(one, other):
                yield Pair(one, other, share, self._longest(one, covered))

    def _conflict(self, one: int, other: int) -> bool:
        return self._anchors.conflict(self._texts[one], self._known_texts[other])

    def _longest(self, one: int, covered: set[int]) -> str:
        """The longest run of covered places, in the text's own words."""
        best: list[int] = []
        run: list[int] = []
        for place in sorted(covered):
            run = [*run, place] if run and place == run[-1] + 1 else [place]
            best = max(best, run, key=len)
        return " ".join(words(self._texts[one])[best[0] : best[-1] + 1])

    def held_whole(self) -> Iterator[Pair]:
        """Pairs in which the known text holds the tested one word for word, from five words on."""
        codes, lengths = self._vocabulary.codes(), self._tested.lengths
        for n in range(SHORTEST, SHORT_RUN + 1):
            wanted = lengths >= n if n == SHORT_RUN else lengths == n
            hashed, text, place = self._tested.runs(n, codes)
            first = wanted[text] & (place == 0)
            beginning: dict[int, list[int]] = {}
            for run, one in zip(hashed[first].tolist(), text[first].tolist(), strict=True):
                beginning.setdefault(run, []).append(one)
            known, known_text, _ = self._known.runs(n, codes)
            met = np.isin(known, hashed[first])
            places = set(zip(known[met].tolist(), known_text[met].tolist(), strict=True))
            for one, other in sorted((one, other) for run, other in places for one in beginning[run]):
                if _spaced(self._texts[one]) in _spaced(self._known_texts[other]):
                    yield Pair(one, other, 1.0, self._texts[one])

    def nearly_equal(self) -> Iterator[Pair]:
        """Pairs whose words share 0.8 of their runs of three letters, or stand in the same order but for a few.

        So a misspelling or another order of the words changes little; another number or name, though, makes
        another question.
        """
        of_words = self._vocabulary.signatures()
        mine, known = self._tested.signatures(of_words), self._known.signatures(of_words)
        pieces: dict[str, set[str]] = {}
        for one, other in _candidates(mine, known, self._tested, self._known):
            a, b = words(self._texts[one]), words(self._known_texts[other])
            similarity = _jaccard(_letters_of(a, pieces), _letters_of(b, pieces))
            if (similarity >= NEAR or _in_order(a, b) >= IN_ORDER) and not self._conflict(one, other):
                yield Pair(one, other, similarity, self._known_texts[other])


def _spaced(text: str) -> str:
    return f" {' '.join(words(text))} "


def _in_few(hashed: Hashes, text: Ints) -> tuple[Hashes, Ints]:
    """Each run once a text, without the runs that stand in many."""
    order = np.lexsort((text, hashed))
    hashed, text = hashed[order], text[order]
    new = np.ones(len(hashed), dtype=np.bool_)
    new[1:] = (np.diff(hashed) != 0) | (np.diff(text) != 0)
    hashed, text = hashed[new], text[new]
    _, number, count = np.unique(hashed, return_inverse=True, return_counts=True)
    few = count[number.reshape(-1)] <= COMMON
    return hashed[few], text[few]


def _candidates(
    mine: Signatures, known: Signatures, tested: Tokens, others: Tokens
) -> Iterator[tuple[int, int]]:
    """Pairs that agree on a whole band and on enough rows, each once."""
    seen: set[int] = set()
    width = len(known)
    for band in range(BANDS):
        rows = slice(band * ROWS, (band + 1) * ROWS)
        a, b = _band_keys(mine[:, rows]), _band_keys(known[:, rows])
        a[tested.lengths == 0], b[others.lengths == 0] = 0, 1
        met = np.flatnonzero(np.isin(b, a))
        order = np.argsort(a, kind="stable")
        first, last = (np.searchsorted(a[order], b[met], side) for side in ("left", "right"))
        other = np.repeat(met, last - first)
        places = np.arange(len(other)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
        one = order[np.repeat(first, last - first) + places]
        for begin in range(0, len(one), 100_000):
            i, j = one[begin : begin + 100_000], other[begin : begin + 100_000]
            likely = (mine[i] == known[j]).mean(axis=1) >= _LIKELY
            for x, y in zip(i[likely].tolist(), j[likely].tolist(), strict=True):
                if x * width + y not in seen:
                    seen.add(x * width + y)
                    yield x, y


def _band_keys(rows: Signatures) -> Hashes:
    keys = np.zeros(len(rows), dtype=np.uint64)
    for k in range(rows.shape[1]):
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + rows[:, k].astype(np.uint64)
    return keys


def _letters_of(text: Sequence[str], pieces: dict[str, set[str]]) -> set[str]:
    for word in text:
        if word not in pieces:
            pieces[word] = letters(word)
    return set().union(*(pieces[w] for w in text))


def _in_order(a: Sequence[str], b: Sequence[str]) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def _jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b) if a or b else 0.0
