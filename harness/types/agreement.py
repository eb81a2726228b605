"""How far a judge can be trusted: its judgements held against labels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.types.estimate import Estimate
from harness.types.judging import Side
from harness.types.record import Record

TrustStatus = Literal["trusted", "below floor", "too few labels"]


class Trust(Record):
    """Whether a judge's figures may count."""

    status: TrustStatus
    floor: float
    """Accuracy that the lower bound of ``accuracy`` must reach."""
    low: float | None
    """That lower bound."""
    sentence: str


class Confusion(Record):
    """Counts of what was judged, by label; failures of the judge are a column of their own."""

    labels: tuple[str, ...]
    """Of the rows."""
    judged: tuple[str, ...]
    """Of the columns."""
    counts: tuple[tuple[int, ...], ...]


class ClassRate(Record):
    """How one label fares."""

    label: str
    recall: Estimate
    """Of what is labelled so, the share that is judged so; a failure is not."""
    precision: Estimate
    """Of what is judged so, the share that is labelled so."""


class SliceAccuracy(Record):
    slice: str
    """``key=value``."""
    accuracy: Estimate


class Failures(Record):
    """Judgements without a usable answer of one kind."""

    kind: str
    count: int


class Position(Record):
    """What a judge makes of the order in which two answers are shown."""

    consistency: Estimate
    """Share of pairs judged in both orders whose two choices agree."""
    first: Estimate
    """Of all choices for a side, the share that went to the answer shown first; 0.5 favours no position."""
    always_first: Estimate
    """Share of pairs in which the answer shown first was chosen in both orders."""
    favours: Literal["first", "second", "neither"] | None
    """The position whose share is clearly above one half; None where there are no choices."""


class Slope(Record):
    """Change of the log-odds that side a is preferred, as a becomes twice as long beside b."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None = None
    """Why there is none."""


class LengthBias(Record):
    judge: Slope
    """With the label held fixed: preference for length that labels do not share."""
    label: Slope
    """Of the labels themselves."""
    prefers: Literal["longer", "shorter", "neither"] | None
    """By the judge's slope; None where it is unknown."""


class SelfPreference(Record):
    """Whether a judge prefers what a model of its own wrote, on pairs with one side of its own."""

    own: str
    judged: Estimate
    """Share of pairs in which the judge prefers its own; a tie counts half."""
    labelled: Estimate
    """The same by the labels."""
    difference: Estimate
    """Judged minus labelled."""


class HumanAgreement(Record):
    """The judge beside the agreement of people with each other, on what several people labelled.

    The author's labels are not among them.
    """

    raters: tuple[str, ...]
    between: Estimate
    """Agreement of two raters, over all pairs of raters: the ceiling."""
    judge: Estimate
    """Agreement of the judge with one rater, over all raters, on the same cases; a failure agrees with none."""
    alpha: Estimate
    """Krippendorff's, of the raters without the judge."""


class Disagreement(Record):
    """A case that the judge sees otherwise."""

    id: str
    label: Side | Annotated[float, Field(ge=0)]
    judged: Side | Annotated[float, Field(ge=0)] | None
    """None where the judge failed."""
    reason: str | None = None
    """Of the failure, or that the two orders disagree."""


class PairValidation(Record):
    """A judge of pairs against the labels of pairs. Rates are over labelled pairs."""

    judge: str
    n_pairs: int
    n_labelled: int
    n_failed: int
    """Labelled pairs for which the judge gave no choice."""
    labels_by: Literal["author", "people", "author and people"]
    accuracy: Estimate
    """Share judged as labelled, where a tie is a class of its own and a failure is wrong."""
    answered: Estimate
    """The same without the failures."""
    decided: Estimate
    """On pairs labelled a or b, where a judged tie counts half; a failure is wrong."""
    kappa: Estimate
    """Cohen's, of what was judged."""
    confusion: Confusion
    classes: tuple[ClassRate, ...]
    balanced: Estimate
    """Mean recall of the labels that occur."""
    position: Position
    length: LengthBias
    self_preference: SelfPreference | None = None
    """None where the slices do not say who wrote each side."""
    people: HumanAgreement | None = None
    """None where no two people labelled the same pair."""
    failures: tuple[Failures, ...]
    slices: tuple[SliceAccuracy, ...]
    disagreements: tuple[Disagreement, ...]
    trust: Trust
    diagnoses: tuple[str, ...]
    """What is wrong with it, a sentence each."""


class CalibrationBin(Record):
    """Answers whose judged values lie close together."""

    n: int
    judged: float
    """Mean of the judged values."""
    label: Estimate
    """Mean of the labels."""


class AnswerValidation(Record):
    """A judge of single answers against labels of answers by one criterion. Rates are over labelled answers."""

    judge: str
    criterion: str
    """``pass`` for 0 and 1, else a rubric of 1 to 5."""
    threshold: float
    """From which value on an answer counts as good, judged or labelled."""
    n_labels: int
    n_failed: int
    labels_by: Literal["author", "people", "author and people"]
    accuracy: Estimate
    """Share whose judged value lies on the label's side of ``threshold``; a failure is wrong."""
    answered: Estimate
    kappa: Estimate
    """Cohen's, of good or not; quadratically weighted over 1 to 5 for a rubric."""
    sensitivity: Estimate
    """Of good answers, the share judged good; a failure is not."""
    specificity: Estimate
    """Of bad answers, the share judged bad; a failure is not."""
    balanced: Estimate
    """Mean of the two."""
    confusion: Confusion
    bias: Estimate
    """Judged minus labelled value, in the label's units."""
    calibration: tuple[CalibrationBin, ...]
    calibration_error: float | None
    """Mean distance of judged value and label over the bins, weighted by their size; label's units."""
    people: HumanAgreement | None = None
    failures: tuple[Failures, ...]
    slices: tuple[SliceAccuracy, ...]
    disagreements: tuple[Disagreement, ...]
    trust: Trust
    diagnoses: tuple[str, ...]
