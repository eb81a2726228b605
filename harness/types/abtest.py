"""What an A/B test in production showed. Effects are treatment minus control, in the outcome's own units."""

from __future__ import annotations

from typing import Literal

from harness.types.estimate import Estimate
from harness.types.record import Record

Finding = Literal["better", "worse", "not shown", "stopped too early", "split broken"]
Concern = Literal["split", "contamination", "missing", "covariate", "duplicates", "outliers", "few", "drift"]


class Arm(Record):
    """One variant in the log."""

    variant: str
    units: int
    """Clusters (users, sessions) where the log names them, else rows: what was assigned to arms."""
    expected_units: float
    """By the split that was meant."""
    rows: int
    missing: int
    """Rows without an outcome; in no mean."""
    missing_share: float
    mean: Estimate
    covariate_mean: float | None = None
    """None without a covariate."""


class Split(Record):
    """Whether units fell to arms as they were meant to (sample-ratio mismatch)."""

    p_value: float
    """Exact binomial for two arms, chi-square for more."""
    limit: float
    """Below it the split is taken to be broken."""
    broken: bool


class Cuped(Record):
    """The effect with what a value from before the test explains taken out (Deng et al. 2013, WSDM)."""

    effect: Estimate | None
    reason: str | None = None
    """Why there is no adjusted effect."""
    theta: float | None
    """Outcome units per unit of the covariate."""
    variance_reduction: float | None
    """Share of the effect's variance that the covariate took away, rho^2 where units are rows: 1 - rho^2 is left."""
    n_without: int
    """Rows whose covariate is missing; they count as average."""
    imbalance_p: float | None
    """Two-sided, that the arms are alike in the covariate: what is from before the test cannot differ by it."""


class Look(Record):
    """The confidence sequence after so many rows."""

    rows: int
    time: str | None
    """Of the last row; None where the log has no time."""
    effect: float
    low: float
    high: float


class Sequence(Record):
    """A confidence sequence: with the stated confidence it holds the truth at every look at once."""

    looks: tuple[Look, ...]
    """A few of them, to draw; the last is after all rows."""
    first_excluded: Look | None
    """The first row after which it left out zero; None where it never did."""
    scale: float
    """Standard deviation of the effects that it is tightest for, in outcome units."""
    scale_source: str
    confidence: float
    """That it holds at all looks."""
    method: str
    reason: str | None = None
    """Why there is none."""


class Effect(Record):
    """One treatment beside control."""

    variant: str
    effect: Estimate
    """Holds for one look, at a size fixed before the test."""
    relative: Estimate
    """Effect by control's mean: 0.1 is ten percent more."""
    clipped: Estimate | None = None
    """The effect with values beyond the outer thousandths moved to them; None for yes/no outcomes."""
    cuped: Cuped | None = None
    """None where the log has no covariate."""
    sequence: Sequence
    """Of the adjusted effect where there is one, else of the plain one."""
    finding: Finding
    sentence: str
    """The finding in plain words."""

    @property
    def best(self) -> Estimate:
        """The adjusted effect where there is one, else the plain one: what the finding rests on."""
        return (self.cuped.effect if self.cuped else None) or self.effect


class Diagnosis(Record):
    """Something about the log that a reader must know."""

    kind: Concern
    serious: bool
    """Whether the effect is not to be trusted because of it."""
    text: str


class Prediction(Record):
    """The difference of the same two variants offline, beside the one online."""

    variant: str
    offline_variant: str
    offline_control: str
    metric: str
    label: str
    offline: Estimate
    gap: Estimate
    """Online effect minus offline difference; None where they are not on one scale, with the reason."""
    agrees: bool | None
    """Whether the gap's interval holds zero; None without one."""
    same_sign: bool | None
    sentence: str


class AbTest(Record):
    """What ``harness abtest`` found."""

    source: tuple[str, ...]
    """Names of the files."""
    sha256: tuple[str, ...]
    outcome: str
    """Name of its column."""
    higher_is_better: bool
    yes_no: bool
    """Whether every outcome is 0 or 1."""
    control: str
    unit: str
    """What was assigned: ``row`` or the name of the cluster column."""
    confidence: float
    """Of each interval for one look. 95% for one treatment without a plan; what may err shares out 5%."""
    planned: int | None
    """Units that were planned before the test."""
    first_time: str | None
    last_time: str | None
    arms: tuple[Arm, ...]
    """Control first."""
    split: Split
    effects: tuple[Effect, ...]
    diagnoses: tuple[Diagnosis, ...]
    trusted: bool
    """False where the split is broken, or another diagnosis is serious."""
    predictions: tuple[Prediction, ...] = ()
    """Of a run, where one was named."""
