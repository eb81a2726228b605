"""From paired rows to ``Difference`` records: test, power, margin, and the verdict once all p-values are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from harness.comparison.estimate import Rows
from harness.comparison.intervals import t_value, z_value
from harness.comparison.multiplicity import adjust, family
from harness.comparison.paired import verdict
from harness.comparison.permutation import sign_flip_p
from harness.comparison.sums import Sums, summarise
from harness.types.results import Difference, Estimate, MetricInfo
from harness.types.settings import Scenario

POWER = 0.8


@dataclass(frozen=True)
class Evidence:
    """What one paired row says beside its interval."""

    p_value: float | None
    minimum_detectable: float | None


@dataclass(frozen=True)
class Gap:
    """A difference that waits for the p-values of its family."""

    variant: str
    metric: MetricInfo
    slice: str
    estimate: Estimate
    evidence: Evidence


NOTHING = Evidence(None, None)


def weigh(rows: Rows, estimates: Sequence[Estimate]) -> list[Evidence]:
    """Sign-flip test and detectable difference of each row; for a median, the sign test of its clusters."""
    shown = (
        np.where(np.isnan(rows.values), np.nan, np.sign(rows.values)) if rows.statistic == "median" else None
    )
    sums = summarise(rows.values if shown is None else shown, rows.cluster)
    return [
        NOTHING
        if e.value is None
        else Evidence(sign_flip_p(sums.total[k]), _detectable(e, sums, k, rows.statistic == "median"))
        for k, e in enumerate(estimates)
    ]


def _detectable(estimate: Estimate, sums: Sums, k: int, median: bool) -> float | None:
    """(t + t') standard errors: of the robust variance, so that the design effect of the clusters is in it.

    A median has none, and a row in which nothing ever differed shows none: there its interval's half width
    stands for it.
    """
    degrees = float(sums.degrees[k])
    if not median and sums.variance[k] > 0 and degrees > 0:
        return (t_value(degrees) + t_value(degrees, 2 * POWER - 1)) * sqrt(float(sums.variance[k]))
    if estimate.low is None or estimate.high is None:
        return None
    return (z_value() + z_value(2 * POWER - 1)) * (estimate.high - estimate.low) / 2 / z_value()


def judged(gaps: Sequence[Gap], scenario: Scenario) -> tuple[Difference, ...]:
    """Records in the order of ``gaps``, each p-value adjusted within its family."""
    families = [family(gap.metric.name, gap.slice, scenario.choice.metric) for gap in gaps]
    adjusted = adjust([gap.evidence.p_value for gap in gaps], families)
    return tuple(_judged(gap, p, scenario) for gap, p in zip(gaps, adjusted, strict=True))


def _judged(gap: Gap, p_holm: float | None, scenario: Scenario) -> Difference:
    margin = scenario.margins.get(gap.metric.name)
    detectable = gap.evidence.minimum_detectable
    needed = None
    if margin is not None and detectable is not None:
        needed = ceil(round(gap.estimate.n * (detectable / margin) ** 2, 6))
    return Difference(
        variant=gap.variant,
        baseline=scenario.baseline,
        metric=gap.metric.name,
        slice=gap.slice,
        estimate=gap.estimate,
        verdict=verdict(gap.estimate, gap.metric.higher_is_better, p_holm, margin),
        p_value=gap.evidence.p_value,
        p_holm=p_holm,
        minimum_detectable=detectable,
        margin=margin,
        items_needed=needed,
    )
