"""Score rows as numpy matrices (variant x item), with the reason of every hole kept beside them.

Inside this package a hole is NaN, because numpy can then be used on whole matrices; the records that leave
the package hold None with a reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.types.data import Item
from harness.types.results import Score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NOT_APPLICABLE = "not applicable"
NO_ROW = "not scored"


@dataclass(frozen=True)
class Matrix:
    """One metric on a set of items; V variants, I items."""

    values: Floats
    """(V, I), mean over repeats; NaN where there is none."""
    missing: Bools
    """(V, I), True where the item should have had a value and had none; False where it is not applicable."""
    reason: NDArray[np.int32]
    """(V, I), index into ``reasons``, -1 where there is a value or the metric does not look at the item."""
    reasons: tuple[str, ...]
    cluster: Ints
    """(I,), number of each item's cluster."""

    def take(self, items: Bools) -> Matrix:
        return Matrix(
            self.values[:, items],
            self.missing[:, items],
            self.reason[:, items],
            self.reasons,
            self.cluster[items],
        )

    def why_empty(self, row: int) -> str:
        """Why a variant has no value here: its most frequent reason, the first in the alphabet of several."""
        codes = self.reason[row][self.reason[row] >= 0]
        if not len(codes):
            return "no item in this slice has this metric"
        counts = Counter(self.reasons[c] for c in codes.tolist())
        ranked: list[str] = sorted(counts, key=lambda text: (-counts[text], text))
        return ranked[0]


@dataclass(frozen=True)
class Table:
    """All scores of a run, items and clusters sorted by name so that the order of the input is irrelevant."""

    variants: tuple[str, ...]
    items: tuple[str, ...]
    n_clusters: int
    slices: dict[str, Bools]
    """``all`` and every ``key=value``, each with its (I,) mask."""
    metrics: dict[str, Matrix]

    def matrix(self, metric: str, slice: str = "all") -> Matrix | None:
        whole = self.metrics.get(metric)
        return None if whole is None else whole.take(self.slices[slice])


def build_table(
    variants: Sequence[str], items: Sequence[Item], scores: Sequence[Score], slice_keys: Sequence[str]
) -> Table:
    """Scores of variants that are not compared are left aside (``--variants``); of unknown items, refused.

    An item is in a metric's scope where any variant has a row for it, which is how the timing pass with its
    smaller sample needs no special case; within the scope a variant without a row counts as missing.
    """
    ordered = sorted(items, key=lambda item: item.id)
    names = tuple(item.id for item in ordered)
    if len(set(names)) != len(names):
        raise HarnessError("two items share an id; run `harness validate` and give each its own")
    number = {name: i for i, name in enumerate(sorted({item.cluster for item in ordered}))}
    cluster = np.array([number[item.cluster] for item in ordered], dtype=np.int64)
    row_of = {name: i for i, name in enumerate(variants)}
    item_of = {name: i for i, name in enumerate(names)}
    rows: dict[str, list[tuple[int, int, int, float, str]]] = {}
    for score in scores:
        v = row_of.get(score.variant)
        if v is None:
            continue
        i = item_of.get(score.item)
        if i is None:
            raise HarnessError(
                f"a score of variant {score.variant} is about item {score.item}, which is not among the "
                "items compared: the run folder mixes two data sets; run again with --fresh"
            )
        rows.setdefault(score.metric, []).append((v, i, score.repeat, *_value(score)))
    metrics = {name: _matrix(name, rows[name], variants, names, cluster) for name in sorted(rows)}
    return Table(tuple(variants), names, len(number), _slices(ordered, slice_keys), metrics)


def no_scores(table: Table) -> Matrix:
    """The matrix of a metric that no answer was scored by."""
    shape = (len(table.variants), len(table.items))
    return Matrix(
        values=np.full(shape, np.nan),
        missing=np.zeros(shape, dtype=np.bool_),
        reason=np.full(shape, -1, dtype=np.int32),
        reasons=(),
        cluster=np.arange(shape[1], dtype=np.int64),
    )


def _value(score: Score) -> tuple[float, str]:
    if score.value is None:
        return float("nan"), score.reason or "no reason given"
    return score.value, ""


def _slices(items: Sequence[Item], keys: Sequence[str]) -> dict[str, Bools]:
    slices = {"all": np.ones(len(items), dtype=np.bool_)}
    for key in keys:
        for value in sorted({item.slices[key] for item in items if key in item.slices}):
            inside = [item.slices.get(key) == value for item in items]
            slices[f"{key}={value}"] = np.array(inside, dtype=np.bool_)
    return slices


def _matrix(
    metric: str,
    rows: list[tuple[int, int, int, float, str]],
    variants: Sequence[str],
    items: Sequence[str],
    cluster: Ints,
) -> Matrix:
    # Sorted, so that a sum over repeats has one order of additions whatever the order of the journal.
    rows.sort(key=lambda row: row[:3])
    shape = (len(variants), len(items))
    v, i, repeat = (np.array([row[k] for row in rows], dtype=np.int64) for k in range(3))
    value = np.array([row[3] for row in rows], dtype=np.float64)
    twin = np.flatnonzero((np.diff(v) == 0) & (np.diff(i) == 0) & (np.diff(repeat) == 0))
    if len(twin):
        variant, item, again, _, _ = rows[int(twin[0])]
        raise HarnessError(
            f"variant {variants[variant]} has two scores of {metric} for item {items[item]}, repeat {again}; "
            "delete the scores of this run so that they are computed again"
        )
    flat = v * shape[1] + i
    have = np.isfinite(value)
    size = shape[0] * shape[1]
    count = np.bincount(flat[have], minlength=size)
    total = np.bincount(flat[have], weights=value[have], minlength=size)
    with np.errstate(invalid="ignore"):
        mean = (total / np.where(count, count, np.nan)).reshape(shape)

    texts = sorted({row[4] for row in rows if row[4]} | {NO_ROW})
    code = {text: n for n, text in enumerate(texts)}
    reason = np.full(size, -1, dtype=np.int32)
    in_scope = np.zeros(shape[1], dtype=np.bool_)
    in_scope[i] = True
    reason[np.tile(in_scope, shape[0])] = code[NO_ROW]
    applicable = np.array([not text.startswith(NOT_APPLICABLE) for text in texts])
    for place, row in zip(flat[~have].tolist(), (row for row in rows if row[4]), strict=True):
        # Of several repeats a failure outweighs a "not applicable": the item did call for a value.
        before = reason[place]
        if before < 0 or texts[before] == NO_ROW or applicable[code[row[4]]]:
            reason[place] = code[row[4]]
    reason[count > 0] = -1
    missing = (reason >= 0) & applicable[np.maximum(reason, 0)]
    return Matrix(mean, missing.reshape(shape), reason.reshape(shape), tuple(texts), cluster)
