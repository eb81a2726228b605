"""What judges said, what it took, and what is kept of a judge for the report."""

from __future__ import annotations

from typing import Literal

from harness.types.agreement import AnswerValidation, PairValidation, Trust
from harness.types.data import Message
from harness.types.estimate import Estimate
from harness.types.judging import PairJudgement, Side
from harness.types.record import Record

FailureKind = Literal["timeout", "endpoint", "refusal", "cut off", "not JSON", "wrong schema"]


class JudgeReply(Record):
    """What a model replied when it was asked to judge; a line of the judge's journal."""

    key: str
    """Hash of all that can change the reply: engine, prompt, decoding, schema, replicate."""
    text: str | None
    failure: FailureKind | None = None
    """Why there is no text, or none that was meant as a judgement."""
    detail: str | None = None
    """In the engine's words."""
    attempts: int = 1
    """0 where it was never let in; such a question is put again in a resumed run."""
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    seconds: float | None = None
    """Its share of the wall time: since the reply before it."""


class AnswerCase(Record):
    """One answer to be judged."""

    id: str
    input: str | tuple[Message, ...]
    answer: str
    reference: str | None = None


class AnswerJudgement(Record):
    """What a judge said of one answer."""

    id: str
    """Of the case."""
    value: float | None
    """Mean of the replicates, on the scale of labels: 0 to 1, or 1 to 5. None where the judge failed."""
    failure: str | None = None
    """``kind: detail``."""
    criteria: dict[str, float | None] = {}
    """Of a rubric, by criterion; ``value`` is their mean."""
    failures: dict[str, str] = {}
    """Of a rubric, by criterion."""
    reasons: tuple[str, ...] = ()
    """In the judge's words."""
    spread: float | None = None
    """Standard deviation between the replicates; None where fewer than two could be used."""


class JudgedPair(Record):
    """What a judge said of a pair, with its reasons."""

    judgement: PairJudgement
    reasons: tuple[str, ...] = ()
    steady: bool | None = None
    """Whether all replicates of each order agree; None where there is one."""


class NoiseFloor(Record):
    """What a judge's replies to the very same question differ by: smaller differences mean nothing."""

    replicates: int
    changed: Estimate
    """Share of cases whose replicates do not all agree."""
    sd: float | None
    """Standard deviation between replicates of one answer, pooled; in the judge's units. None without labelled answers."""


class JudgeUsage(Record):
    """What judging took: a cost of the evaluation, not of serving."""

    requests: int
    """Replies in all, those kept from an earlier run included; 0 for a judge that asks no model."""
    failed: int
    seconds: float
    """Wall time."""
    prompt_tokens: int | None
    """None where no reply tells."""
    output_tokens: int | None
    money: float | None
    """At the scenario's price of machine time, or of tokens for an endpoint."""
    money_source: str
    """Where the prices come from, or why there is no figure."""


class Weight(Record):
    feature: str
    weight: float
    """Log-odds for one standard deviation of the feature's difference between two answers."""


class RewardFit(Record):
    """How a reward was learnt."""

    n_train: int
    n_dev: int
    l2: float
    """Chosen on dev."""
    train_accuracy: float
    dev_accuracy: Estimate
    """On pairs that ``l2`` was chosen on."""
    threshold: float
    """Reward from which an answer passes, calibrated on dev."""
    weights: tuple[Weight, ...]
    """The largest first."""


class ReadCase(Record):
    """A case in which judge and label disagree, to be read."""

    id: str
    kind: Literal["pair", "answer"]
    input: str
    a: str
    """The answer, for a single one."""
    b: str | None = None
    reference: str | None = None
    label: Side | float
    judged: Side | float | None
    failure: str | None = None
    reasons: tuple[str, ...] = ()
    slices: dict[str, str] = {}


class JudgeRecord(Record):
    """One judge of a run: what it is, how far it can be trusted, what it took."""

    name: str
    kind: Literal["reward", "reference", "rubric", "pairwise"]
    metrics: tuple[str, ...]
    """Its scores' names; the first is the judge's own."""
    criteria: dict[str, str]
    """For each metric the criterion of the labels that it stands beside: ``pass``, or one of a rubric; ``mean`` of
    several and ``preference`` between answers have no labels of answers."""
    fingerprint: str
    key: str
    """Hash of all that this record rests on."""
    model: str
    """What judges, in words."""
    family: str | None
    """Of the model; None for one that is none, or whose name does not tell."""
    relatives: tuple[str, ...] = ()
    """Variants whose model is of the same family: a judge may favour them."""
    reference: bool
    """Whether it saw the reference."""
    floor: float
    pairs: PairValidation | None
    """None without labelled pairs."""
    answers: tuple[AnswerValidation, ...]
    """By criterion that labels exist of."""
    trust: Trust | None
    """Of the labels that count most: of answers where they suffice, else of pairs."""
    noise: NoiseFloor | None
    """None with a single replicate."""
    usage: JudgeUsage
    fit: RewardFit | None = None
    """Of a reward judge."""
    cases: tuple[ReadCase, ...]
    """Disagreements with their texts."""
    n_scores: int = 0
    """Answers judged in the run."""
    failures: dict[str, int] = {}
    """Answers of the run without a judgement, by kind of failure."""


class JudgeRecords(Record):
    """``judges.json`` of a run folder."""

    judges: tuple[JudgeRecord, ...]


class DuelRecord(Record):
    """Two variants' answers to one item, held against each other; a line of ``duels/<judge>.jsonl``."""

    item: str
    cluster: str
    a: str
    """A variant."""
    b: str
    outcome: Side | None
    """None where the judge failed."""
    failure: str | None = None
    reasons: tuple[str, ...] = ()
