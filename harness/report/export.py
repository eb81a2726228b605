"""The comparison, scores and answers as flat tables: CSV that opens in pandas and in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from harness.types.answers import Answer
from harness.types.results import Comparison, Estimate, Score

Cell = str | float | int | None
Table = list[dict[str, Cell]]

_LONE = re.compile("[\ud800-\udfff\x00]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_OF_ESTIMATE = tuple(Estimate.model_fields)
_OF_TEST = ("p_value", "p_holm", "minimum_detectable", "margin", "items_needed")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "estimates": ("variant", "metric", "slice", *_OF_ESTIMATE),
    "differences": ("variant", "baseline", "metric", "slice", "verdict", *_OF_TEST, *_OF_ESTIMATE),
    "costs": ("variant", "kind", "monthly_requests", "currency", *_OF_ESTIMATE),
    "scores": ("variant", "item", "repeat", "metric", "value", "reason", "scorer"),
    "answers": tuple(Answer.model_fields),
}
"""The header of a table without rows."""


def tables(comparison: Comparison, scores: Sequence[Score], answers: Sequence[Answer]) -> dict[str, Table]:
    """Rows by table: ``estimates``, ``differences``, ``costs``, ``scores`` and ``answers``.

    A missing number is an empty cell, and the reason stands in the column beside it.
    """
    return {
        "estimates": [
            {"variant": e.variant, "metric": e.metric, "slice": e.slice, **_estimate(e.estimate)}
            for e in comparison.estimates
        ],
        "differences": [
            {
                "variant": d.variant,
                "baseline": d.baseline,
                "metric": d.metric,
                "slice": d.slice,
                "verdict": d.verdict,
                **{name: getattr(d, name) for name in _OF_TEST},
                **_estimate(d.estimate),
            }
            for d in comparison.differences
        ],
        "costs": _costs(comparison),
        "scores": [
            {
                "variant": s.variant,
                "item": s.item,
                "repeat": s.repeat,
                "metric": s.metric,
                "value": s.value,
                "reason": s.reason,
                "scorer": s.scorer,
            }
            for s in scores
        ],
        "answers": [_answer(a) for a in answers],
    }


def _estimate(estimate: Estimate) -> dict[str, Cell]:
    return dict(estimate.model_dump())


def _costs(comparison: Comparison) -> Table:
    """One row for each variant and kind of cost, then the curve at each monthly volume."""
    rows: Table = []
    for cost in comparison.costs:
        kinds = ("serving_per_1000", "per_1000", "per_1000_successes")
        for kind in kinds:
            found: Estimate = getattr(cost, kind)
            start: dict[str, Cell] = {"variant": cost.variant, "kind": kind, "monthly_requests": None}
            rows.append({**start, "currency": comparison.currency, **_estimate(found)})
        empty: dict[str, Cell] = dict.fromkeys(Estimate.model_fields)
        once: dict[str, Cell] = {"variant": cost.variant, "kind": "training_once", "monthly_requests": None}
        rows.append({**once, "currency": comparison.currency, **empty, "value": cost.training_once})
        for volume, value in zip(comparison.volumes, cost.curve, strict=False):
            at: dict[str, Cell] = {"variant": cost.variant, "kind": "per_1000_successes_at_volume"}
            at |= {"monthly_requests": volume, "currency": comparison.currency}
            rows.append({**at, **empty, "value": value})
    return rows


def _answer(answer: Answer) -> dict[str, Cell]:
    plain = answer.model_dump(exclude={"retrieved"})
    return {**plain, "retrieved": " ".join(r.passage for r in answer.retrieved)}


def _safe(cell: Cell) -> Cell:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay numbers."""
    if not isinstance(cell, str):
        return cell
    cell = _LONE.sub("\ufffd", cell)
    return "'" + cell if cell.startswith(_FORMULA) else cell


def csv_text(rows: Table, columns: Sequence[str] = ()) -> str:
    """``rows`` as CSV with a header, which is ``columns`` where there is no row."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _safe(cell) for name, cell in row.items()} for row in rows)
    return out.getvalue()


def csv_files(comparison: Comparison, scores: Sequence[Score], answers: Sequence[Answer]) -> dict[str, str]:
    """File name and text of each table."""
    found = tables(comparison, scores, answers)
    return {f"{name}.csv": csv_text(rows, _COLUMNS[name]) for name, rows in found.items()}
