"""The tables of the gate's calibration as a page of Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

from benchmarks.calibration.gate import FalsePass, Looked, Outcome, Results, Size
from harness.gate.looks import FIRST_ALPHA, LATER_ALPHA, TOTAL_ALPHA


def page(found: Results, size: Size) -> str:
    noise = 2 * sqrt(TOTAL_ALPHA * (1 - TOTAL_ALPHA) / size.tests)
    over = sum(r.ours > TOTAL_ALPHA + noise for r in (*found.margin, *found.floor))
    worst = max((*found.margin, *found.floor), key=lambda r: r.ours)
    return f"""# Calibration of the gate

Simulated releases with a known truth, judged with the bounds of `harness gate`. Made by

    .venv/bin/python -m benchmarks.calibration.gate{size.flag} --output docs/calibration-gate.md

with {size.tests:,} releases a row ({size.sequences:,} sequences of looks); two standard errors at 5% are {noise:.1%}.
"Naive" takes items for independent, their mean for normal, and every look for the first, at 5%.

## False passes at the margin

The candidate is exactly as bad as the rule excludes, so every pass is an error, which may happen in {TOTAL_ALPHA:.0%}
over all looks and {FIRST_ALPHA:.0%} at the first. Of {len(found.margin) + len(found.floor)} populations {over} are above
5% by more than the noise; the worst has {worst.ours:.1%}.

`not_worse_by`, over margins 5 and 10 points, baseline rates .5 and .9, and paired correlations 0, .5 and .9:

{_false(found.margin)}

`at_least`, over true rates .5, .8 and .95:

{_false(found.floor)}

## Looking 20 times

One candidate at the margin (204 items, margin 5 points), judged 20 times until it passes. Look 1 is tested at
{FIRST_ALPHA:.0%}, look k at {LATER_ALPHA:.0%} x 6 / (pi^2 (k-1)^2).

{_looks(found.looks)}

## Regressions

`not_worse_by: 0.05` with a baseline rate of .7; the candidate is truly worse by more than that.

{_outcomes(found.regressions, regressions=True)}

## Power

The same rule on candidates that are as good as the baseline or 2 points better. The textbook figure is the normal
approximation for independent items at a flat 5%, which a single look could reach at best; the gate keeps a fifth of
its error for later looks and uses a score interval.

{_outcomes(found.power, regressions=False)}
"""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _clusters(row: FalsePass) -> str:
    p = row.population
    return "none" if p.cluster_size == 1 else f"of {p.cluster_size}, correlation {p.alike:g}"


def _false(results: Sequence[FalsePass]) -> str:
    groups: dict[tuple[int, str], list[FalsePass]] = {}
    for row in results:
        groups.setdefault((row.population.items, _clusters(row)), []).append(row)

    def cells(rows: Sequence[FalsePass], of: Callable[[FalsePass], float]) -> tuple[str, str]:
        values = [of(row) for row in rows]
        return f"{sum(values) / len(values):.1%}", f"{max(values):.1%}"

    rows = [
        (str(n), clusters, *cells(group, lambda r: r.ours), *cells(group, lambda r: r.naive))
        for (n, clusters), group in groups.items()
    ]
    return _table(("items", "clusters", "gate, mean", "gate, worst", "naive, mean", "naive, worst"), rows)


def _looks(results: Sequence[Looked]) -> str:
    rows = [(r.kind, f"{r.first:.1%}", f"{r.ours:.1%}", f"{r.naive:.1%}") for r in results]
    return _table(("each look has", "passes at look 1", "passes at any of 20", "naive"), rows)


def _outcomes(results: Sequence[Outcome], regressions: bool) -> str:
    rows = []
    for r in results:
        p = r.population
        found = [f"{100 * p.difference:+.0f} points", str(p.items), f"{p.paired:g}"]
        found += [f"{r.failed:.1%}", f"{1 - r.failed - r.passed:.1%}", f"{r.passed:.1%}"]
        rows.append(found if regressions else [*found, f"{r.textbook:.1%}"])
    head = ["true difference", "items", "paired correlation", "fail", "open", "pass"]
    return _table(head if regressions else [*head, "pass by the textbook"], rows)
