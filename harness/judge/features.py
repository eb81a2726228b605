"""What a reward looks at: an answer beside its question and its reference, as a row of numbers.

Every feature is one of a single answer, so that a difference of two rows is antisymmetric in the two answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.anchors import Anchors, numbers_in
from harness.judge.prompt import conversation
from harness.protocols import Embed
from harness.types.judge_record import AnswerCase

Rows = NDArray[np.float64]

OF_ANSWER = (
    *(
        "style",
        "closing",
        "log_words",
        "long",
        "sentences",
        "abstains",
        "absolutes",
        "promises",
        "hedges",
        "opening",
    ),
    *("cos_question", "question_overlap"),
)
OF_REFERENCE = (
    *("cos_reference", "closest_sentence", "least_supported", "covers_reference"),
    *("numbers_kept", "numbers_lost", "numbers_added", "quantities_kept", "quantities_added"),
    *("names_lost", "names_added", "words_kept", "words_added", "phrases_kept", "phrases_added"),
    *("negations_added", "negations_lost", "abstains_wrongly", "answers_wrongly", "refuses_as_it_should"),
    *("length_beside", "longer_than", "opposites"),
)
"""Zero where there is no reference in view."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,]\d+)*%?")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nothing|neither|nor|without|cannot|nobody|unable|un(?:available|supported))\b|n['’]t\b",
    re.IGNORECASE,
)
_ABSOLUTE = re.compile(
    r"\b(?:always|never|any|every|all|anytime|whenever|unlimited|completely|definitely|certainly|absolutely|simply|"
    r"immediately|instantly|straight away|right away|at once|forever|lifetime|whatever|fully|entirely)\b",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\b(?:guarantee\w*|promise\w*|refund\w*|compensat\w*|for free|free of charge|at no (?:extra )?(?:cost|charge)|"
    r"gladly|happy to|we(?: wi|['’])ll|we can|will be (?:sent|there|with you|replaced|refunded|solved|fixed))\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:may|might|perhaps|possibly|usually|generally|typically|probably|about|around|approximately|i think|i believe|"
    r"should be|it depends|contact|check)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"^(?:hi|hello|dear|thank|thanks|sorry|great|i['’]?m sorry|of course|sure|certainly)\b", re.IGNORECASE
)
_OPPOSITES = (
    ("before", "after"), ("more", "less"), ("above", "below"), ("include", "exclude"), ("included", "excluded"),
    ("free", "paid"), ("inside", "outside"), ("indoors", "outdoors"), ("left", "right"), ("on", "off"),
    ("open", "closed"), ("longer", "shorter"), ("higher", "lower"), ("old", "new"), ("first", "last"),
    ("minimum", "maximum"), ("at least", "at most"), ("allowed", "forbidden"), ("same", "different"),
    ("yes", "no"), ("can", "cannot"), ("keep", "lose"), ("buy", "sell"), ("months", "years"), ("days", "hours"),
    ("days", "weeks"), ("weeks", "months"), ("minutes", "hours"), ("day", "month"), ("month", "year"),
)  # fmt: skip
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a an the and or but if so of to in on at by for with from as is are was were be been it its this that these "
        "those you your yours we our us i me my they them their he she his her which who what when where how there "
        "here do does did have has had will would can could may should than then also just very",
    )
)


@dataclass(frozen=True)
class Manner:
    """What the scenario says of how an answer is written."""

    abstains: Callable[[str], bool]
    rules: Callable[[str], Mapping[str, bool]]
    """Rules of its style, and whether a text keeps them."""
    closing: str = ""


class _Text:
    """One text and what is read off it once."""

    def __init__(self, text: str, manner: Manner):
        self.body = text.strip().removesuffix(manner.closing).strip() or text.strip()
        self.words = [w.casefold().replace("’", "'") for w in _WORD.findall(self.body)]
        self.content = {_stem(w) for w in self.words if w not in _STOP and not w[0].isdigit()}
        self.phrases = {(_stem(a), _stem(b)) for a, b in zip(self.words, self.words[1:], strict=False)}
        self.numbers = numbers_in(self.body)
        self.quantities = _quantities(self.body)
        self.sentences = [s for s in (s.strip() for s in _SENTENCE.split(self.body)) if s]
        self.negations = len(_NEGATION.findall(self.body))
        self.abstains = manner.abstains(text)


class Features:
    """Rows of numbers for answers, with the sentence embedder of the scenario."""

    def __init__(self, manner: Manner, embed: Embed, anchored: Iterable[str], reference: bool):
        """``anchored``: names that answers are checked for."""
        self._manner, self._reference = manner, reference
        self._anchors, self._vectors = Anchors(frozenset(anchored)), _Vectors(embed)
        self.names = OF_ANSWER + (OF_REFERENCE if reference else ())

    def rows(self, cases: Sequence[AnswerCase]) -> Rows:
        """An array of shape (len(cases), len(names))."""
        texts: dict[str, _Text] = {}

        def text(of: str) -> _Text:
            if of not in texts:
                texts[of] = _Text(of, self._manner)
            return texts[of]

        questions = [text(conversation(c.input)) for c in cases]
        answers = [text(c.answer) for c in cases]
        references = [text(c.reference) if self._reference and c.reference else None for c in cases]
        vector, right = self._vectors, [r for r in references if r]
        vector.learn([*questions, *answers, *right], [*answers, *right] if right else [])
        rows = np.zeros((len(cases), len(self.names)))
        for row, case, q, a, r in zip(rows, cases, questions, answers, references, strict=True):
            alone = self._alone(case, q, a, vector)
            row[: len(alone)] = alone
            if r is not None:
                row[len(alone) :] = self._beside(q, a, r, vector)
        return rows

    def _alone(self, case: AnswerCase, q: _Text, a: _Text, vector: _Vectors) -> list[float]:
        rules = self._manner.rules(case.answer)
        n = max(len(a.words), 1)
        return [
            sum(rules.values()) / len(rules) if rules else 0.0,
            float(bool(self._manner.closing) and case.answer.rstrip().endswith(self._manner.closing)),
            math.log(n),
            max(0.0, math.log(n / 25)),
            float(len(a.sentences)),
            float(a.abstains),
            _capped(len(_ABSOLUTE.findall(a.body))),
            _capped(len(_PROMISE.findall(a.body))),
            _capped(len(_HEDGE.findall(a.body))),
            float(bool(_OPENING.match(a.body))),
            float(vector.of(a.body) @ vector.of(q.body)),
            _share(a.content & q.content, q.content),
        ]

    def _beside(self, q: _Text, a: _Text, r: _Text, vector: _Vectors) -> list[float]:
        known, told, asked = self._anchors.of(r.body), self._anchors.of(a.body), self._anchors.of(q.body)
        named, spoken = known - r.numbers, told - a.numbers
        allowed = r.content | q.content
        each = np.array([vector.of(s) for s in a.sentences or [a.body]])
        theirs = np.array([vector.of(s) for s in r.sentences or [r.body]])
        likeness = each @ theirs.T
        length = math.log(max(len(a.words), 1) / max(len(r.words), 1))
        return [
            float(vector.of(a.body) @ vector.of(r.body)),
            float(likeness.max()),
            float(likeness.max(axis=1).min()),
            float(likeness.max(axis=0).min()),
            _share(r.numbers & a.numbers, r.numbers),
            _capped(len(r.numbers - a.numbers)),
            _capped(len(a.numbers - r.numbers - q.numbers)),
            _share(r.quantities & a.quantities, r.quantities),
            _capped(len(a.quantities - r.quantities - q.quantities)),
            _capped(len(named - spoken - asked)),
            _capped(len(spoken - named - asked)),
            _share(r.content & a.content, r.content),
            _share(a.content - allowed, a.content),
            _share(r.phrases & a.phrases, r.phrases),
            _share(a.phrases - r.phrases - q.phrases, a.phrases),
            _capped(max(0, a.negations - r.negations)),
            _capped(max(0, r.negations - a.negations)),
            float(a.abstains and not r.abstains),
            float(r.abstains and not a.abstains),
            float(r.abstains and a.abstains),
            abs(length),
            max(0.0, length),
            _opposites(a, r),
        ]


class _Vectors:
    """Embeddings of texts and of their sentences, each embedded once."""

    def __init__(self, embed: Embed):
        self._embed = embed
        self._known: dict[str, Rows] = {}

    def learn(self, texts: Sequence[_Text], sentences: Sequence[_Text]) -> None:
        """Of ``texts`` as wholes, and of the sentences of some."""
        wanted = {t.body for t in texts} | {s for t in sentences for s in t.sentences}
        wanted -= self._known.keys()
        listed = sorted(wanted, key=lambda w: (len(w), w))
        if listed:
            self._known |= dict(zip(listed, np.asarray(self._embed(listed), dtype=float), strict=True))

    def of(self, text: str) -> Rows:
        return self._known[text]


def _capped(count: int) -> float:
    """A second and third matter less than the first."""
    return math.log1p(min(count, 6))


def _share(part: Sized, whole: Sized) -> float:
    return len(part) / len(whole) if whole else 0.0


def _stem(word: str) -> str:
    """Plurals and verb forms alike, roughly: agreement is counted, not printed."""
    word = word.removesuffix("'s")
    for ending in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word.removesuffix(ending) + ("y" if ending == "ies" else "")
    return word


def _quantities(text: str) -> frozenset[tuple[str, str]]:
    """Numbers with the word that follows them: 2 years are not 2 months."""
    tokens = re.findall(r"\d+(?:\.\d+)?|%|[^\W\d_]+", re.sub(r"(?<=\d),(?=\d{3}\b)", "", text.casefold()))
    found = set()
    for i, token in enumerate(tokens[:-1]):
        if number := numbers_in(token):
            found.add((next(iter(number)), _stem(tokens[i + 1])))
    return frozenset(found)


def _opposites(a: _Text, r: _Text) -> float:
    """How many words of the reference stand in the answer as their opposite."""
    one, other = f" {' '.join(a.words)} ", f" {' '.join(r.words)} "

    def turned(x: str, y: str) -> bool:
        return f" {x} " in one and f" {x} " not in other and f" {y} " in other and f" {y} " not in one

    return _capped(sum(turned(x, y) or turned(y, x) for x, y in _OPPOSITES))
