"""Differences on the items that both sides answered, and the interaction of tuning and retrieval.

Pairing removes the difficulty of the items from the comparison, which is most of the noise: an item that all
variants get right says nothing about which is better (Miller 2024, arXiv:2411.00640, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from harness.comparison.estimate import Rows, Support, statistic_of
from harness.comparison.table import Matrix
from harness.types.results import Estimate, MetricInfo, Verdict
from harness.types.settings import Retrieval, VariantSpec

LEVEL = 0.05
"""Of a family of comparisons: the chance that any of them raises a false alarm."""


def difference_rows(
    metric: MetricInfo, matrix: Matrix, support: Support, others: Sequence[int], base: int
) -> Rows:
    """Mean (latency: median) of the differences row minus ``base``, one for each row number in ``others``."""
    rows = list(others)
    values = matrix.values[rows] - matrix.values[base]
    # An item counts as missing where both should have answered and one did not.
    asked = ~np.isnan(matrix.values) | matrix.missing
    missing = (matrix.missing[rows] | matrix.missing[base]) & asked[rows] & asked[base]
    return Rows(
        values=values,
        cluster=matrix.cluster,
        n_missing=tuple(int(n) for n in missing.sum(axis=1)),
        why_empty=tuple(_why_unpaired(matrix, (row, base), "both") for row in rows),
        statistic=statistic_of(metric),
        support="signed" if support == "unit" else "unbounded",
        label="paired ",
    )


def _why_unpaired(matrix: Matrix, sides: Sequence[int], all_sides: str) -> str:
    for side in sides:
        if np.isnan(matrix.values[side]).all():
            return matrix.why_empty(side)
    return f"no item was answered by {all_sides}"


def verdict(
    estimate: Estimate, higher_is_better: bool, p_holm: float | None = None, margin: float | None = None
) -> Verdict:
    """What a difference says of the variant, beside its baseline.

    - better: the whole interval is on the good side of 0, and the adjusted p-value, where given, at most 5%;
    - worse: the same on the bad side, unless a margin is set and the whole interval lies above minus the
      margin: a regression that is smaller than what matters is no reason to reject, however sure it is;
    - non-inferior: a margin is set and the whole interval lies above minus the margin;
    - inconclusive: none of these; more items may tell;
    - unknown: there is no difference to judge, or no interval for one that is not 0.
    """
    if estimate.value is None:
        return "unknown"
    if estimate.low is None or estimate.high is None:
        # Twins have no spread and so no interval, but nothing about them is unknown.
        return "inconclusive" if estimate.value == 0 else "unknown"
    low, high = (
        (estimate.low, estimate.high) if higher_is_better else (-estimate.high, -estimate.low)
    )  # in the good direction
    holds = p_holm is None or p_holm <= LEVEL
    if low > 0 and holds:
        return "better"
    if margin is not None and low > -margin:
        return "non-inferior"
    return "worse" if high < 0 and holds else "inconclusive"


@dataclass(frozen=True)
class Square:
    """Four variants that cross retrieval with tuning, all else equal."""

    base: str
    retrieval: str
    tuned: str
    both: str


def find_squares(variants: Sequence[VariantSpec]) -> tuple[Square, ...]:
    """Every 2x2 of {base, adapter} x {no context, retrieval}.

    Both retrieving variants retrieve alike, both tuned ones carry the same adapter, and all four share flow
    and decoding: otherwise the interaction would be mixed with whatever else differs.
    """

    def kind(tuned: bool, retrieves: bool) -> list[VariantSpec]:
        return [
            v
            for v in variants
            if (v.weights.startswith("adapter:") if tuned else v.weights == "base")
            and (isinstance(v.context, Retrieval) if retrieves else v.context is None)
        ]

    squares = []
    cells = product(kind(False, False), kind(False, True), kind(True, False), kind(True, True))
    for base, retrieval, tuned, both in cells:
        alike = {(v.flow, v.decoding) for v in (base, retrieval, tuned, both)}
        if len(alike) == 1 and tuned.weights == both.weights and retrieval.context == both.context:
            squares.append(Square(base.name, retrieval.name, tuned.name, both.name))
    return tuple(squares)


def interaction_rows(
    metric: MetricInfo, matrix: Matrix, support: Support, squares: Sequence[tuple[int, int, int, int]]
) -> Rows:
    """(both - tuned) - (retrieval - base) on the items that all four answered; rows as in ``Square``.

    Below 0 the two overlap (what tuning taught, retrieval also supplies), above 0 they help each other.
    """
    cells = np.array(squares, dtype=np.int64).reshape(-1, 4)
    base, retrieval, tuned, both = (matrix.values[cells[:, k]] for k in range(4))
    asked = (~np.isnan(matrix.values) | matrix.missing)[cells].all(axis=1)
    missing = matrix.missing[cells].any(axis=1) & asked
    return Rows(
        values=(both - tuned) - (retrieval - base),
        cluster=matrix.cluster,
        n_missing=tuple(int(n) for n in missing.sum(axis=1)),
        why_empty=tuple(_why_unpaired(matrix, square, "all four") for square in squares),
        statistic=statistic_of(metric),
        support="signed" if support == "unit" else "unbounded",
        scale=2.0,
        label="paired ",
    )
