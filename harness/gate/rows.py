"""The numbers that a rule is about: one row of values, or of changes against the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparison.estimate import Rows, Support, statistic_of
from harness.figures import plural
from harness.types.gate import GateRule
from harness.types.results import MetricInfo
from harness.types.snapshot import ItemScores, Snapshot

Slices = Mapping[str, Mapping[str, str]]
"""Slices of each item, by its id."""


@dataclass(frozen=True)
class Tested:
    """A row to estimate, and what the estimate may not be used for."""

    rows: Rows
    no_pass: str | None = None
    """Why the numbers cannot show that the rule holds; they may still show that it does not."""
    no_answer: str | None = None
    """Why they can show neither."""
    remark: str | None = None


def tested(
    rule: GateRule, info: MetricInfo, candidate: Snapshot, baseline: Snapshot | None, slices: Slices
) -> Tested:
    """The row of ``rule``: values of the candidate, or candidate minus baseline on their common items.

    A missing score of the candidate counts as the worst possible: a release must not pass by failing to answer
    what is hard. Where no worst value exists (times, money) it keeps the rule from passing.
    """
    inside = [item for item in candidate.items if _in_slice(slices.get(item.id, {}), rule.slice)]
    support = _support(info, candidate, baseline)
    worst = (0.0 if info.higher_is_better else 1.0) if support == "unit" else None
    if baseline is None or not rule.relative:
        return _absolute(info, inside, support, worst)
    return _relative(info, inside, candidate, baseline, support, worst)


def _absolute(info: MetricInfo, items: Sequence[ItemScores], support: Support, worst: float | None) -> Tested:
    kept = [item for item in items if info.name in item.scores]
    found = [item.scores[info.name] for item in kept]
    values = np.array([_number(v, worst) for v in found], dtype=np.float64)
    missing = sum(v is None for v in found)
    rows = _rows(info, values, kept, support, missing, f"no item here has a score of {info.name}", "")
    return Tested(rows, **_said_of_missing(info, missing, worst))


def _relative(
    info: MetricInfo,
    items: Sequence[ItemScores],
    candidate: Snapshot,
    baseline: Snapshot,
    support: Support,
    worst: float | None,
) -> Tested:
    before = {item.id: item.scores for item in baseline.items}
    common = [item for item in items if item.id in before]
    kept = [i for i in common if info.name in i.scores and info.name in before[i.id]]
    one_sided = sum((info.name in i.scores) != (info.name in before[i.id]) for i in common)
    now = [i.scores[info.name] for i in kept]
    then = [before[i.id][info.name] for i in kept]
    values = np.array([_number(v, worst) - _number(w, None) for v, w in zip(now, then, strict=True)])
    missing = sum(v is None or w is None for v, w in zip(now, then, strict=True))
    why = f"no item here has a score of {info.name} in both runs"
    kind: Support = "signed" if support == "unit" else "unbounded"
    rows = _rows(info, values, kept, kind, missing, why, "paired ")
    no_answer = None
    if one_sided:
        no_answer = (
            f"{plural(one_sided, 'item')} had this metric in only one of the two runs, so what is left is a "
            "selection; use at_least or at_most for it"
        )
    elif (info.phase == "timing" or info.unit == "money") and candidate.hardware != baseline.hardware:
        no_answer = (
            f"the baseline was measured on another machine ({baseline.hardware}; now {candidate.hardware}), "
            "and times and machine costs of two machines do not compare"
        )
    return Tested(rows, no_answer=no_answer, **_said_of_missing(info, sum(v is None for v in now), worst))


def _rows(
    info: MetricInfo,
    values: np.ndarray,
    items: Sequence[ItemScores],
    support: Support,
    missing: int,
    why_empty: str,
    label: str,
) -> Rows:
    number = {name: n for n, name in enumerate(sorted({item.cluster for item in items}))}
    return Rows(
        values=values.reshape(1, -1).astype(np.float64),
        cluster=np.array([number[item.cluster] for item in items], dtype=np.int64),
        n_missing=(missing,),
        why_empty=(why_empty,),
        statistic=statistic_of(info),
        support=support,
        label=label,
    )


def _said_of_missing(info: MetricInfo, missing: int, worst: float | None) -> dict[str, str]:
    if not missing:
        return {}
    if worst is None:
        return {"no_pass": f"{info.label} is not known for {plural(missing, 'answer')} that failed"}
    return {"remark": f"{plural(missing, 'item')} without a score counted as the worst possible"}


def _number(value: float | None, instead: float | None) -> float:
    if value is not None:
        return value
    return float("nan") if instead is None else instead


def _in_slice(slices: Mapping[str, str], wanted: str) -> bool:
    key, _, value = wanted.partition("=")
    return wanted == "all" or slices.get(key) == value


def _support(info: MetricInfo, *snapshots: Snapshot | None) -> Support:
    """``unit`` where all values that either side has lie within [0, 1]."""
    seen = (item.scores.get(info.name) for side in snapshots if side for item in side.items)
    within = all(value is None or 0 <= value <= 1 for value in seen)
    return "unit" if info.unit in ("rate", "score") and within else "unbounded"
