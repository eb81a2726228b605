"""What the answer caches of variants would have done, where a variant has one."""

from __future__ import annotations

from typing import Any

from harness.report.view import Inputs
from harness.types.cache import CacheFigure


def shown(view: Inputs) -> bool:
    return bool(view.comparison.caches)


def data(view: Inputs) -> dict[str, Any]:
    return {"rows": [_row(view, figure) for figure in view.comparison.caches]}


def _row(view: Inputs, figure: CacheFigure) -> dict[str, Any]:
    return {
        "variant": figure.variant,
        "near": "same words" if figure.near is None else f"{figure.near:g}",
        "chosen": figure.chosen,
        "hits": view.figure(figure.hits, "rate"),
        "wrong": view.figure(figure.wrong, "rate"),
        "other_facts": view.figure(figure.other_facts, "rate"),
    }
