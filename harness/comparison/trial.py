"""The rows of an A/B test as arrays, and means of independent arms beside each other.

What was assigned to arms is the unit: a cluster (user, session) where the log names one, else the row. An arm's mean is
over rows, with the interval that ``estimate`` gives means over clusters. The interval of a difference of two
independent arms follows from theirs (MOVER, Zou & Donner 2008, Stat Med 27:1693; for shares that is Newcombe 1998,
Stat Med 17:873), so rare events and few clusters are treated alike here and offline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import hypot, inf

import numpy as np

from harness.comparison.estimate import Rows, analytic_estimates, no_estimate
from harness.comparison.intervals import ratio_from_bounds
from harness.comparison.table import Bools, Floats, Ints
from harness.types.estimate import Estimate


@dataclass(frozen=True)
class Trial:
    """Rows in the order of time, each (n,)."""

    variants: tuple[str, ...]
    """Control first."""
    arm: Ints
    """Index into ``variants``."""
    outcome: Floats
    """NaN where there is none."""
    cluster: Ints
    """A number for each unit; every row its own where the log names no clusters."""
    covariate: Floats | None = None
    """NaN where there is none."""
    times: Floats | None = None
    dated: bool = False
    """Whether ``times`` are seconds since 1970, UTC."""

    def take(self, rows: Bools) -> Trial:
        return replace(
            self,
            arm=self.arm[rows],
            outcome=self.outcome[rows],
            cluster=self.cluster[rows],
            covariate=None if self.covariate is None else self.covariate[rows],
            times=None if self.times is None else self.times[rows],
        )

    def time_at(self, row: int) -> str | None:
        """The time of a row as people read it."""
        if self.times is None or not len(self.times):
            return None
        value = float(self.times[row])
        return (
            datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
            if self.dated
            else f"{value:.10g}"
        )


def arm_means(trial: Trial, values: Floats, confidence: float) -> list[Estimate]:
    """The mean of ``values`` (n,) in each arm; a row without a value is missing."""
    seen = values[~np.isnan(values)]
    unit = bool(len(seen)) and seen.min() >= 0 and seen.max() <= 1
    found = []
    for k in range(len(trial.variants)):
        rows = trial.arm == k
        own = values[rows]
        one = Rows(
            values=own[None, :],
            cluster=trial.cluster[rows],
            n_missing=(int(np.isnan(own).sum()),),
            why_empty=("no row of this variant has an outcome",),
            statistic="mean",
            support="unit" if unit else "unbounded",
        )
        found += analytic_estimates(one, confidence)
    return found


def difference(treatment: Estimate, control: Estimate) -> Estimate:
    """Treatment minus control of independent arms."""
    if treatment.value is None or control.value is None:
        return no_estimate(treatment.reason or control.reason or "an arm has no outcome")
    value = treatment.value - control.value
    t_low, t_high, c_low, c_high = treatment.low, treatment.high, control.low, control.high
    if t_low is None or t_high is None or c_low is None or c_high is None:
        return _estimate(treatment, control, value, None, "difference of means", _why(treatment, control))
    bounds = (
        value - hypot(treatment.value - t_low, c_high - control.value),
        value + hypot(t_high - treatment.value, control.value - c_low),
    )
    return _estimate(treatment, control, value, bounds, f"independent arms (MOVER); each: {treatment.method}")


def relative(treatment: Estimate, control: Estimate) -> Estimate:
    """Treatment over control, less one; both means must be above zero."""
    if treatment.value is None or control.value is None:
        return no_estimate(treatment.reason or control.reason or "an arm has no outcome")
    if control.value <= 0 or treatment.value < 0:
        return no_estimate("the means are not above zero, so their ratio says nothing")
    value = treatment.value / control.value - 1
    t_low, t_high, c_low, c_high = treatment.low, treatment.high, control.low, control.high
    if t_low is None or t_high is None or c_low is None or c_high is None:
        return _estimate(treatment, control, value, None, "ratio of means", _why(treatment, control))
    low, high = ratio_from_bounds((treatment.value, t_low, t_high), (control.value, c_low, c_high))
    if high == inf:
        why = "no interval: control's mean may be zero"
        return _estimate(treatment, control, value, None, "ratio of means", why)
    return _estimate(treatment, control, value, (low - 1, high - 1), "ratio of means (MOVER-R)")


def _why(treatment: Estimate, control: Estimate) -> str | None:
    return treatment.reason or control.reason


def _estimate(
    treatment: Estimate,
    control: Estimate,
    value: float,
    bounds: tuple[float, float] | None,
    method: str,
    reason: str | None = None,
) -> Estimate:
    low, high = bounds or (None, None)
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=treatment.n + control.n,
        n_missing=treatment.n_missing + control.n_missing,
        n_clusters=treatment.n_clusters + control.n_clusters,
        method=method,
        reason=reason,
    )


def excludes_zero(estimate: Estimate) -> bool:
    return estimate.low is not None and estimate.high is not None and (estimate.low > 0 or estimate.high < 0)
