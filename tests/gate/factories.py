"""Snapshots and rules for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.gate.decide import Against, Candidate, decide
from harness.types.gate import GateRule
from harness.types.results import MetricInfo
from harness.types.snapshot import ItemScores, Snapshot
from harness.types.verdict import Check, Verdict


def info(name: str, unit: Any = "rate", up: bool = True, **other: Any) -> MetricInfo:
    label = name.capitalize()
    return MetricInfo(name=name, label=label, description="", unit=unit, higher_is_better=up, **other)


METRICS = (
    info("success"),
    info("style"),
    info("errors", up=False),
    info("latency", "s", up=False, phase="timing"),
    info("cost", "money", up=False),
)
Values = Sequence[float | None] | np.ndarray


def snapshot(scores: Mapping[str, Values], per_cluster: int = 1, **other: Any) -> Snapshot:
    """Scores by metric for items i0, i1, ...; a metric with fewer values does not apply to the rest."""
    n = max(len(values) for values in scores.values())
    items = [
        ItemScores(
            id=f"i{k}",
            hash="0" * 8,
            cluster=f"c{k // per_cluster}",
            scores={m: _plain(row[k]) for m, row in scores.items() if k < len(row)},
        )
        for k in range(n)
    ]
    given: dict[str, Any] = {
        "scenario": "s", "variant": "v", "candidate": "f", "run": "r", "finished": "2026-11-01T00:00:00+00:00",
        "harness": "0", "hardware": "box", "currency": "USD", "metrics": METRICS, "scoring": {}, "prompt": {},
        "items": tuple(items),
    }  # fmt: skip
    return Snapshot(**given | other)


def _plain(value: Any) -> float | None:
    return None if value is None else float(value)


def hits(n: int, right: int) -> list[float]:
    return [1.0] * right + [0.0] * (n - right)


def rule(metric: str = "success", **limit: Any) -> GateRule:
    return GateRule(metric=metric, **limit)


def judge(
    now: Snapshot,
    then: Snapshot | None,
    *rules: GateRule,
    look: int = 1,
    left_out: int = 0,
    slices: Any = None,
) -> Verdict:
    against = Against(then, "baseline.json") if then else None
    return decide(Candidate(now, slices or {}, left_out=left_out), against, rules, look)


def check(now: Snapshot, then: Snapshot | None, *rules: GateRule, **other: Any) -> Check:
    return judge(now, then, *rules, **other).checks[0]
