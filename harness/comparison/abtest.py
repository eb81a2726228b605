"""A trial's rows in, one ``AbTest`` out: the whole analysis on one screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.comparison.cuped import Adjusted, adjust, imbalance, variance_reduction
from harness.comparison.sequence import sequence
from harness.comparison.split import (
    LIMIT,
    clip,
    heavy_rows,
    missing_diagnoses,
    split_check,
    split_diagnoses,
    units_of,
)
from harness.comparison.table import Floats
from harness.comparison.trial import Trial, arm_means, difference, excludes_zero, relative
from harness.figures import fine, plural
from harness.types.abtest import AbTest, Arm, Cuped, Diagnosis, Effect, Finding, Sequence
from harness.types.estimate import Estimate

ERROR = 0.05
"""Two-sided, of a test; several treatments share it equally (Bonferroni)."""
EARLY = 0.01
"""Of it, what stopping before the planned end may spend; the rest is the planned end's."""
OVERRUN = 1.1
"""A test that ran further than this beyond its plan was not ended by it."""


@dataclass(frozen=True)
class Plan:
    """What was settled before the test, and what the outcome is."""

    outcome: str
    """Name of its column."""
    unit: str = "row"
    """``row`` or the name of the cluster column."""
    higher_is_better: bool = True
    shares: tuple[float, ...] | None = None
    """Of units by arm, control first; None is equal shares."""
    planned: int | None = None
    """Units after which the test was to end."""
    effect: float | None = None
    """Effect that the test was to find, in outcome units; the confidence sequence is tightest for it."""

    def errors(self, treatments: int) -> tuple[float, float]:
        """Of the one-look interval and of the confidence sequence.

        Without a plan only the sequence decides. With one either may, so the two share the error.
        """
        early = ERROR if self.planned is None else EARLY
        late = ERROR if self.planned is None else ERROR - EARLY
        return late / treatments, early / treatments


def build_abtest(
    trial: Trial,
    plan: Plan,
    source: tuple[str, ...] = (),
    sha256: tuple[str, ...] = (),
    noted: tuple[Diagnosis, ...] = (),
) -> AbTest:
    """Everything that the rows of ``trial`` say; ``noted`` is what reading them has found already.

    Pure and deterministic.
    """
    arms = len(trial.variants)
    shares = plan.shares or (1 / arms,) * arms
    late, early = plan.errors(arms - 1)
    confidence = 1 - late
    units = units_of(trial)
    split = split_check(units.counts, shares)
    diagnoses = [*split_diagnoses(trial, split, units, shares, plan.unit), *noted, *missing_diagnoses(trial)]
    clean = trial.take(units.clean)
    seen = clean.outcome[~np.isnan(clean.outcome)]
    yes_no = bool(((seen == 0) | (seen == 1)).all())
    if not yes_no and (heavy := heavy_rows(clean.outcome)):
        diagnoses.append(heavy)
    adjusted = None if clean.covariate is None else adjust(clean)
    diagnoses += _imbalanced(clean)
    trusted = not any(d.serious for d in diagnoses)
    means = arm_means(clean, clean.outcome, confidence)
    reading = _Reading(clean, plan, confidence, early, means, adjusted, sum(units.counts), trusted, yes_no)
    effects = [reading.effect(k) for k in range(1, arms)]
    diagnoses += [d for e in effects for d in _about(e)]
    return AbTest(
        source=source, sha256=sha256, outcome=plan.outcome, higher_is_better=plan.higher_is_better, yes_no=yes_no,
        control=trial.variants[0], unit=plan.unit, confidence=confidence, planned=plan.planned,
        first_time=trial.time_at(0), last_time=trial.time_at(-1),
        arms=_arms(trial, clean, units.counts, shares, means),
        split=split, effects=tuple(effects), diagnoses=tuple(diagnoses), trusted=trusted,
    )  # fmt: skip


def _arms(
    trial: Trial, clean: Trial, counts: tuple[int, ...], shares: tuple[float, ...], means: list[Estimate]
) -> tuple[Arm, ...]:
    found = []
    for k, variant in enumerate(trial.variants):
        own = clean.arm == k
        rows, gone = int(own.sum()), int(np.isnan(clean.outcome[own]).sum())
        before = clean.covariate[own] if clean.covariate is not None else np.zeros(0)
        known = before[~np.isnan(before)]
        arm = Arm(
            variant=variant, units=counts[k], expected_units=shares[k] * sum(counts), rows=rows, missing=gone,
            missing_share=gone / rows if rows else 0.0, mean=means[k],
            covariate_mean=float(known.mean()) if len(known) else None,
        )  # fmt: skip
        found.append(arm)
    return tuple(found)


