"""What every rendering of a verdict says alike: figures, and the lines about baseline, look and what was left out."""

from __future__ import annotations

from harness.figures import judged, plural
from harness.types.verdict import Check, Status, Verdict

HEADINGS: dict[Status, str] = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}


def figures(check: Check, currency: str) -> tuple[str, str, str]:
    """Observed value, sure bound and limit of ``check``, as its reason has them."""
    return judged(
        check.observed, check.bound, check.threshold, check.unit, currency, difference=check.relative
    )


def needed(check: Check) -> str:
    """``about 120 more items``, or nothing where none are needed or none can be named."""
    return f"about {plural(check.items_needed, 'more item')}" if check.items_needed else ""


def context_lines(verdict: Verdict) -> list[str]:
    """What the verdict rests on, a sentence each."""
    lines = [f"Run {verdict.run}, finished {verdict.finished}, {plural(verdict.n_items, 'item')}."]
    if b := verdict.baseline:
        lines.append(
            f"Baseline: {b.variant} of run {b.run}, finished {b.finished} (harness {b.harness}), from {b.source}."
        )
    lines.append(
        f"Look {verdict.look} at this candidate: each check is one-sided at alpha {verdict.alpha:.2g}; over all "
        f"looks a wrong pass has at most {verdict.total_alpha:.0%}."
    )
    if verdict.n_left_out:
        were = "was" if verdict.n_left_out == 1 else "were"
        lines.append(f"{plural(verdict.n_left_out, 'held-out item')} {were} not run, so it cannot pass.")
    if verdict.errors:
        lines.append(f"{plural(len(verdict.errors), 'item')} had an answer that failed.")
    lines += [f"Accepted: {change}." for change in verdict.accepted]
    return lines + [f"Note: {note}." for note in verdict.notes]
