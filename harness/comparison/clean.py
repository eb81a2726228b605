"""The choice metric on the items that did not leak, beside that on all."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from harness.comparison.estimate import (
    Rows,
    analytic_estimates,
    metric_rows,
    no_estimate,
    statistic_of,
    support_of,
)
from harness.comparison.paired import difference_rows
from harness.comparison.table import Bools, Matrix, Table
from harness.types.results import CleanScore, Estimate, MetricInfo


def clean_scores(
    table: Table, metric: MetricInfo, leaked: Collection[str], baseline: str
) -> tuple[CleanScore, ...]:
    """One for each variant; none where nothing leaked or nothing was scored."""
    matrix = table.metrics.get(metric.name)
    if matrix is None or not leaked:
        return ()
    clean = np.array([item not in leaked for item in table.items], dtype=np.bool_)
    support = support_of(metric, matrix)
    some = matrix.take(clean)
    whole = analytic_estimates(metric_rows(metric, matrix, support))
    part = analytic_estimates(metric_rows(metric, some, support))
    changes = _changes(metric, matrix, clean)
    others = [row for row, name in enumerate(table.variants) if name != baseline]
    gaps: dict[int, Estimate] = {}
    if baseline in table.variants:
        rows = difference_rows(metric, some, support, others, table.variants.index(baseline))
        gaps = dict(zip(others, analytic_estimates(rows), strict=True))
    return tuple(
        CleanScore(variant=name, all=whole[row], clean=part[row], change=changes[row], gap=gaps.get(row))
        for row, name in enumerate(table.variants)
    )


def _changes(metric: MetricInfo, matrix: Matrix, clean: Bools) -> Sequence[Estimate]:
    """Clean minus all, whose items overlap: the mean of each item's pull on that difference."""
    if statistic_of(metric) == "median":
        return [no_estimate("a difference of medians on overlapping items has no interval")] * len(
            matrix.values
        )
    present = np.isfinite(matrix.values)
    n, kept = present.sum(axis=1, keepdims=True), (present & clean).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, matrix.values, 0.0).sum(axis=1, keepdims=True) / n
        pull = (matrix.values - mean) * (np.where(clean, n / kept, 0.0) - 1.0)
    pull[(kept == 0)[:, 0]] = np.nan
    return analytic_estimates(
        Rows(
            values=pull,
            cluster=matrix.cluster,
            n_missing=tuple(int(m) for m in matrix.missing.sum(axis=1)),
            why_empty=tuple("no clean item was scored" for _ in matrix.values),
            statistic="mean",
            support="unbounded",
        )
    )
