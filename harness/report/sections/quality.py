"""Quality by variant and slice: a first view drawn here, the numbers of the others for the page to draw."""

from __future__ import annotations

from typing import Any

from harness.pages.text import visible
from harness.report.tracks import Row, ends, ruler
from harness.report.view import Inputs
from harness.types.results import MetricInfo

MOST_VALUES = 24
"""Values of one slice key that are shown; the CSV holds all."""


def data(view: Inputs) -> dict[str, Any]:
    metrics = [m for m in view.comparison.metrics if m.phase == "quality"]
    keys = {"all": [""]} | {key: values[:MOST_VALUES] for key, values in view.slices.items()}
    left_out = {k: len(v) - MOST_VALUES for k, v in view.slices.items() if len(v) > MOST_VALUES}
    start = view.choice_metric if view.choice_metric in metrics else metrics[0] if metrics else None
    first = next((k for k in view.scenario.slices if k in view.slices), "all")
    return {
        "metrics": metrics,
        "keys": list(keys),
        "start": start,
        "first_key": first,
        "groups": groups(view, start, first, keys[first]) if start else [],
        "left_out": left_out,
        "ruler": _ruler(view, start, keys) if start else None,
        "variance": variance(view),
        "choice": view.choice_metric,
        "payload": payload(view, metrics, keys),
    }


def variance(view: Inputs) -> list[dict[str, Any]]:
    """Where a single score's variance comes from, in shares, for the variants where more than one source is known."""
    found = []
    for p in view.comparison.variance:
        parts = (p.item, p.sampling, p.training_by_item, p.training_seed)
        total = sum(part or 0.0 for part in parts)
        if p.item is None or not total:
            continue
        shares = [None if part is None else f"{part / total:.1%}" for part in parts]
        seeds = "not trained" if p.seeds is None else "one seed" if p.seeds == 1 else f"{p.seeds} seeds"
        spread = None if p.training_seed is None else f"{p.training_seed**0.5:.3f}"
        found.append({"name": p.variant, "shares": shares, "seeds": seeds, "spread": spread})
    return found


def slice_name(key: str, value: str) -> str:
    return f"{key}={value}" if value else "all"


def _ruler(view: Inputs, metric: MetricInfo, keys: dict[str, list[str]]) -> Any:
    every = [
        view.estimate(name, metric.name, slice_name(key, value))
        for key, values in keys.items()
        for value in values
        for name in view.variants
    ]
    return ruler(ends(every), metric.unit, view.currency)


def groups(view: Inputs, metric: MetricInfo, key: str, values: list[str]) -> list[dict[str, Any]]:
    """One small chart for each value of the slice key."""
    scale = ruler(
        ends([view.estimate(n, metric.name, slice_name(key, v)) for v in values for n in view.variants]),
        metric.unit,
        view.currency,
    )
    found = []
    for value in values:
        name_of = slice_name(key, value)
        rows = [
            Row(
                name=name,
                colour=view.colour(name),
                figure=view.metric_figure(name, metric, name_of),
                track=scale.track(view.estimate(name, metric.name, name_of)),
                chosen=name == view.comparison.decision.choice,
            )
            for name in view.variants
        ]
        found.append(
            {
                "title": f"{metric.label} · {key}: {value}" if value else f"{metric.label} · all items",
                "rows": rows,
                "ruler": scale,
            }
        )
    return found


def payload(view: Inputs, metrics: list[MetricInfo], keys: dict[str, list[str]]) -> dict[str, Any]:
    """All quality estimates as drawn: [at, low, high, text, interval, n, missing, about or reason]."""
    reasons: dict[str, int] = {}
    tables: dict[str, Any] = {}
    for metric in metrics:
        scale = _ruler(view, metric, keys)
        cells = {}
        for key, values in keys.items():
            for value in values:
                name_of = slice_name(key, value)
                cells[visible(name_of)] = [
                    _cell(view, v, metric, name_of, scale, reasons) for v in view.variants
                ]
        tables[metric.name] = {"ticks": scale.ticks, "cells": cells}
    names = {visible(key): [visible(v) for v in values] for key, values in keys.items()}
    return {"keys": names, "metrics": tables, "about": list(reasons)}


def _cell(
    view: Inputs, name: str, metric: MetricInfo, slice_: str, scale: Any, reasons: dict[str, int]
) -> list[Any]:
    estimate = view.estimate(name, metric.name, slice_)
    shown, track = view.metric_figure(name, metric, slice_), scale.track(estimate)
    about = reasons.setdefault(visible(shown.reason or (estimate.method if estimate else "")), len(reasons))
    lacking = 0 if shown.available else 1
    return [
        track.at,
        track.low,
        track.high,
        shown.text,
        shown.interval,
        shown.n,
        shown.missing,
        about,
        lacking,
    ]
