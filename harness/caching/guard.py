"""What two questions must share for one answer to serve both: numbers, dates, negations and names.

Embeddings hold "by bank transfer" and "not by bank transfer", or two models of one product, for nearly the same text;
so likeness alone would hand out wrong answers with a fluent face. The guard is strict on purpose: a miss costs one
generation, a wrong hit a customer.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harness.anchors import names_of, numbers_in

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_INNER_CAPITAL = re.compile(r"(?<=[\w,;:] )[^\W\d_][^\W_]*")
_SINGULAR = {
    f"{w}s": w for w in ("second", "minute", "hour", "day", "week", "weekend", "month", "year", "quarter")
}
_DATES = {
    *_SINGULAR.values(),
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "weekday"),
    *("january", "february", "march", "april", "june", "july", "august", "september", "october"),
    *("november", "december", "today", "tomorrow", "yesterday", "tonight", "morning", "noon", "midday"),
    *("afternoon", "evening", "night", "midnight", "spring", "summer", "autumn", "winter"),
    *("christmas", "easter", "daily", "weekly", "monthly", "yearly", "annual", "annually"),
}
_SHORT = {
    **{d[:3]: d for d in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")},
    **{m[:3]: m for m in ("january", "february", "april", "june", "july", "august", "september", "october")},
    **{"nov": "november", "dec": "december", "sept": "september", "hr": "hour", "hrs": "hour"},
    **{"min": "minute", "mins": "minute", "sec": "second", "secs": "second"},
} | _SINGULAR
del _SHORT["sat"], _SHORT["sun"]  # a battery has sat in the sun
_MAY = re.compile(
    r"\b(?:in|of|by|until|till|since|before|after|this|next|last|\d{1,2}(?:st|nd|rd|th)?) may\b|\bmay \d"
)
_ORDER = {
    *("one", "once", "single", "first", "third", "fourth", "fifth", "last", "next", "previous", "twice"),
    *("double", "triple", "half", "both", "dozen", "hundred", "thousand", "million"),
}
_NEGATIONS = {
    *("not", "no", "never", "none", "nothing", "nobody", "nowhere", "neither", "nor", "without", "cannot"),
    *("unable", "except", "unless", "dont", "doesnt", "didnt", "cant", "wont", "isnt", "arent", "wasnt"),
    *("werent", "havent", "hasnt", "hadnt", "couldnt", "wouldnt", "shouldnt", "aint", "nope", "minus"),
}


@dataclass(frozen=True)
class Sense:
    """What of a question no other wording of it changes."""

    fixed: tuple[tuple[str, int], ...]
    """Numbers, dates, negations and known names with how often they stand there (numbers: once)."""
    perhaps_names: frozenset[str]
    """Words with an inner capital or a digit, and those that nothing known holds."""
    words: frozenset[str]


class Guard:
    """Knows the names and the words of a scenario's texts."""

    def __init__(self, names: frozenset[str], vocabulary: frozenset[str]):
        self._names, self._vocabulary = names, vocabulary

    def sense(self, question: str) -> Sense:
        text = plain(question)
        words = [w.removesuffix("'s") for w in _WORD.findall(text)]
        fixed = Counter(f"number {n}" for n in numbers_in(text))
        odd = set()
        for word in words:
            date = _SHORT.get(word, word)
            if word in self._names:
                fixed[f"name {word}"] = 1
            elif date in _DATES or date in _ORDER:
                fixed[date] += 1
            elif word in _NEGATIONS or word.endswith("n't"):
                fixed["negation"] += 1
            elif _has_digit(word):
                odd |= {word} if not word.isdigit() else set()
            elif word not in self._vocabulary and not numbers_in(word):
                odd.add(word)
        fixed["may"] = len(_MAY.findall(text))
        capitals = {w.casefold() for w in _INNER_CAPITAL.findall(question)} - {"i"}
        if len(capitals) > len(words) / 2:
            capitals = set()  # shouting
        return Sense(tuple(sorted((+fixed).items())), frozenset(capitals | odd), frozenset(words))


def same_sense(one: Sense, other: Sense) -> bool:
    """Whether neither question has a number, date, negation or name that the other lacks."""
    return one.fixed == other.fixed and one.perhaps_names <= other.words and other.perhaps_names <= one.words


def guard_from(texts: Iterable[str]) -> Guard:
    """With the names and words of ``texts``: articles, questions and answers of a scenario."""
    known = list(texts)
    return Guard(
        names_of(known, least=1),
        frozenset(w.removesuffix("'s") for t in known for w in _WORD.findall(plain(t))),
    )


def plain(text: str) -> str:
    """Lower case, typewriter apostrophes, NFKC."""
    return unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()


_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc", "'''")


def _has_digit(word: str) -> bool:
    return any(c.isdigit() for c in word)
