"""What fine-tuning taught and what retrieval supplied: facts seen in training beside facts only in the KB."""

from __future__ import annotations

from typing import Any

from harness.report.tracks import ends, ruler
from harness.report.view import Inputs
from harness.types.results import Interaction

KEY = "knowledge"
COLUMNS = {"trained": "Facts that training covered", "kb-only": "Facts only in the knowledge base"}


def data(view: Inputs) -> dict[str, Any]:
    metric = view.choice_metric
    columns = [value for value in COLUMNS if value in view.slices.get(KEY, [])]
    every = [view.estimate(n, metric.name, f"{KEY}={c}") for n in view.variants for c in columns]
    scale = ruler(ends(every), metric.unit, view.currency)
    rows = []
    for name in view.variants:
        cells = []
        for value in columns:
            difference = view.difference(name, metric.name, f"{KEY}={value}")
            cells.append(
                {
                    "figure": view.metric_figure(name, metric, f"{KEY}={value}"),
                    "track": scale.track(view.estimate(name, metric.name, f"{KEY}={value}")),
                    "gain": view.figure(difference.estimate, metric.unit, signed=True)
                    if difference
                    else None,
                    "verdict": difference.verdict if difference else None,
                }
            )
        rows.append({"name": name, "colour": view.colour(name), "cells": cells})
    told = [i for i in view.comparison.interactions if i.metric == metric.name]
    return {
        "metric": metric,
        "columns": [COLUMNS[c] for c in columns],
        "rows": rows,
        "ruler": scale,
        "baseline": view.comparison.baseline,
        "interactions": [sentence(view, i) for i in told if i.slice == "all" or i.slice.startswith(KEY)],
    }


def sentence(view: Inputs, interaction: Interaction) -> dict[str, Any]:
    """The interaction in words, with its figure."""
    metric = view.metrics.get(interaction.metric, view.choice_metric)
    shown = view.figure(interaction.estimate, metric.unit, signed=True)
    low, high = interaction.estimate.low, interaction.estimate.high
    tuned, plain = (
        f"{interaction.both} over {interaction.tuned}",
        f"{interaction.retrieval} over {interaction.base}",
    )
    if not shown.available or low is None or high is None:
        verdict = "Whether retrieval and fine-tuning add up cannot be told"
    elif high < 0:
        verdict = "The gains overlap: retrieval helps the tuned model less than it helps the base model"
    elif low > 0:
        verdict = "The gains reinforce each other: retrieval helps the tuned model more than the base model"
    else:
        verdict = "As far as these items tell, the gains of retrieval and fine-tuning simply add up"
    place = {
        "all": "On all items",
        f"{KEY}=trained": "On trained facts",
        f"{KEY}=kb-only": "On KB-only facts",
    }
    where = place.get(interaction.slice, f"On {interaction.slice}")
    return {"where": where, "verdict": verdict, "figure": shown, "names": f"{tuned}, against {plain}"}
