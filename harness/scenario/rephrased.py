"""Pairs of items that ask the same in other words: alike to an embedder, and confirmed by what answers them.

Two questions on one topic are often more alike than two wordings of one question, so question and answer are
compared together, and likeness alone is not enough: the known answer must state the facts that the tested item
requires. Where an item declares none, the numbers and names of both answers must be the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.anchors import Anchors
from harness.protocols import Embed
from harness.scenario.near import Pair
from harness.scenario.shingles import words

SIMILAR = 0.56
"""Mean of the cosine similarities of question with answer and of the answer alone, from which a pair is looked at.
Chosen on half of the clusters of ``support-bot``, measured on the other (``docs/calibration-leakage.md``)."""
BARE = 0.8
"""The same for two answers without facts, numbers and names, such as refusals, where the questions alone can tell."""
COMMON_SHARE = 0.1
"""A line or a name in more answers than this share, such as a closing, tells no two of them apart."""
_BLOCK = 512


@dataclass(frozen=True)
class Asked:
    """An item as far as it is compared."""

    question: str
    answer: str
    facts: Sequence[Sequence[str]] = ()
    """Each required fact as its alternatives."""


def rephrasings(
    tested: Sequence[Asked], known: Sequence[Asked], embed: Embed, anchors: Anchors, similar: float = SIMILAR
) -> Iterator[Pair]:
    """Pairs by position with their similarity; len(tested) x len(known) multiplications of vectors."""
    if not tested or not known:
        return
    sides = [*tested, *known]
    answers = _own_lines([a.answer for a in sides])
    joined = [f"{a.question}\n{own}" for a, own in zip(sides, answers, strict=True)]
    whole, own = np.asarray(embed(joined)), np.asarray(embed(answers))
    about = _own_anchors([anchors.of(answer) for answer in answers])
    stated = [_spaced(a.answer) for a in known]
    n = len(tested)
    for first in range(0, n, _BLOCK):
        block = slice(first, min(first + _BLOCK, n))
        alike = (whole[block] @ whole[n:].T + own[block] @ own[n:].T) / 2
        for row, other in zip(*(p.tolist() for p in np.nonzero(alike >= similar)), strict=True):
            one, similarity = first + row, float(alike[row, other])
            if facts := tested[one].facts:
                same = all(any(_spaced(a) in stated[other] for a in alternatives) for alternatives in facts)
            elif about[one] or about[n + other]:
                same = about[one] == about[n + other]
            else:
                same = similarity >= BARE and not anchors.conflict(
                    tested[one].question, known[other].question
                )
            if same:
                yield Pair(one, other, similarity, known[other].question)


def _spaced(text: str) -> str:
    return f" {' '.join(words(text))} "


def _own_lines(answers: Sequence[str]) -> list[str]:
    """Answers without the lines that many of them share; one of such lines alone is left whole."""
    counts = Counter(line for a in answers for line in set(a.split("\n")))
    most = max(2, COMMON_SHARE * len(answers))
    return ["\n".join(line for line in a.split("\n") if counts[line] <= most) or a for a in answers]


def _own_anchors(about: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    counts = Counter(anchor for a in about for anchor in a)
    common = {anchor for anchor, n in counts.items() if n > max(2, COMMON_SHARE * len(about))}
    return [a - common for a in about]
