"""What each metric means and how each interval was made."""

from __future__ import annotations

from typing import Any

from harness.report.view import Inputs

_UNITS = {
    "rate": "share of items, 0 to 100%",
    "score": "score, usually 0 to 1",
    "s": "seconds",
    "ms": "milliseconds",
    "tokens/s": "tokens a second",
    "money": "money",
}


def data(view: Inputs) -> dict[str, Any]:
    methods: dict[str, list[str]] = {}
    for found in view.comparison.estimates:
        if found.estimate.value is not None:
            info = view.metrics.get(found.metric)
            label = info.label if info else found.metric
            labels = methods.setdefault(found.estimate.method, [])
            if label not in labels:
                labels.append(label)
    paired = {d.estimate.method for d in view.comparison.differences if d.estimate.value is not None}
    costs = {
        c.per_1000_successes.method for c in view.comparison.costs if c.per_1000_successes.value is not None
    }
    for names, label in ((paired, "differences to the baseline"), (costs, "cost per 1,000 successes")):
        for name in sorted(names):
            methods.setdefault(name, []).append(label)
    return {
        "metrics": [(m, _UNITS[m.unit]) for m in view.comparison.metrics],
        "methods": list(methods.items()),
        "confidence": view.comparison.confidence,
    }
