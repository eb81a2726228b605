"""What labels say of judges, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from harness.figures import figure, plural, stated
from harness.pages.text import one_line
from harness.types.agreement import AnswerValidation, Confusion, HumanAgreement, PairValidation, Slope
from harness.types.estimate import Estimate
from harness.types.judge_record import JudgeRecord, JudgeRecords, ReadCase

_SHOWN = 160
_LISTED = 40
"""Disagreements that are printed; the record holds all."""


def judge_text(records: JudgeRecords) -> str:
    """Each judge: whether it can be trusted, how it errs, and where."""
    return "\n\n".join("\n".join(_judge(r)) for r in records.judges)


def _judge(r: JudgeRecord) -> Iterator[str]:
    yield f"judge {r.name} ({r.kind}): {_safe(r.model)}, {'with' if r.reference else 'without'} the reference in view"
    yield r.trust.sentence if r.trust else "Not trusted: there are no labels to hold it against."
    if r.relatives:
        yield f"of one family with what it judges: {', '.join(r.relatives)}"
    if r.fit:
        dev = figure(r.fit.dev_accuracy, "rate", "", 0.95).full
        yield f"learnt from {plural(r.fit.n_train, 'pair')}; right on {dev} of {r.fit.n_dev} dev pairs"
    if r.pairs:
        yield from _pairs(r.pairs)
    for answers in r.answers:
        yield from _answers(answers)
    if r.noise:
        yield f"  replicates      {r.noise.replicates}, not all alike in {_rate(r.noise.changed)} of cases"
    u = r.usage
    tokens = f", {u.prompt_tokens:,} + {u.output_tokens or 0:,} tokens" if u.prompt_tokens is not None else ""
    money = (
        f", {u.money:.4f} ({_safe(u.money_source)})" if u.money is not None else f" ({_safe(u.money_source)})"
    )
    yield f"  cost            {u.requests:,} requests, {u.failed:,} failed, {u.seconds:,.1f} s{tokens}{money}"
    yield from _cases(r.cases)


def _pairs(v: PairValidation) -> Iterator[str]:
    yield f"{plural(v.n_labelled, 'labelled pair')} of {v.n_pairs:,}, labels of {v.labels_by}"
    yield f"  accuracy        {_rate(v.accuracy)}; of those answered {_rate(v.answered)}; ties apart {_rate(v.decided)}"
    yield f"  Cohen's kappa   {_score(v.kappa)}"
    for c in v.classes:
        yield f"  {c.label:15} recall {_rate(c.recall)}, precision {_rate(c.precision)}"
    yield from _confusion(v.confusion)
    yield f"  position        consistent in {_rate(v.position.consistency)}; first chosen {_rate(v.position.first)}"
    yield f"  length slope    {slope_words(v.length.judge)} (of the labels {slope_words(v.length.label)})"
    own = v.self_preference
    yield (
        f"  self-preference {_rate(own.difference)} beyond the labels, for {_safe(own.own)}"
        if own
        else "  self-preference n/a (no pair says who wrote its sides, or none is the judge's own)"
    )
    yield from _people(v.people)
    for s in v.slices:
        yield f"  {_safe(s.slice):30} {_rate(s.accuracy)}"
    yield from _ends(v)


def _answers(v: AnswerValidation) -> Iterator[str]:
    yield f"{plural(v.n_labels, 'labelled answer')}, criterion {_safe(v.criterion)}, labels of {v.labels_by}"
    yield f"  accuracy        {_rate(v.accuracy)}; of those answered {_rate(v.answered)}"
    yield f"  Cohen's kappa   {_score(v.kappa)}"
    yield f"  good judged good {_rate(v.sensitivity)}, bad judged bad {_rate(v.specificity)}"
    yield from _confusion(v.confusion)
    yield from _people(v.people)
    for s in v.slices:
        yield f"  {_safe(s.slice):30} {_rate(s.accuracy)}"
    yield from _ends(v)


def _ends(v: PairValidation | AnswerValidation) -> Iterator[str]:
    for f in v.failures:
        yield f"  failed          {f.count} x {_safe(f.kind)}"
    for sentence in v.diagnoses:
        yield f"  ! {_safe(sentence)}"


def _confusion(c: Confusion) -> Iterator[str]:
    yield f"  {'label, judged':16}" + "".join(f"{j:>9}" for j in c.judged)
    for label, row in zip(c.labels, c.counts, strict=True):
        yield f"  {label:16}" + "".join(f"{n:>9,}" for n in row)


def _people(p: HumanAgreement | None) -> Iterator[str]:
    if p is None:
        yield "  people          n/a (no two people labelled the same)"
    else:
        yield f"  people          agree with each other {_rate(p.between)}, with the judge {_rate(p.judge)}"


def _cases(cases: tuple[ReadCase, ...]) -> Iterator[str]:
    if not cases:
        return
    yield f"disagreements ({len(cases):,}):"
    for c in cases[:_LISTED]:
        why = f" ({_safe(c.failure)})" if c.failure else ""
        yield f"  {_safe(c.id)}: label {c.label}, judged {c.judged}{why}"
        yield f"    asked: {_safe(c.input)}"
        yield f"    {'a' if c.b else 'answer'}: {_safe(c.a)}"
        if c.b:
            yield f"    b: {_safe(c.b)}"
    if len(cases) > _LISTED:
        yield f"  and {len(cases) - _LISTED:,} more in the record"


def _rate(e: Estimate) -> str:
    return figure(e, "rate", "", 0.95).full


def _score(e: Estimate) -> str:
    return figure(e, "score", "", 0.95).full


def slope_words(s: Slope) -> str:
    """In log-odds for twice the length."""
    if s.value is None:
        return f"n/a ({s.reason})"
    between = f" ({signed(s.low)} to {signed(s.high)})" if s.low is not None and s.high is not None else ""
    return signed(s.value) + between


def signed(log_odds: float) -> str:
    return stated(log_odds, "score", "", 2, signed=True)


def _safe(text: str) -> str:
    """A stranger's text."""
    return one_line(text, _SHOWN)
