"""How many more items an open check needs."""

from __future__ import annotations

from math import ceil, log2, sqrt

import numpy as np
from scipy.special import ndtri

from harness.comparison.estimate import Rows
from harness.comparison.sums import Sums, summarise
from harness.types.results import Estimate

POWER = 0.8
"""Chance to decide with the items asked for."""


def items_needed(
    rows: Rows, observed: Estimate, bound: float | None, threshold: float, alpha: float, next_alpha: float
) -> tuple[int | None, str]:
    """More items for the rule to pass with chance ``POWER`` if what was observed is true, or None and why.

    ``bound`` is the one-sided bound at ``alpha``. More items make another look, so they are tested at
    ``next_alpha``. The size is that of the one-sided score test: sd under the threshold times z of the error
    plus sd as observed times z of the power, over the distance, squared; both sds are cluster-robust.
    """
    if observed.value is None:
        return None, "nothing was observed to plan with"
    sums, n = summarise(rows.values, rows.cluster), observed.n
    if bound is None and rows.statistic == "median":
        enough = ceil(log2(1 / next_alpha) * n / float(sums.smallest_n[0]))
        return max(1, enough - n), ""
    distance = abs(observed.value - threshold)
    if distance == 0:
        return None, "the observed value lies exactly on the limit"
    if rows.statistic == "median":
        assert bound is not None
        spread = sqrt(n) * abs(observed.value - bound) / float(ndtri(1 - alpha))
        null = spread
    else:
        null, spread = _deviations(rows, sums, threshold)
    if null == 0:
        return None, "all values are equal, so nothing shows how many items would do"
    wanted = ((float(ndtri(1 - next_alpha)) * null + float(ndtri(POWER)) * spread) / distance) ** 2
    return max(1, ceil(wanted) - n), ""


def _deviations(rows: Rows, sums: Sums, threshold: float) -> tuple[float, float]:
    """Standard deviation of an item at the threshold and as observed, with the effect of clusters in both."""
    values = rows.values[0][sums.present[0]]
    n, variance = len(values), float(sums.variance[0])
    simple = float(np.var(values))
    most = n / float(
        sums.smallest_n[0]
    )  # of the largest effect, items of a cluster all alike; 1 without clusters
    effect = most if most <= 1 or simple == 0 or variance == 0 else n * variance / simple
    if rows.support == "unbounded":
        null = simple
    elif rows.support == "unit":
        null = max(threshold * (1 - threshold), 0.0)
    else:  # at least as many items must have changed as the threshold itself would take
        null = max(float(np.mean(values**2)), abs(threshold)) - threshold**2
    return sqrt(null * effect), sqrt(simple * effect)
