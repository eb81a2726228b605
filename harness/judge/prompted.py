"""Judges that are a prompted language model: against a reference, by a rubric, and of pairs in both orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, stdev

from harness.judge.ask import Bench, Question
from harness.judge.code import code_fingerprint
from harness.judge.parse import Failure, Passed, Preferred, Rated, Said, read, schema
from harness.judge.prompt import NO_REFERENCE, conversation, fill, shipped
from harness.protocols import Tell
from harness.store import fingerprint
from harness.types.answers import Request
from harness.types.judge_record import AnswerCase, AnswerJudgement, JudgedPair, JudgeReply
from harness.types.judge_settings import (
    Criterion,
    PairwiseJudge,
    PromptedSettings,
    ReferenceJudge,
    RubricJudge,
)
from harness.types.judging import PairJudgement, PreferencePair, Side
from harness.types.settings import Decoding

_IRRELEVANT = {"floor", "items", "tokens", "family", "model", "against"}
"""Settings that change no judgement; of the model the engine's fingerprint tells."""


class _Asking:
    """What prompted judges share: questions, their keys and replicates, and what was replied."""

    def __init__(self, settings: PromptedSettings, template: str | None, bench: Bench, said: type[Said]):
        self._settings, self._bench, self._said = settings, bench, said
        self._template = shipped(settings.kind) if template is None else template
        self._schema = schema(said)
        self._decoding = Decoding(max_new_tokens=settings.max_new_tokens, temperature=settings.temperature)
        self.replies: dict[str, JudgeReply] = {}
        terms = settings.model_dump(mode="json", exclude=_IRRELEVANT)
        self.fingerprint = fingerprint(terms, self._template, bench.engine, self._schema, _code())

    def put(self, asked: Sequence[Mapping[str, str]], tell: Tell) -> list[list[Said | Failure]]:
        """For each mapping of places to texts what was said, replicate by replicate."""
        questions = [[self._question(texts, r) for r in range(self._settings.replicates)] for texts in asked]
        replies = self._bench.put([q for row in questions for q in row], tell)
        self.replies |= replies
        return [[read(replies[q.key], self._said) for q in row] for row in questions]

    def _question(self, texts: Mapping[str, str], replicate: int) -> Question:
        messages = fill(self._template, texts)
        key = fingerprint(self.fingerprint, [m.content for m in messages], replicate)
        request = Request(
            item=key,
            messages=messages,
            decoding=self._decoding,
            json_schema=self._schema,
            sample=replicate,
        )
        return Question(key, request)


def _texts(case: AnswerCase | PreferencePair, reference: bool) -> dict[str, str]:
    shown = case.reference if reference else None
    return {"question": conversation(case.input), "reference": shown or NO_REFERENCE}


class PassJudge:
    """Passed (1) or failed (0) against a reference; a case without one cannot be judged."""

    def __init__(self, settings: ReferenceJudge, template: str | None, bench: Bench):
        self._asking = _Asking(settings, template, bench, Passed)
        self.fingerprint = self._asking.fingerprint

    @property
    def replies(self) -> Mapping[str, JudgeReply]:
        return self._asking.replies

    def answers(self, cases: Sequence[AnswerCase], tell: Tell) -> list[AnswerJudgement]:
        with_reference = [c for c in cases if c.reference]
        said = self._asking.put([{**_texts(c, True), "answer": c.answer} for c in with_reference], tell)
        judged = {c.id: _of_answer(c.id, row) for c, row in zip(with_reference, said, strict=True)}
        none = "no reference: this judge compares with one"
        return [judged.get(c.id) or AnswerJudgement(id=c.id, value=None, failure=none) for c in cases]

    def pairs(self, pairs: Sequence[PreferencePair], tell: Tell) -> list[JudgedPair]:
        return by_answers(self.answers, pairs, tell)


class RatingJudge:
    """From 1 to 5 for each criterion; the value is the mean of all criteria."""

    def __init__(self, settings: RubricJudge, template: str | None, bench: Bench):
        self._criteria, self._reference = settings.criteria, settings.reference
        self._asking = _Asking(settings, template, bench, Rated)
        self.fingerprint = self._asking.fingerprint

    @property
    def replies(self) -> Mapping[str, JudgeReply]:
        return self._asking.replies

    def answers(self, cases: Sequence[AnswerCase], tell: Tell) -> list[AnswerJudgement]:
        rows = [(c, k) for c in cases for k in self._criteria]
        said = iter(self._asking.put([self._rated(c, k) for c, k in rows], tell))
        return [
            self._whole(c.id, {k.name: _of_answer(c.id, next(said)) for k in self._criteria}) for c in cases
        ]

    def pairs(self, pairs: Sequence[PreferencePair], tell: Tell) -> list[JudgedPair]:
        return by_answers(self.answers, pairs, tell)

    def _rated(self, case: AnswerCase, criterion: Criterion) -> dict[str, str]:
        named = f"{criterion.name}. {criterion.description}"
        return {**_texts(case, self._reference), "answer": case.answer, "criterion": named}

    def _whole(self, case: str, by_criterion: Mapping[str, AnswerJudgement]) -> AnswerJudgement:
        values = {name: j.value for name, j in by_criterion.items()}
        failures = {name: j.failure for name, j in by_criterion.items() if j.failure is not None}
        known = [v for v in values.values() if v is not None]
        spreads = [j.spread for j in by_criterion.values() if j.spread is not None]
        return AnswerJudgement(
            id=case,
            value=None if failures else fmean(known),
            failure=next(iter(failures.values()), None),
            criteria=values,
            failures=failures,
            reasons=tuple(f"{name}: {r}" for name, j in by_criterion.items() for r in j.reasons),
            spread=fmean(spreads) if spreads else None,
        )


