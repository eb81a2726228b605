"""Drift: what differs between two passes over the same items with the same weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.comparison.equivalence import equivalence
from harness.comparison.estimate import Rows, Statistic, Support, analytic_estimates
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.manifest import BatchDrift, Drift
from harness.types.results import Estimate, Score
from harness.types.settings import Scenario


def drift_floor(
    variant: str,
    again: str,
    metric: str,
    items: Sequence[Item],
    answers: Sequence[Answer],
    scores: Sequence[Score],
    margin: float | None = None,
) -> Drift:
    """Shares of items whose text and whose score on ``metric`` differ, and the ratio of latencies, at 95%; with a
    ``margin`` also whether the two passes are equivalent on ``metric``.

    Items that one pass failed to answer and the other did not differ; those that both failed are left out.
    """
    text: dict[tuple[str, str], str | None] = {
        (a.variant, a.item): a.text for a in answers if a.phase == "quality"
    }
    score = {(s.variant, s.item): s.value for s in scores if s.metric == metric}
    seconds = {(a.variant, a.item): a.total_s for a in answers if a.phase == "timing"}

    def row(values: Mapping[tuple[str, str], object]) -> list[float]:
        pairs = [(values.get((variant, i.id)), values.get((again, i.id))) for i in items]
        return [np.nan if one is None and two is None else float(one != two) for one, two in pairs]

    def ratio(item: str) -> float:
        one, two = seconds.get((variant, item)), seconds.get((again, item))
        return two / one if one and two else float("nan")

    def gaps() -> list[tuple[float | None, str]]:
        pairs = [(score.get((variant, i.id)), score.get((again, i.id)), i.cluster) for i in items]
        return [(None if one is None or two is None else two - one, cluster) for one, two, cluster in pairs]

    return Drift(
        variant=variant,
        again=again,
        metric=metric,
        text=_estimate(row(text), items, "mean", "unit", "no item was answered"),
        score=_estimate(row(score), items, "mean", "unit", f"no item was scored by {metric}"),
        latency_ratio=_estimate(
            [ratio(i.id) for i in items], items, "median", "unbounded", "no item was timed in both passes"
        ),
        equivalence=None if margin is None else equivalence(gaps(), margin),
    )


def batch_drift(scenario: Scenario, items: Sequence[Item], answers: Sequence[Answer]) -> BatchDrift:
    """Share of identical texts between timing and quality pass, at 95%; answers that failed are left out.

    Sampled answers, those of a file and those of a server are not the engine's drift and do not count.
    """
    local = {
        v.name
        for v in scenario.variants
        if v.weights.partition(":")[0] in ("base", "adapter")
        and (v.decoding or scenario.decoding).temperature == 0
    }
    text = {(a.variant, a.item, a.phase): a.text for a in answers if a.text is not None}
    known = {i.id: i for i in items}
    both = [
        (known[item], float(text[variant, item, "quality"] == alone))
        for (variant, item, phase), alone in sorted(text.items())
        if phase == "timing" and variant in local and item in known and (variant, item, "quality") in text
    ]
    same = _estimate(
        [s for _, s in both], [i for i, _ in both], "mean", "unit", "no item was answered in both passes"
    )
    return BatchDrift(variants=tuple(v.name for v in scenario.variants if v.name in local), same_text=same)


def _estimate(
    values: Sequence[float], items: Sequence[Item], statistic: Statistic, support: Support, why_empty: str
) -> Estimate:
    number = {name: n for n, name in enumerate(sorted({i.cluster for i in items}))}
    cluster = np.array([number[i.cluster] for i in items], dtype=np.int64)
    rows = Rows(np.array([values], dtype=np.float64), cluster, (0,), (why_empty,), statistic, support)
    return analytic_estimates(rows, 0.95)[0]
