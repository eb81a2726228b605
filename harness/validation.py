"""A judge held against labels: asks it about labelled pairs and answers, and keeps what it got wrong to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.comparison.agreement import validate_pairs
from harness.comparison.answer_agreement import PASS, validate_answers
from harness.comparison.bradley_terry import Duel, rank_variants
from harness.comparison.judged import judged_metric
from harness.comparison.raters import mean_of
from harness.judge.prompt import conversation
from harness.protocols import Judge, Tell
from harness.types.agreement import AnswerValidation, Disagreement, PairValidation, Trust
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.judge_record import (
    AnswerCase,
    AnswerJudgement,
    DuelRecord,
    JudgedPair,
    JudgeRecords,
    NoiseFloor,
    ReadCase,
)
from harness.types.judge_settings import JudgeSettings, PairwiseJudge, RewardJudge, RubricJudge
from harness.types.judged import JudgedMetric, Ranking
from harness.types.judging import JUDGED, AnswerLabel, PreferencePair
from harness.types.results import Score
from harness.types.settings import Scenario

CLUSTER = "cluster"
"""Slice of a pair that says which pairs are about the same thing."""

Given = Mapping[str, Sequence[Answer]]
"""Answers by variant."""


@dataclass(frozen=True)
class Judged:
    """What the judges of a run said, and how far each can be trusted."""

    scores: Sequence[Score] = ()
    """Of metrics ``judge.<name>``; apart from the other metrics'."""
    duels: Mapping[str, Sequence[DuelRecord]] = field(default_factory=dict)
    """By pairwise judge."""
    records: JudgeRecords = field(default_factory=lambda: JudgeRecords(judges=()))

    @property
    def key(self) -> tuple[str, ...]:
        """What all this rests on."""
        return tuple(r.key for r in self.records.judges)


@dataclass(frozen=True)
class Labelled:
    """What a judge is held against."""

    pairs: Sequence[PreferencePair]
    labels: Sequence[AnswerLabel]
    clusters: Mapping[str, str]
    """Of items."""


@dataclass(frozen=True)
class Validation:
    pairs: PairValidation | None
    answers: tuple[AnswerValidation, ...]
    trust: Trust | None
    noise: NoiseFloor | None
    cases: tuple[ReadCase, ...]


def validate(
    name: str,
    settings: JudgeSettings,
    judge: Judge,
    family: str | None,
    labelled: Labelled,
    seed: int,
    tell: Tell,
) -> Validation:
    """What the labels say of the judge."""
    pairs = list(labelled.pairs)
    judged_pairs = judge.pairs(pairs, tell)
    of_pairs = None
    cluster = CLUSTER if any(CLUSTER in p.slices for p in pairs) else None
    if pairs:
        said = [j.judgement for j in judged_pairs]
        rng = np.random.default_rng([seed, 1])
        of_pairs = validate_pairs(name, pairs, said, settings.floor, rng, cluster, family)
    cases = [_read_pair(p, j, d) for p, j, d in _wrong_pairs(pairs, judged_pairs, of_pairs)]
    answers: list[AnswerValidation] = []
    judged_answers: list[AnswerJudgement] = []
    for criterion in criteria(settings, labelled.labels):
        labels = [label for label in labelled.labels if label.criterion == criterion]
        said_of = [
            j if criterion == PASS else _for(j, criterion)
            for j in judge.answers([_case(x) for x in labels], tell)
        ]
        judged_answers += said_of
        found = validate_answers(
            name,
            labels,
            {j.id: j.value for j in said_of},
            {j.id: j.failure for j in said_of if j.failure},
            settings.floor,
            np.random.default_rng([seed, 2]),
            labelled.clusters,
        )
        answers.append(found)
        wrong = {d.id: d for d in found.disagreements}
        both = zip(labels, said_of, strict=True)
        cases += [_read_answer(x, j, wrong[x.id]) for x, j in both if x.id in wrong]
    noise = _noise(settings, judged_pairs, judged_answers)
    return Validation(of_pairs, tuple(answers), trust_of(of_pairs, answers), noise, tuple(cases))


