"""The rows that the headline rests on, as the report holds them: what ``build_comparison`` needs, and no more.

They are one value for each headline metric, variant and item, beside the settings, the clusters and the
training records. The block is canonical JSON, so that its SHA-256 is the same wherever it is computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.pages.text import canonical_json
from harness.report.view import Inputs
from harness.types.answers import TrainingRecord, Usage
from harness.types.data import Item
from harness.types.manifest import Manifest
from harness.types.record import Record
from harness.types.results import MetricInfo, Score
from harness.types.settings import Scenario

HEADLINE = ("success", "harm", "style", "latency", "cost")
"""Metrics that the headline rests on in every scenario, beside the one that it chooses by."""
MOST_BYTES = 1_200_000
"""Larger rows stay out of the report: the answers side by side need room too."""

Cell = int | float | tuple[int] | None
"""A value, ``[k]`` where there is none for ``Rows.reasons[k]``, or null where nothing was scored."""


class Rows(Record):
    """What the headline is computed from."""

    manifest: Manifest
    scenario: Scenario
    preview: bool
    metrics: tuple[MetricInfo, ...]
    """Those of the headline, in the order of the comparison."""
    trainings: dict[str, TrainingRecord]
    """By adapter; without the course of the loss, on which no cost rests."""
    usage: dict[str, Usage]
    """By variant."""
    items: tuple[tuple[str, str], ...]
    """Id and cluster."""
    reasons: tuple[str, ...]
    scores: dict[str, dict[str, tuple[tuple[Cell, ...], ...]]]
    """Metric, variant, repeat: a cell for each item in the order of ``items``."""


@dataclass(frozen=True)
class Evidence:
    """The rows as the arguments of ``build_comparison``, and the manifest of the run that they are from."""

    manifest: Manifest
    scenario: Scenario
    items: tuple[Item, ...]
    scores: tuple[Score, ...]
    metrics: tuple[MetricInfo, ...]
    trainings: dict[str, TrainingRecord]
    preview: bool
    usage: dict[str, Usage]


def headline_metrics(view: Inputs) -> list[MetricInfo]:
    names = {view.scenario.choice.metric, *HEADLINE}
    return [m for m in view.comparison.metrics if m.name in names]


def pack(view: Inputs) -> Rows:
    """The rows of the report's own inputs."""
    metrics = headline_metrics(view)
    reasons: dict[str, int] = {}
    return Rows(
        manifest=view.manifest,
        scenario=view.scenario,
        preview=view.comparison.preview,
        metrics=tuple(metrics),
        trainings={n: _bare(t) for n, t in view.trainings.items()},
        usage=view.comparison.usage,
        items=tuple((item.id, item.cluster) for item in view.items),
        scores=_cells(view, {m.name for m in metrics}, reasons),
        reasons=tuple(reasons),
    )


def _bare(training: TrainingRecord) -> TrainingRecord:
    again = tuple(map(_bare, training.again))
    return training.model_copy(update={"steps": (), "epochs": (), "again": again})


def _cells(
    view: Inputs, metrics: set[str], reasons: dict[str, int]
) -> dict[str, dict[str, tuple[tuple[Cell, ...], ...]]]:
    place = {item.id: i for i, item in enumerate(view.items)}
    grid: dict[str, dict[str, list[list[Cell]]]] = {}
    for score in view.scores:
        if score.metric not in metrics or score.item not in place or score.variant not in view.variants:
            continue
        repeats = grid.setdefault(score.metric, {}).setdefault(score.variant, [])
        while len(repeats) <= score.repeat:
            repeats.append([None] * len(place))
        repeats[score.repeat][place[score.item]] = _cell(score, reasons)
    return {
        metric: {variant: tuple(map(tuple, repeats)) for variant, repeats in variants.items()}
        for metric, variants in grid.items()
    }


def _cell(score: Score, reasons: dict[str, int]) -> Cell:
    if score.value is None:
        return (reasons.setdefault(score.reason or "", len(reasons)),)
    return int(score.value) if score.value.is_integer() else score.value


def unpack(rows: Rows) -> Evidence:
    """The arguments that the comparison was made from, cut down to the headline: no slices, few metrics.

    Neither another metric nor a slice changes a headline number, so what is left out here loses nothing.
    """
    names = tuple(m.name for m in rows.metrics)
    return Evidence(
        manifest=rows.manifest,
        scenario=rows.scenario.model_copy(update={"metrics": names, "slices": ()}),
        items=tuple(
            Item(id=name, split="heldout", messages=(), references=(), cluster=cluster)
            for name, cluster in rows.items
        ),
        scores=tuple(_scores(rows)),
        metrics=rows.metrics,
        trainings=rows.trainings,
        preview=rows.preview,
        usage=rows.usage,
    )


def _scores(rows: Rows) -> Sequence[Score]:
    return [
        _score(rows.reasons, cell, variant=variant, item=item, repeat=repeat, metric=metric)
        for metric, variants in rows.scores.items()
        for variant, repeats in variants.items()
        for repeat, cells in enumerate(repeats)
        for (item, _), cell in zip(rows.items, cells, strict=True)
        if cell is not None
    ]


def _score(reasons: Sequence[str], cell: int | float | tuple[int], **where: Any) -> Score:
    if isinstance(cell, tuple):
        return Score(value=None, reason=reasons[cell[0]] or None, scorer="", **where)
    return Score(value=float(cell), scorer="", **where)


def digest(data: Any) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()


def evidence_block(rows: Rows, figures: Mapping[str, Any] | Sequence[Any], version: str) -> dict[str, Any]:
    """What the page holds for ``harness report verify``; rows that are too large are left out with the reason."""
    data = rows.model_dump(mode="json")
    block = {"harness": version, "rows_sha256": digest(data), "figures_sha256": digest(figures)}
    if len(canonical_json(data)) > MOST_BYTES:
        limit = f"{MOST_BYTES / 1e6:g} MB"
        return block | {"left_out": f"the rows of {len(rows.items):,} items take more than {limit}"}
    return block | {"rows": data}
