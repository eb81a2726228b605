"""Whether an A/B test's log can be trusted at all: the split, units in two arms, outcomes lost, odd rows.

A broken split says that the arms do not hold the people that they were meant to, and no analysis mends that
(Fabijan et al. 2019, KDD: sample-ratio mismatch). Its check is made at 0.001, as is usual, because it is made often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from harness.comparison.table import Bools, Floats, Ints
from harness.comparison.trial import Trial, arm_means, difference, excludes_zero
from harness.figures import plural
from harness.types.abtest import Diagnosis, Split

LIMIT = 0.001
"""Of the p-values of checks on the log."""
MOST_CROSSED = 0.01
"""Share of units that may be in several arms; they are left out."""
TOP = 0.001
"""Share of rows, the largest, whose weight in the sum is looked at."""
HEAVY = 0.1
"""Share of the sum from which those rows are told of."""


@dataclass(frozen=True)
class Units:
    """Units by the arm of their first row."""

    counts: tuple[int, ...]
    crossed: int
    """Units in more than one arm."""
    clean: Bools
    """(n,) rows of units in one arm."""


def units_of(trial: Trial) -> Units:
    first_rows, places = np.unique(trial.cluster, return_index=True, return_inverse=True)[1:]
    first_arm = trial.arm[first_rows]
    stray = trial.arm != first_arm[places]
    crossed: Ints = np.bincount(places[stray], minlength=len(first_rows))
    counts = np.bincount(first_arm, minlength=len(trial.variants))
    return Units(tuple(counts.tolist()), int((crossed > 0).sum()), (crossed == 0)[places])


def split_check(counts: tuple[int, ...], shares: tuple[float, ...]) -> Split:
    """``counts`` of units against the ``shares`` that were meant: exact binomial for two arms, else chi-square."""
    if len(counts) == 2:
        from scipy.stats import binomtest

        p = float(binomtest(counts[0], sum(counts), shares[0]).pvalue)
    else:
        expected = np.array(shares) * sum(counts)
        distance = float((((np.array(counts) - expected) ** 2) / expected).sum())
        p = float(chdtrc(len(counts) - 1, distance))
    return Split(p_value=p, limit=LIMIT, broken=p < LIMIT)


def split_diagnoses(
    trial: Trial, split: Split, units: Units, shares: tuple[float, ...], unit: str
) -> list[Diagnosis]:
    """What is wrong with the assignment."""
    found = []
    total = sum(units.counts)
    if split.broken:
        each = ", ".join(
            f"{name} {n / total:.2%} instead of {share:.2%}"
            for name, n, share in zip(trial.variants, units.counts, shares, strict=True)
        )
        text = (
            f"sample-ratio mismatch: {each} of {plural(total, 'unit')} (p = {split.p_value:.2g}). Something loses or "
            "adds units of one arm, so the arms do not compare; find out what before reading any effect"
        )
        found.append(Diagnosis(kind="split", serious=True, text=text))
    if units.crossed:
        share = units.crossed / total
        text = (
            f"{plural(units.crossed, 'unit')} ({share:.2%}) of column {unit} saw more than one variant and "
            f"{'is' if units.crossed == 1 else 'are'} left out of the effect"
        )
        if share > MOST_CROSSED:
            text += (
                f"; above {MOST_CROSSED:.0%} the assignment does not hold. Check that it is made by {unit}, not by "
                "request"
            )
        found.append(Diagnosis(kind="contamination", serious=share > MOST_CROSSED, text=text))
    return found


def missing_diagnoses(trial: Trial) -> list[Diagnosis]:
    """Whether outcomes are missing more often in one arm."""
    gone = np.isnan(trial.outcome).astype(np.float64)
    if not gone.any():
        return []
    control, *others = arm_means(trial, gone, 1 - LIMIT)
    found = []
    for variant, other in zip(trial.variants[1:], others, strict=True):
        if excludes_zero(difference(other, control)):
            text = (
                f"outcomes are missing in {other.value:.2%} of the rows of {variant} and {control.value:.2%} of "
                f"{trial.variants[0]}: what is left of the arms does not compare"
            )
            found.append(Diagnosis(kind="missing", serious=True, text=text))
    return found


def clip(values: Floats) -> Floats:
    """``values`` with the outer thousandth at each end moved to where it begins."""
    low, high = np.nanquantile(values, [TOP, 1 - TOP])
    return np.clip(values, low, high)


def heavy_rows(values: Floats) -> Diagnosis | None:
    """Whether few rows hold much of the sum."""
    sizes = np.sort(np.abs(values[~np.isnan(values)]))
    n = max(1, int(len(sizes) * TOP))
    whole = float(sizes.sum())
    if len(sizes) < 100 or whole == 0:
        return None
    share = float(sizes[-n:].sum()) / whole
    if share < HEAVY:
        return None
    text = (
        f"the largest {plural(n, 'outcome')} of {len(sizes):,} ({TOP:.1%}) hold {share:.0%} of the sum; the effect with "
        "them cut to the size of the next ones stands beside it"
    )
    return Diagnosis(kind="outliers", serious=False, text=text)
