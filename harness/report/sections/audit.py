"""Whether the variants were compared on one footing: the checks, the leaks and the figures without them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.report.view import Inputs
from harness.types.leak import Leak
from harness.types.results import Audit

SHOWN = 20
"""Leaks listed in the page; the run's ``leaks.json`` holds all."""
_STAGES = {
    "exact": "word for word",
    "n-gram": "a long run of the same words",
    "minhash": "nearly the same words",
    "rephrased": "the same question in other words",
}
_PLACES = {"train": "training item", "dev": "dev item", "kb": "article", "prompt": "prompt"}


def data(view: Inputs) -> dict[str, Any]:
    audit = view.comparison.audit
    found: dict[str, Any] = {
        "audit": audit,
        "metric": view.choice_metric,
        "baseline": view.comparison.baseline,
    }
    if audit is None:
        return found
    return found | {
        "summary": summary(audit),
        "clean": _clean(view, audit),
        "leaks": [_told(leak) for leak in audit.leaks[:SHOWN]],
        "more": max(0, len(audit.leaks) - SHOWN),
    }


def summary(audit: Audit) -> str:
    """``8 of 9 checks hold; 1 caution: tuning budget``: what the first screen says."""
    counts = Counter[str](line.status for line in audit.lines)
    said = f"{counts['ok']} of {len(audit.lines)} checks hold"
    for status, one, many in (("broken", "broken", "broken"), ("caution", "caution", "cautions")):
        if n := counts[status]:
            names = ", ".join(_small(line.check) for line in audit.lines if line.status == status)
            said += f"; {n} {one if n == 1 else many}: {names}"
    return said + "."


def _small(name: str) -> str:
    return name[:1].lower() + name[1:]


def _clean(view: Inputs, audit: Audit) -> list[dict[str, Any]]:
    unit = view.choice_metric.unit
    return [
        {
            "name": score.variant,
            "colour": view.colour(score.variant),
            "all": view.figure(score.all, unit),
            "clean": view.figure(score.clean, unit),
            "change": view.figure(score.change, unit, signed=True),
            "gap": view.figure(score.gap, unit, signed=True) if score.gap else None,
        }
        for score in audit.clean
    ]


def _told(leak: Leak) -> dict[str, Any]:
    like = f"{leak.similarity:.2f}" if leak.stage != "exact" else ""
    place = f"{_PLACES[leak.where]} {leak.other}"
    return {"item": leak.item, "place": place, "how": _STAGES[leak.stage], "like": like, "text": leak.text}
