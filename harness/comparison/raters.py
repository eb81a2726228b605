"""Agreement of two or more raters beyond chance: Cohen's kappa and Krippendorff's alpha, with clustered intervals.

Both are written out because the libraries' intervals take every item for independent (statsmodels' kappa) or are
none (krippendorff's alpha); the tests hold the figures against statsmodels and a published example.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import sqrt

import numpy as np

from harness.comparison.bootstrap import percentile_interval
from harness.comparison.estimate import MIN_CLUSTERS, Rows, analytic_estimates, no_estimate
from harness.comparison.intervals import t_value
from harness.comparison.table import Bools, Floats, Ints
from harness.types.agreement import HumanAgreement
from harness.types.estimate import Estimate
from harness.types.judging import AUTHOR

RESAMPLES = 1000


def numbered(names: Sequence[Hashable]) -> Ints:
    """(n,) numbers without gaps of the different names, in order of appearance."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(name, len(seen)) for name in names], dtype=np.int64)


def mean_of(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    why_empty: str,
    signed: bool = False,
    bounded: bool = True,
) -> Estimate:
    """Mean with the comparison's interval: of shares within [0, 1], of differences of two where ``signed``."""
    support = ("signed" if signed else "unit") if bounded else "unbounded"
    rows = Rows(
        values=np.array([values], dtype=np.float64).reshape(1, -1),
        cluster=numbered(clusters),
        n_missing=(0,),
        why_empty=(why_empty,),
        statistic="mean",
        support=support,  # type: ignore[arg-type]
    )
    return analytic_estimates(rows)[0]


def linear_estimate(
    value: float, influence: Floats, cluster: Ints, method: str, least: float, most: float
) -> Estimate:
    """A figure with the (n,) influence of each case on it: Student's t on sums over clusters."""
    n, clusters = len(influence), int(cluster.max()) + 1
    made = {"value": value, "n": n, "n_missing": 0, "n_clusters": clusters, "method": method}
    total = np.bincount(cluster, weights=influence)
    error = sqrt(float((total**2).sum()) * clusters / max(clusters - 1, 1))
    if clusters < MIN_CLUSTERS or error < 1e-12:
        few = f"{clusters} clusters are too few" if clusters < MIN_CLUSTERS else "the cases show no spread"
        return Estimate.model_validate({**made, "low": None, "high": None, "reason": f"no interval: {few}"})
    half = t_value(clusters - 1) * error
    return Estimate.model_validate({**made, "low": max(least, value - half), "high": min(most, value + half)})


def cohen_kappa(one: Ints, two: Ints, n_classes: int, cluster: Ints, quadratic: bool = False) -> Estimate:
    """Of (n,) classes numbered from 0; the variance is that of Fleiss, Cohen & Everitt 1969 (Psychol. Bull. 72:323),
    summed over clusters."""
    name = "Cohen's kappa" + (", quadratic weights" if quadratic else "")
    if not len(one):
        return no_estimate("nothing was judged and labelled")
    steps = np.abs(np.arange(n_classes)[:, None] - np.arange(n_classes)[None, :])
    weight = 1 - (steps / max(n_classes - 1, 1)) ** 2 if quadratic else (steps == 0).astype(np.float64)
    first = np.bincount(one, minlength=n_classes) / len(one)
    second = np.bincount(two, minlength=n_classes) / len(two)
    observed, expected = float(weight[one, two].mean()), float(first @ weight @ second)
    if expected > 1 - 1e-12:
        return no_estimate("both say the same of every case, so agreement by chance is certain")
    kappa = (observed - expected) / (1 - expected)
    by_one, by_two = weight @ second, first @ weight
    influence = (weight[one, two] - observed) * (1 - expected)
    influence -= (1 - observed) * (by_one[one] + by_two[two] - 2 * expected)
    return linear_estimate(kappa, influence / (1 - expected) ** 2 / len(one), cluster, name, -1.0, 1.0)


