"""The tables of the judges' calibration as a page of Markdown."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from math import sqrt

import numpy as np

from benchmarks.calibration.judges import BIAS, EVENTS, SEED, TARGET, WIDEST, Result, Size


def page(results: Sequence[Result], size: Size) -> str:
    biased = [r for r in results if r.case.judge != "sharp"]
    sharp = [r for r in results if r.case.judge == "sharp"]
    noise = 2 * sqrt(0.95 * 0.05 / size.tests)
    return f"""# Do a judge's corrected figures hold the truth?

Made by

    python -m benchmarks.calibration.judges{size.flag} --output docs/calibration-judges.md

(seed {SEED}, Python {platform.python_version()}, numpy {np.__version__}); do not edit. Each line is a case that was
simulated {size.tests:,} times with a known truth; figures are percent of tests whose 95% interval holds it, and
chance alone moves them by ±{100 * noise:.1f} points.

A judge reads every answer, and a random sample of 50 to 300 answers is labelled. The judges pass {100 * BIAS:.0f} points
more than is right (of two variants, of the first alone). *Lenient* passes 97% of the good answers and as many of the
bad as that takes; *blind* passes at random, so that it tells nothing; *graded* gives a score that good answers raise by
0.7, with a spread of 0.15. *Sharp* has no bias and is right in 97%: there it is the few errors among the labels that
are hard to learn from. Errors of the judge are alike within clusters as the answers are. True rates are drawn from
±20% around the nominal one (docs/calibration.md says why); clusters have 1 to 8 items. *Width* is the mean width over
that of labels alone, *gain* how many times the labels would be needed without the judge, *raw* the coverage of the
judge's own interval. Cases with fewer than {EVENTS} labelled answers of the rarer outcome are marked `few`.

{_summary(biased, "Judges that are biased")}

{_summary(sharp, "The sharp judge") if sharp else ""}

## By group

{_groups(results)}

## Every case

{_table(HEAD, [_line(r) for r in results])}
"""


HEAD = (
    "of",
    "judge",
    "items",
    "labels",
    "rate",
    "within",
    "**corrected**",
    "above",
    "below",
    "labels alone",
    "raw",
)
HEAD = (*HEAD, "width", "gain", "")


def _summary(results: Sequence[Result], name: str) -> str:
    known = [r for r in results if not r.few]
    inside = sum(TARGET[0] <= round(r.coverage, 4) <= TARGET[1] for r in known)
    under = [r for r in results if round(r.coverage, 4) < TARGET[0]]
    over = [r for r in known if round(r.coverage, 4) > TARGET[1]]
    wide = [r for r in results if r.width > WIDEST]
    lowest = ", ".join(
        f"{_named(r)} {100 * r.coverage:.1f}%" for r in sorted(under, key=lambda r: r.coverage)[:4]
    )
    most = max((r.coverage for r in over), default=0.0)
    cover = sum(r.coverage for r in results) / len(results)
    widest, narrower = (
        max(0.0, *(r.width - 1 for r in results)),
        1 - sum(r.width for r in results) / len(results),
    )
    return (
        f"**{name}:** of {len(known)} cases with enough to go by, {inside} cover "
        f"{100 * TARGET[0]:.1f} to {100 * TARGET[1]:.1f}%, {len(over)} cover more"
        + (f" (at most {100 * most:.1f}%)" if over else "")
        + f"; of all {len(results)}, {len(under)} cover less"
        + (f" ({lowest})" if under else "")
        + f". The mean over all is {100 * cover:.1f}%.\nIn no case are intervals more than {100 * widest:.1f}% wider than "
        f"those of labels alone ({len(wide)} beyond 5%), and on average they are\n{100 * narrower:.0f}% narrower. The raw "
        f"judge's interval holds the truth in {100 * min(r.raw for r in results):.0f} to "
        f"{100 * max(r.raw for r in results):.0f}%."
    )


def _named(r: Result) -> str:
    c = r.case
    within = "none" if c.within is None else f"{c.within:g}"
    return f"{c.kind}, {c.judge}, {c.items} items, {c.labels} labels, rate {c.rate:g}, within {within}:"


def _groups(results: Sequence[Result]) -> str:
    names = list(dict.fromkeys((r.case.kind, r.case.judge, r.case.labels) for r in results))
    rows = []
    for name in names:
        group = [r for r in results if (r.case.kind, r.case.judge, r.case.labels) == name]
        cover = [100 * r.coverage for r in group]
        mean = [sum(of) / len(group) for of in ([r.width for r in group], [r.gain for r in group])]
        raw = [100 * r.raw for r in group]
        rows.append(
            (
                *(str(part) for part in name),
                str(len(group)),
                f"{sum(cover) / len(cover):.1f}",
                f"{min(cover):.1f}–{max(cover):.1f}",
                f"{min(raw):.1f}–{max(raw):.1f}",
                f"{mean[0]:.2f}",
                f"{max(r.width for r in group):.2f}",
                f"{mean[1]:.2f}",
            )
        )
    head = (
        "of",
        "judge",
        "labels",
        "cases",
        "mean coverage",
        "range",
        "raw",
        "mean width",
        "widest",
        "mean gain",
    )
    return _table(head, rows)


def _line(r: Result) -> tuple[str, ...]:
    c = r.case
    return (
        c.kind, c.judge, str(c.items), str(c.labels), f"{c.rate:g}", "none" if c.within is None else f"{c.within:g}",
        f"**{100 * r.coverage:.1f}**", f"{100 * r.above:.1f}", f"{100 * r.below:.1f}", f"{100 * r.labels:.1f}",
        f"{100 * r.raw:.1f}", f"{r.width:.2f}", f"{r.gain:.2f}", "few" if r.few else "",
    )  # fmt: skip


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