class PreferenceJudge:
    """Which of two answers is better, asked in both orders."""

    def __init__(self, settings: PairwiseJudge, template: str | None, bench: Bench):
        self._reference = settings.reference
        self._asking = _Asking(settings, template, bench, Preferred)
        self.fingerprint = self._asking.fingerprint

    @property
    def replies(self) -> Mapping[str, JudgeReply]:
        return self._asking.replies

    def answers(self, cases: Sequence[AnswerCase], tell: Tell) -> list[AnswerJudgement]:
        failure = "not applicable: this judge compares two answers"
        return [AnswerJudgement(id=c.id, value=None, failure=failure) for c in cases]

    def pairs(self, pairs: Sequence[PreferencePair], tell: Tell) -> list[JudgedPair]:
        shown = [
            {**_texts(p, self._reference), "first": first, "second": second}
            for p in pairs
            for first, second in ((p.a, p.b), (p.b, p.a))
        ]
        said = iter(self._asking.put(shown, tell))
        return [_of_pair(p.id, next(said), next(said)) for p in pairs]


def by_answers(
    judge: Callable[[Sequence[AnswerCase], Tell], Sequence[AnswerJudgement]],
    pairs: Sequence[PreferencePair],
    tell: Tell,
) -> list[JudgedPair]:
    """The preferences of a judge of single answers: the one that it values more, whatever the order."""
    cases = [
        AnswerCase(id=f"{i}{side}", input=p.input, answer=getattr(p, side), reference=p.reference)
        for i, p in enumerate(pairs)
        for side in ("a", "b")
    ]
    judged = iter(judge(cases, tell))
    found = []
    for pair in pairs:
        a, b = next(judged), next(judged)
        choice: Side | None = None
        if a.value is not None and b.value is not None:
            choice = "tie" if a.value == b.value else "a" if a.value > b.value else "b"
        judgement = PairJudgement(id=pair.id, forward=choice, backward=choice, failure=a.failure or b.failure)
        reasons = (*(f"a: {r}" for r in a.reasons), *(f"b: {r}" for r in b.reasons))
        spreads = [s for s in (a.spread, b.spread) if s is not None]
        found.append(
            JudgedPair(judgement=judgement, reasons=reasons, steady=not any(spreads) if spreads else None)
        )
    return found


def _of_answer(case: str, said: Sequence[Said | Failure]) -> AnswerJudgement:
    values = [float(s.verdict == "pass") for s in said if isinstance(s, Passed)]
    values += [float(s.score) for s in said if isinstance(s, Rated)]
    failures = [s for s in said if isinstance(s, Failure)]
    return AnswerJudgement(
        id=case,
        value=fmean(values) if values else None,
        failure=None if values else str(failures[0]),
        reasons=tuple(s.reason for s in said if not isinstance(s, Failure)),
        spread=stdev(values) if len(values) > 1 else None,
    )


_FORWARD: Mapping[str, Side] = {"first": "a", "second": "b", "tie": "tie"}
_BACKWARD: Mapping[str, Side] = {"first": "b", "second": "a", "tie": "tie"}


def _of_pair(pair: str, forward: Sequence[Said | Failure], backward: Sequence[Said | Failure]) -> JudgedPair:
    chosen = [
        [sides[s.choice] for s in said if isinstance(s, Preferred)]
        for said, sides in ((forward, _FORWARD), (backward, _BACKWARD))
    ]
    failure = next((str(s) for s in (*forward, *backward) if isinstance(s, Failure)), None)
    one, other = (_most(c) for c in chosen)
    return JudgedPair(
        judgement=PairJudgement(
            id=pair, forward=one, backward=other, failure=None if one and other else failure
        ),
        reasons=tuple(s.reason for s in (*forward, *backward) if not isinstance(s, Failure)),
        steady=all(len(set(c)) == 1 for c in chosen) if all(len(c) > 1 for c in chosen) else None,
    )


def _most(chosen: Sequence[Side]) -> Side | None:
    """What most replicates say; a tie where no side has more than the other."""
    if not chosen:
        return None
    counts = Counter(chosen)
    (side, most), *rest = counts.most_common()
    return side if not rest or rest[0][1] < most else "tie"


def _code() -> str:
    names = ("ask", "parse", "prompt", "prompted")
    return code_fingerprint(*(f"harness.judge.{n}" for n in names))
