"""Whether two ways of computing the same answers are equivalent on a metric: two one-sided tests.

TOST (Schuirmann 1987, doi:10.1007/BF01068419) at 5%: both "worse by the margin or more" and "better by the margin
or more" are rejected, which is so when the 90% interval of the paired differences lies within the margin. That no
difference was found is no proof of this: with few items the interval is wide and the answer is no.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.comparison.estimate import Rows, analytic_estimates
from harness.types.manifest import Equivalence

_CONFIDENCE = 0.90
"""Of the two-sided interval: 1 - 2 * 5%."""


def equivalence(gaps: Sequence[tuple[float | None, str]], margin: float) -> Equivalence:
    """Of paired differences of a metric within [0, 1], each with its item's cluster, which is one piece of evidence.

    None is an item that one side or both have no score for.
    """
    differences = [gap for gap, _ in gaps if gap is not None]
    clusters = [cluster for gap, cluster in gaps if gap is not None]
    number = {name: n for n, name in enumerate(sorted(set(clusters)))}
    rows = Rows(
        values=np.array([differences], dtype=np.float64),
        cluster=np.array([number[c] for c in clusters], dtype=np.int64),
        n_missing=(len(gaps) - len(differences),),
        why_empty=("no item was scored on both sides",),
        statistic="mean",
        support="signed",
        label="paired ",
    )
    estimate = analytic_estimates(rows, _CONFIDENCE)[0]
    low, high = estimate.low, estimate.high
    inside = low is not None and high is not None and -margin < low and high < margin
    return Equivalence(difference=estimate, margin=margin, equivalent=inside)
