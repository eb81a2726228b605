"""CUPED: an effect without what a value from before the test explains (Deng, Xu, Kohavi & Walker 2013, WSDM).

``Y - theta (X - mean X)`` has the same expected difference between arms as ``Y``, because the assignment cannot have
changed ``X``. Theta is the one that makes the cluster-robust variance of the difference smallest; with rows as units
that is cov(X, Y) / var(X) within arms. A row without a covariate takes the mean, so that no row is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from harness.comparison.sums import Sums, summarise
from harness.comparison.table import Floats
from harness.comparison.trial import Trial

MIN_UNITS = 20
"""In each arm: theta is taken from the same rows, which with fewer makes the interval too short."""


@dataclass(frozen=True)
class Adjusted:
    """Outcomes with the covariate's part taken out."""

    values: Floats
    """(n,); NaN where there is no outcome."""
    theta: float
    n_without: int


def adjust(trial: Trial) -> Adjusted | str:
    """The adjusted outcomes, or why there are none."""
    assert trial.covariate is not None
    present = ~np.isnan(trial.outcome)
    known = present & ~np.isnan(trial.covariate)
    if not known.any():
        return "no row has both an outcome and a covariate"
    x = np.where(known, trial.covariate - float(trial.covariate[known].mean()), 0.0)
    x[~present] = np.nan
    both = cross = 0.0
    for k, variant in enumerate(trial.variants):
        rows = trial.arm == k
        units = len(np.unique(trial.cluster[rows & known]))
        if units < MIN_UNITS:
            return f"{variant} has {units} units with a covariate, and {MIN_UNITS} are needed"
        sums = summarise(np.stack([trial.outcome[rows], x[rows]]), trial.cluster[rows])
        residual = sums.total - sums.mean[:, None] * sums.size
        cross += float(residual[0] @ residual[1]) / float(sums.n[0]) ** 2
        both += float(residual[1] @ residual[1]) / float(sums.n[0]) ** 2
    if both <= 1e-24 * float((trial.covariate[known] ** 2).mean()):
        return "the covariate is the same in all rows"
    theta = cross / both
    return Adjusted(trial.outcome - theta * x, theta, int((present & ~known).sum()))


def variance_reduction(trial: Trial, adjusted: Adjusted, treatment: int) -> float | None:
    """Share of the variance of ``treatment`` minus control that went."""
    before = sum(float(arm_sums(trial, trial.outcome, k).variance[0]) for k in (0, treatment))
    after = sum(float(arm_sums(trial, adjusted.values, k).variance[0]) for k in (0, treatment))
    return 1 - after / before if before > 0 else None


def imbalance(trial: Trial, treatment: int) -> float | None:
    """Two-sided p-value of Welch's t on cluster-robust variances, that both arms had the same covariate."""
    assert trial.covariate is not None
    one, two = (arm_sums(trial, trial.covariate, k) for k in (treatment, 0))
    parts = np.array([one.variance[0], two.variance[0]])
    degrees = np.array([one.degrees[0], two.degrees[0]])
    if (parts <= 0).any() or (degrees <= 0).any():
        return None
    welch = parts.sum() ** 2 / (parts**2 / degrees).sum()
    distance = abs(float(one.mean[0] - two.mean[0])) / float(parts.sum()) ** 0.5
    return float(2 * stdtr(welch, -distance))


def arm_sums(trial: Trial, values: Floats, k: int) -> Sums:
    rows = trial.arm == k
    return summarise(values[None, rows], trial.cluster[rows])
