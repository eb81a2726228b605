"""What two questions must share for one answer to serve both: numbers, dates, negations and names.

Embeddings hold "by bank transfer" and "not by bank transfer", or two models of one product, for nearly the same text;
so likeness alone would hand out wrong answers with a fluent face. The guard is strict on purpose: a miss costs one
generation, a wrong hit a customer.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.anchors import THOUSANDS, names_of, numbers_in

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

COMMON = 0.1
"""Share of the articles; a word of a title that stands in more of them is no subject."""


@dataclass(frozen=True)
class Sense:
    """What of a question no other wording of it changes."""

    fixed: tuple[str, ...]
    """Numbers, dates, negations and known names, in their order: from A to B is not from B to A."""
    numbers: frozenset[str]
    """With their decimals and tens, which ``fixed`` has in pieces."""
    perhaps_names: frozenset[str]
    """Words with an inner capital or a digit, and those that nothing known holds."""
    words: frozenset[str]


class Guard:
    """Knows the names and the words of a scenario's texts."""

    def __init__(self, names: frozenset[str], vocabulary: frozenset[str]):
        self._names, self._vocabulary = names, vocabulary

    def sense(self, question: str) -> Sense:
        text = THOUSANDS.sub("", plain(question))
        words = _words(text)
        fixed, odd = ["may"] * len(_MAY.findall(text)), set()
        for word in words:
            date = _SHORT.get(word, word)
            if word in _NEGATIONS or word.endswith("n't"):
                fixed.append("not")
            elif date in _DATES or date in _ORDER:
                fixed.append(date)
            elif word in self._names:
                fixed += [word] if word not in fixed else []
            elif number := numbers_in(word):
                fixed += number
                odd |= {word} if _is_code(word) else set()
            elif word not in self._vocabulary:
                odd.add(word)
        capitals = {w.casefold() for w in _INNER_CAPITAL.findall(question)} - {"i"}
        if len(capitals) > len(words) / 2:
            capitals = set()  # shouting
        return Sense(tuple(fixed), numbers_in(text), frozenset(capitals | odd), frozenset(words))


def same_sense(one: Sense, other: Sense) -> bool:
    """Whether neither question has a number, date, negation or name that the other lacks."""
    if (one.fixed, one.numbers) != (other.fixed, other.numbers):
        return False
    return one.perhaps_names <= other.words and other.perhaps_names <= one.words


def guard_from(articles: Sequence[tuple[str, str]], texts: Iterable[str] = ()) -> Guard:
    """It knows the words of ``articles`` (title, body) and other ``texts`` of a scenario.

    Names are what is written with a capital in the middle of sentences, and what articles are about: words of a title
    that stand in few of them.
    """
    bodies = [body for _, body in articles]
    known = [*(title for title, _ in articles), *bodies, *texts]
    spread = Counter(word for body in bodies for word in set(_words(body)))
    titles = {w for title, _ in articles for w in _words(title) if not w.isdigit()}
    subjects = {w for w in titles if spread[w] <= COMMON * len(articles)}
    vocabulary = frozenset(word for text in known for word in _words(text))
    return Guard(names_of(known, least=1) | subjects, vocabulary)


def _words(text: str) -> list[str]:
    return [w.removesuffix("'s") for w in _WORD.findall(plain(text))]


def plain(text: str) -> str:
    """Lower case, typewriter apostrophes, NFKC."""
    return unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()


_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc", "'''")


def _is_code(word: str) -> bool:
    """Digits and letters in one word, as models and parts are called."""
    return any(c.isdigit() for c in word) and not word.isdigit()
