"""What a judge's scores are worth once they are corrected by labels, and how pairwise judgements rank variants."""

from __future__ import annotations

from typing import Literal

from harness.types.agreement import LabelsBy, Trust
from harness.types.estimate import Estimate
from harness.types.record import Record

Correction = Literal["corrected", "uncorrected"]


class JudgedEstimate(Record):
    """The mean of one variant, as judged and as corrected by labels of a random sample of its answers."""

    variant: str
    raw: Estimate
    """Mean of the judged values: its interval knows nothing of the judge's error."""
    corrected: Estimate
    """Prediction-powered (PPI++); without a value where ``status`` is uncorrected."""
    labels: Estimate
    """From the labelled answers alone."""
    n_labels: int
    n_stale: int
    """Labels of the sample that fell away because the variant now answers otherwise."""
    power: float | None
    """How far the judge is relied on (PPI++'s lambda): 0 is labels alone."""
    worth: float | None
    """How many labels alone would tell as much as ``n_labels`` and the judge together."""
    status: Correction
    reason: str | None = None
    """Why it is not corrected."""


class JudgedDifference(Record):
    """Variant minus baseline, on the same footing; the labels are those of either side."""

    variant: str
    baseline: str
    raw: Estimate
    corrected: Estimate
    labels: Estimate
    n_labels: int
    """Items that have a label of both."""
    power: float | None
    worth: float | None
    status: Correction
    reason: str | None = None


class JudgedMetric(Record):
    """A judge's metric in the comparison."""

    judge: str
    metric: str
    """``judge.<name>``."""
    criterion: str
    labels_by: LabelsBy | None
    """Who labelled the random sample; None where there is none."""
    trust: Trust | None
    """None where the judge was not validated."""
    kept_out: bool
    """Whether verdict and gate must not use it: below its floor, or not validated."""
    estimates: tuple[JudgedEstimate, ...]
    differences: tuple[JudgedDifference, ...]

    def of(self, variant: str) -> JudgedEstimate | None:
        return next((e for e in self.estimates if e.variant == variant), None)


class Strength(Record):
    """A variant in a ranking by pairwise judgements."""

    variant: str
    strength: Estimate
    """Log of Bradley-Terry's worth, the mean of all variants being 0."""
    wins: float
    """Duels won; a tie is half a win."""
    n_duels: int
    best: float
    """Probability of being the best, over resampled clusters."""
    ranks: tuple[float, ...]
    """Probability of each rank, the best first."""


class Ranking(Record):
    """All variants by pairwise judgements, the strongest first."""

    judge: str
    strengths: tuple[Strength, ...]
    beats: tuple[tuple[float, ...], ...]
    """Probability, by the model, that the row's variant is preferred to the column's, a tie being half; rows and
    columns in the order of ``strengths``."""
    n_duels: int
    n_ties: int
    n_clusters: int
    method: str
    reason: str | None = None
    """Why there is no ranking, or why it has no intervals."""