def criteria(settings: JudgeSettings, labels: Sequence[AnswerLabel]) -> list[str]:
    """What the judge judges and labels exist of: passed or failed, or a rubric's criteria."""
    if isinstance(settings, PairwiseJudge):
        return []
    judged = [c.name for c in settings.criteria] if isinstance(settings, RubricJudge) else [PASS]
    labelled = {label.criterion for label in labels}
    return [c for c in judged if c in labelled]


def trust_of(pairs: PairValidation | None, answers: Sequence[AnswerValidation]) -> Trust | None:
    """By labels of answers where they suffice, since it is answers that are scored; else by pairs.

    Of several criteria the least trusted counts.
    """
    known = [a.trust for a in answers if a.trust.status != "too few labels"]
    if known:
        return min(known, key=lambda t: (t.status == "trusted", t.low or 0.0))
    if pairs is not None:
        return pairs.trust
    return answers[0].trust if answers else None


def as_metrics(
    scenario: Scenario, items: Sequence[Item], answers: Given, labels: Sequence[AnswerLabel], judged: Judged
) -> tuple[list[JudgedMetric], list[Ranking]]:
    """What the comparison makes of judges: their metrics, corrected by labels, and rankings by pairs."""
    texts = {
        (v, a.item): a.text
        for v, given in answers.items()
        for a in given
        if a.phase == "quality" and a.repeat == 0 and a.text is not None
    }
    metrics = [
        judged_metric(
            metric.removeprefix(JUDGED),
            list(answers),
            scenario.baseline,
            items,
            judged.scores,
            texts,
            labels,
            record.trust,
            criterion,
        )
        for record in judged.records.judges
        for metric, criterion in record.criteria.items()
    ]
    rankings = [
        rank_variants(
            name,
            list(answers),
            [Duel(d.a, d.b, d.cluster, d.outcome) for d in duels if d.outcome is not None],
            np.random.default_rng([scenario.seed, 3]),
        )
        for name, duels in judged.duels.items()
    ]
    return metrics, rankings


def _case(label: AnswerLabel) -> AnswerCase:
    return AnswerCase(id=label.id, input=label.input, answer=label.answer, reference=label.reference)


def _for(judgement: AnswerJudgement, criterion: str) -> AnswerJudgement:
    value, failure = judgement.criteria.get(criterion), judgement.failures.get(criterion)
    return judgement.model_copy(update={"value": value, "failure": failure})


def _noise(
    settings: JudgeSettings, pairs: Sequence[JudgedPair], answers: Sequence[AnswerJudgement]
) -> NoiseFloor | None:
    if isinstance(settings, RewardJudge) or settings.replicates == 1:
        return None
    spreads = [a.spread for a in answers if a.spread is not None]
    changed = [float(not p.steady) for p in pairs if p.steady is not None] + [float(s > 0) for s in spreads]
    return NoiseFloor(
        replicates=settings.replicates,
        changed=mean_of(changed, range(len(changed)), "no case has two usable replicates"),
        sd=float(np.sqrt(np.mean(np.square(spreads)))) if spreads else None,
    )


def _wrong_pairs(
    pairs: Sequence[PreferencePair], judged: Sequence[JudgedPair], found: PairValidation | None
) -> list[tuple[PreferencePair, JudgedPair, Disagreement]]:
    wrong = {d.id: d for d in found.disagreements} if found else {}
    return [(p, j, wrong[p.id]) for p, j in zip(pairs, judged, strict=True) if p.id in wrong]


def _read_pair(pair: PreferencePair, judged: JudgedPair, d: Disagreement) -> ReadCase:
    return ReadCase(
        id=pair.id,
        kind="pair",
        input=conversation(pair.input),
        a=pair.a,
        b=pair.b,
        reference=pair.reference,
        label=d.label,
        judged=d.judged,
        failure=d.reason,
        reasons=judged.reasons,
        slices=pair.slices,
    )


def _read_answer(label: AnswerLabel, judged: AnswerJudgement, d: Disagreement) -> ReadCase:
    return ReadCase(
        id=label.id,
        kind="answer",
        input=conversation(label.input),
        a=label.answer,
        reference=label.reference,
        label=d.label,
        judged=d.judged,
        failure=d.reason,
        reasons=judged.reasons,
        slices=label.slices,
    )
