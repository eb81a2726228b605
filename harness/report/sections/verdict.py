"""What the release gate said of this run."""

from __future__ import annotations

from typing import Any

from harness.report.verdict_words import HEADINGS, context_lines, figures, needed
from harness.report.view import Inputs


def shown(view: Inputs) -> bool:
    return view.verdict is not None


def data(view: Inputs) -> dict[str, Any]:
    verdict = view.verdict
    assert verdict is not None
    rows = [
        {
            "words": check.words,
            "status": check.status,
            "figures": figures(check, verdict.currency),
            "reason": check.reason,
            "needed": needed(check),
        }
        for check in verdict.checks
    ]
    return {
        "heading": HEADINGS[verdict.status],
        "verdict": verdict,
        "rows": rows,
        "lines": context_lines(verdict),
    }
