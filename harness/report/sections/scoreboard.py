"""All variants in one table, and every metric in a second one."""

from __future__ import annotations

from typing import Any

from harness.report.certainty import MEANINGS, certainty
from harness.report.rows import headline_metrics
from harness.report.tracks import ends, ruler
from harness.report.view import Inputs, centre


def data(view: Inputs) -> dict[str, Any]:
    metric, latency = view.choice_metric, view.latency_metric
    estimates = {v: view.estimate(v, metric.name) for v in view.variants}
    scale = ruler(ends(list(estimates.values())), metric.unit, view.currency)
    rows = []
    for name in view.variants:
        difference = view.difference(name, metric.name)
        rows.append(
            {
                "name": name,
                "colour": view.colour(name),
                "status": status(view, name),
                "quality": view.metric_figure(name, metric),
                "track": scale.track(estimates[name]),
                "difference": view.figure(difference.estimate, metric.unit, signed=True)
                if difference
                else None,
                "verdict": difference.verdict if difference else "baseline",
                "meaning": MEANINGS[difference.verdict] if difference else "",
                "latency": view.metric_figure(name, latency) if latency else None,
                "per_1000": view.cost_figure(name, "per_1000"),
                "per_1000_successes": view.cost_figure(name, "per_1000_successes"),
                "best": view.comparison.decision.probability_best.get(name),
            }
        )
    first = next((e for e in estimates.values() if e and e.value is not None), None)
    return {
        "metric": metric,
        "decides": _decides(view),
        "latency": latency,
        "centre": centre(view.estimate(view.variants[0], latency.name)) if latency else "",
        "rows": rows,
        "ruler": scale,
        "matrix": matrix(view),
        "certainty": certainty(view),
        "first": first,
    }


def _decides(view: Inputs) -> str:
    """What the variants are ranked by, as the start of a sentence."""
    worth = view.comparison.decision.worth
    if worth is None or worth.unit == "quality":
        return view.choice_metric.label
    return "What a variant is worth a month" if worth.unit == "money" else "The weighted score"


def status(view: Inputs, name: str) -> list[tuple[str, str]]:
    """Short tags with their explanation."""
    decision = view.comparison.decision
    tags = []
    if name == decision.choice:
        tags.append(("recommended", "the choice by the scenario's rule"))
    if name == view.comparison.baseline:
        tags.append(("baseline", "all differences are measured from it"))
    if name in decision.tied and name != decision.choice:
        tags.append(("tied", "its difference from the best is not clear"))
    if name in decision.ruled_out:
        tags.append(("ruled out", decision.ruled_out[name]))
    beaten_by = next((p.dominated_by for p in view.comparison.frontier if p.variant == name), ())
    if beaten_by:
        tags.append(("dominated", "as good or better on quality, latency and cost: " + ", ".join(beaten_by)))
    return tags


def matrix(view: Inputs) -> list[dict[str, Any]]:
    """Every metric over all items: one row a metric, one column a variant."""
    return [
        {
            "metric": metric,
            "figures": [(name, view.metric_figure(name, metric)) for name in view.variants],
            "headline": metric in headline_metrics(view),
        }
        for metric in view.comparison.metrics
    ]
