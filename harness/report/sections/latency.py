"""Latency of the separate timing pass: every request as a dot, the middle with its interval."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from harness.report.tracks import Row, ends, ruler
from harness.report.view import Inputs, centre
from harness.types.results import MetricInfo

MOST_DOTS = 150
"""Requests drawn for one variant; of more, every so-manieth in order of time is drawn."""


def data(view: Inputs) -> dict[str, Any]:
    metrics = [m for m in view.timing_metrics if m.unit in ("s", "ms", "tokens/s")]
    return {
        "charts": [chart(view, metric) for metric in metrics],
        "hardware": view.scenario.economics.serving.name,
        "machine": view.manifest.hardware,
    }


def chart(view: Inputs, metric: MetricInfo) -> dict[str, Any]:
    raw: dict[str, list[float]] = defaultdict(list)
    for score in view.scores:
        if score.metric == metric.name and score.value is not None:
            raw[score.variant].append(score.value)
    thinned = {name: _thin(values) for name, values in raw.items()}
    estimates = {name: view.estimate(name, metric.name) for name in view.variants}
    every = ends(list(estimates.values())) + [v for values in thinned.values() for v in values]
    scale = ruler(every, metric.unit, view.currency, log_from=25, most=5)
    rows = [
        Row(
            name=name,
            colour=view.colour(name),
            figure=view.metric_figure(name, metric),
            track=scale.track(estimates[name], thinned.get(name, [])),
            chosen=name == view.comparison.decision.choice,
        )
        for name in view.variants
    ]
    return {
        "metric": metric,
        "rows": rows,
        "ruler": scale,
        "log": scale.scale.log,
        "centre": centre(next((e for e in estimates.values() if e and e.value is not None), None)),
        "thinned": any(len(raw[name]) > MOST_DOTS for name in raw),
        "cap": MOST_DOTS,
    }


def _thin(values: list[float]) -> list[float]:
    ordered = sorted(values)
    if len(ordered) <= MOST_DOTS:
        return ordered
    return [ordered[round(i * (len(ordered) - 1) / (MOST_DOTS - 1))] for i in range(MOST_DOTS)]
