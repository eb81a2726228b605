"""A verdict for a terminal or a log."""

from __future__ import annotations

from harness.pages.text import visible
from harness.report.verdict_words import HEADINGS, context_lines, needed
from harness.types.verdict import Flips, Verdict

_SHOWN = 20
"""Flipped items named of each direction."""


def verdict_text(verdict: Verdict) -> str:
    lines = [f"{HEADINGS[verdict.status]}  {verdict.scenario}, variant {verdict.variant}: {verdict.reason}"]
    for check in verdict.checks:
        lines.append(f"  {check.status:13} {check.words}")
        more = f" ({needed(check)})" if needed(check) else ""
        lines.append(f"  {'':13} {check.reason}{more}")
    if flips := verdict.flips:
        lines += _flips(flips)
    return visible("\n".join(lines + context_lines(verdict)))


def _flips(flips: Flips) -> list[str]:
    lines = []
    sides = (("right to wrong", flips.right_to_wrong), ("wrong to right", flips.wrong_to_right))
    for name, items in sides:
        more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
        listed = f": {', '.join(items[:_SHOWN])}{more}" if items else ""
        lines.append(f"{flips.metric} {name} since the baseline: {len(items)}{listed}")
    return lines
