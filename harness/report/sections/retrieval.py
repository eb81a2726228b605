"""How well the right passages were found, for the variants that look passages up."""

from __future__ import annotations

from typing import Any

from harness.report.tracks import Row, ends, ruler
from harness.report.view import Inputs


def data(view: Inputs) -> dict[str, Any]:
    metrics = [m for m in view.comparison.metrics if m.name.startswith("retrieval_")]
    by_name = {v.name: v for v in view.scenario.variants}
    charts, without = [], set(view.variants)
    for metric in metrics:
        estimates = {v: view.estimate(v, metric.name) for v in view.variants}
        known = [v for v, e in estimates.items() if e and e.value is not None]
        without -= set(known)
        scale = ruler(ends([estimates[v] for v in known]), metric.unit, view.currency)
        rows = [
            Row(
                name=name,
                colour=view.colour(name),
                figure=view.metric_figure(name, metric),
                track=scale.track(estimates[name]),
                chosen=name == view.comparison.decision.choice,
            )
            for name in known
        ]
        charts.append({"metric": metric, "rows": rows, "ruler": scale})
    settings = []
    for name in view.variants:
        context = by_name[name].context if name in by_name else None
        if context and context.kind == "retrieval":
            settings.append(
                f"{name}: at most {context.k} passages of up to {context.chunk_words} words, "
                f"cosine similarity at least {context.threshold:g}"
            )
    shown = [c for c in charts if c["rows"]]
    return {"charts": shown, "settings": settings, "without": [v for v in view.variants if v in without]}
