"""How sure each difference to the baseline is, and how many items would settle it."""

from __future__ import annotations

from typing import Any

from harness.figures import amount, chance
from harness.report.view import Inputs
from harness.types.results import Difference, Unit

MEANINGS = {
    "better": "the whole interval is on the good side of 0, and the test agrees after correction",
    "worse": "the whole interval is on the bad side of 0, and the test agrees after correction",
    "non-inferior": "worse by less than the margin at most",
    "inconclusive": "these items do not tell",
    "unknown": "there is no difference to judge",
}


def certainty(view: Inputs) -> dict[str, Any]:
    """One row for each variant but the baseline, on the choice metric over all items."""
    metric = view.choice_metric
    found = [(name, view.difference(name, metric.name)) for name in view.variants]
    margin = next((d.margin for _, d in found if d), None)
    return {
        "rows": [_row(view, name, d, metric.unit) for name, d in found if d],
        "margin": None if margin is None else amount(margin, metric.unit, view.currency),
    }


def _row(view: Inputs, name: str, d: Difference, unit: Unit) -> dict[str, Any]:
    detectable = d.minimum_detectable
    return {
        "name": name,
        "colour": view.colour(name),
        "verdict": d.verdict,
        "meaning": MEANINGS[d.verdict],
        "p": chance(d.p_value),
        "p_holm": chance(d.p_holm),
        "detectable": None if detectable is None else amount(detectable, unit, view.currency),
        "n": d.estimate.n,
        "needed": d.items_needed,
    }