@dataclass(frozen=True)
class _Reading:
    """What the effects of all treatments rest on."""

    trial: Trial
    plan: Plan
    confidence: float
    early: float
    means: list[Estimate]
    adjusted: Adjusted | str | None
    units: int
    trusted: bool
    yes_no: bool

    def effect(self, k: int) -> Effect:
        plain = difference(self.means[k], self.means[0])
        cuped = None if self.adjusted is None else self._cuped(self.adjusted, k)
        best = (cuped.effect if cuped else None) or plain
        values = self.adjusted.values if isinstance(self.adjusted, Adjusted) else self.trial.outcome
        looks = sequence(self.trial, values, k, self.early, self.plan.effect)
        finding = self._finding(best, looks)
        return Effect(
            variant=self.trial.variants[k],
            effect=plain,
            relative=relative(self.means[k], self.means[0]),
            clipped=None if self.yes_no else self._of(clip(self.trial.outcome), k),
            cuped=cuped,
            sequence=looks,
            finding=finding,
            sentence=self._sentence(self.trial.variants[k], finding, best, looks),
        )

    def _of(self, values: Floats, k: int) -> Estimate:
        means = arm_means(self.trial, values, self.confidence)
        return difference(means[k], means[0])

    def _cuped(self, adjusted: Adjusted | str, k: int) -> Cuped:
        p = imbalance(self.trial, k)
        if isinstance(adjusted, str):
            return Cuped(
                effect=None, reason=adjusted, theta=None, variance_reduction=None, n_without=0, imbalance_p=p
            )
        effect = self._of(adjusted.values, k)
        return Cuped(
            effect=effect.model_copy(update={"method": f"CUPED, {effect.method}"}),
            theta=adjusted.theta,
            variance_reduction=variance_reduction(self.trial, adjusted, k),
            n_without=adjusted.n_without,
            imbalance_p=p,
        )

    def _finding(self, best: Estimate, looks: Sequence) -> Finding:
        if not self.trusted:
            return "split broken"
        planned = self.plan.planned
        whole = planned is not None and planned <= self.units <= OVERRUN * planned
        sure = _shown(best, looks) or (whole and excludes_zero(best))
        if sure:
            assert best.value is not None
            return "better" if (best.value > 0) == self.plan.higher_is_better else "worse"
        short = planned is not None and self.units < planned
        tempting = not whole and excludes_zero(best)
        return "stopped too early" if short or tempting else "not shown"

    def _sentence(self, variant: str, finding: Finding, best: Estimate, looks: Sequence) -> str:
        control = self.trial.variants[0]
        if finding == "split broken":
            return f"Nothing can be said of {variant} and {control}: the arms do not compare."
        if best.value is None:
            return f"Nothing can be said of {variant} and {control}: {best.reason}."
        size = fine(best, self.confidence, share=self.yes_no, signed=True).full
        if finding in ("better", "worse"):
            how = "at the size that was planned"
            if _shown(best, looks):
                assert looks.first_excluded is not None
                at = looks.first_excluded
                when = f" ({at.time})" if at.time else ""
                how = f"shown by row {at.rows:,}{when}, however often it was looked at"
            return f"{variant} is {finding} than {control}: {self.plan.outcome} {size}, {how}."
        if finding == "stopped too early":
            why = "its interval would hold for one look at a size fixed before, not for a test stopped when it pleased"
            if self.plan.planned is not None and self.units < self.plan.planned:
                why = f"{self.units:,} of {plural(self.plan.planned, 'planned unit')} are in"
            return f"Stopped too early to tell {variant} from {control}: {self.plan.outcome} {size}; {why}."
        return f"No difference of {variant} to {control} is shown: {self.plan.outcome} {size}."


def _shown(best: Estimate, looks: Sequence) -> bool:
    """Whether the sequence left out zero on the side where the effect still is."""
    out = looks.first_excluded
    return out is not None and best.value is not None and best.value * out.effect > 0


def _imbalanced(trial: Trial) -> list[Diagnosis]:
    if trial.covariate is None:
        return []
    found = []
    for k, variant in enumerate(trial.variants[1:], 1):
        p = imbalance(trial, k)
        if p is not None and p < LIMIT:
            text = (
                f"{variant} and {trial.variants[0]} differ in the covariate (p = {p:.2g}), which a value from before the "
                "test cannot do by chance: the assignment is not random, or the covariate was measured after it"
            )
            found.append(Diagnosis(kind="covariate", serious=True, text=text))
    return found


def _about(effect: Effect) -> list[Diagnosis]:
    """What an effect's figures say of themselves."""
    found = []
    if effect.sequence.reason:
        text = f"{effect.variant}: no sequence for looking often: {effect.sequence.reason}"
        found.append(Diagnosis(kind="few", serious=False, text=text))
    out = effect.sequence.first_excluded
    if out is not None and not _shown(effect.best, effect.sequence):
        text = (
            f"{effect.variant}: the sequence once showed an effect of the other sign ({out.effect:.3g} at row "
            f"{out.rows:,}): the effect has changed over time, so one figure does not describe it"
        )
        found.append(Diagnosis(kind="drift", serious=False, text=text))
    if effect.clipped and excludes_zero(effect.clipped) != excludes_zero(effect.effect):
        text = (
            f"{effect.variant}: whether the effect's interval leaves out zero hangs on its largest outcomes"
        )
        found.append(Diagnosis(kind="outliers", serious=False, text=text))
    return found