def krippendorff_alpha(
    units: Sequence[Sequence[Hashable]],
    clusters: Sequence[Hashable],
    rng: np.random.Generator,
    interval: bool = False,
) -> Estimate:
    """Of units with the values that raters gave each (Krippendorff 2011, "Computing Krippendorff's Alpha").

    Disagreement is the squared distance where ``interval``, else 1 where two values differ. Units with fewer than
    two values tell nothing and are left out. The interval resamples clusters of units.
    """
    kept = [(list(unit), c) for unit, c in zip(units, clusters, strict=True) if len(unit) > 1]
    if not kept:
        return no_estimate("nothing was labelled by two people")
    values = sorted({v for unit, _ in kept for v in unit})  # type: ignore[type-var]
    place = {value: i for i, value in enumerate(values)}
    apart = (~np.eye(len(values), dtype=np.bool_)).astype(np.float64)
    if interval:
        scale = np.array(values, dtype=np.float64)
        apart = (scale[:, None] - scale[None, :]) ** 2
    cluster = numbered([c for _, c in kept])
    width = int(cluster.max()) + 1
    counts, within = np.zeros((width, len(values))), np.zeros(width)
    for (unit, _), number in zip(kept, cluster, strict=True):
        own = np.bincount([place[v] for v in unit], minlength=len(values)).astype(np.float64)
        counts[number] += own
        within[number] += float(own @ apart @ own) / (len(unit) - 1)

    def alpha(drawn: Floats) -> Floats:
        total = drawn @ counts
        n = total.sum(axis=1)
        expected = ((total @ apart) * total).sum(axis=1) / (n - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(1 - (drawn @ within) / expected, dtype=np.float64)

    value = float(alpha(np.ones((1, width)))[0])
    if np.isnan(value):
        return no_estimate("all raters gave all cases the same label, so agreement by chance is certain")
    made = {
        "value": value,
        "n": len(kept),
        "n_missing": 0,
        "n_clusters": width,
        "method": "Krippendorff's alpha",
    }
    if width < MIN_CLUSTERS:
        few = {"low": None, "high": None, "reason": f"no interval: {width} clusters are too few"}
        return Estimate.model_validate(made | few)
    draws = alpha(rng.multinomial(width, np.full(width, 1 / width), size=RESAMPLES).astype(np.float64))
    draws = np.where(np.isnan(draws), 1.0, draws)  # only one value was drawn, on which all agree
    low, high = percentile_interval(draws, width)
    return Estimate.model_validate(made | {"low": low, "high": min(1.0, high)})


def human_agreement(
    said: Sequence[dict[str, Hashable]],
    judged: Sequence[Hashable | None],
    clusters: Sequence[Hashable],
    rng: np.random.Generator,
    interval: Sequence[dict[str, float]] | None = None,
) -> HumanAgreement | None:
    """``said``: what each rater said of each case; ``interval``: the same as numbers, whose distance alpha uses."""
    people = [{name: v for name, v in case.items() if name != AUTHOR} for case in said]
    several = [i for i, case in enumerate(people) if len(case) > 1]
    if not several:
        return None
    kept = [clusters[i] for i in several]
    between, judge = [], []
    for i in several:
        values = list(people[i].values())
        pairs = [a == b for k, a in enumerate(values) for b in values[k + 1 :]]
        between.append(sum(pairs) / len(pairs))
        judge.append(sum(judged[i] == v for v in values) / len(values))
    units: list[list[Hashable]] = [list(people[i].values()) for i in several]
    if interval:
        units = [[v for name, v in interval[i].items() if name != AUTHOR] for i in several]
    return HumanAgreement(
        raters=tuple(sorted({name for i in several for name in people[i]})),
        between=mean_of(between, kept, ""),
        judge=mean_of(judge, kept, ""),
        alpha=krippendorff_alpha(units, kept, rng, interval=interval is not None),
    )


def balanced_rate(hits: Bools, labels: Ints, cluster: Ints) -> Estimate:
    """Mean over the labels that occur of the share of theirs that is hit."""
    if not len(labels):
        return no_estimate("nothing is labelled")
    classes = np.unique(labels)
    influence, value = np.zeros(len(labels)), 0.0
    for label in classes:
        own = labels == label
        rate = float(hits[own].mean())
        value += rate / len(classes)
        influence += np.where(own, (hits - rate) / own.sum() / len(classes), 0.0)
    return linear_estimate(value, influence, cluster, "mean of recalls, t", 0.0, 1.0)
