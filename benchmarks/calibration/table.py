"""The results of the simulation as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.calibration.alarms import TESTS, Alarm
from benchmarks.calibration.cases import INFORMATIVE, KINDS, Result

TARGET = (0.935, 0.965)

INTRODUCTION = """# Do the 95% intervals hold the truth in 95% of tests?

Made by `{command}`
(seed {seed}, {versions}); do not edit. Each line is a case that was simulated {tests:,} times with a known truth (the
bootstraps beside ours: up to {naive:,} times, {resamples:,} resamples); the figures are percent of tests whose interval
holds it. With {tests:,} tests chance alone moves a figure by ±1 point, so a method with a coverage of exactly 95% shows
between 94 and 96.

{verdict}

The target is 93.5 to 96.5%. Counts cannot hit it at every rate: the coverage of any interval for a share jumps by
points when the true rate moves by thousandths. So each test draws its true rate from a band of ±20% of the smaller of
rate and 1 − rate around the nominal one, for each side of a pair on its own, and the coverage is that over the band.
Where fewer than a handful of items depart from the rest (a rate of 2% in 30 items), even so no interval can do other
than cover too much or too little, and ours is built to cover too much. The tables mark with `few` the cases with too
little to go by: fewer than {events} items' worth of the rarer outcome (pairs: of changes), or fewer than {clusters}
clusters, after taking off what clustering costs.

Clusters have 1 to 8 items, all sizes equally likely; `none` means that each item is its own. `within` is the
correlation of items of a cluster, `pair` that of the two sides of a pair, which is a correlation of the normal values
beneath for latencies (lognormal, skewness 3.7) and overlap scores (within [0, 1], with many at either end). *Width*
is the mean width of our interval over Wald's, which is what honesty costs; *above* and *below* say on which side the
intervals that miss lie.

"""

SUMMARY_HEAD = """| | cases | ours in target | below it | above it | lowest | highest | Wald in target | Wald lowest |
|---|---|---|---|---|---|---|---|---|
"""


ALARMS = """
## False alarms

The other way round: two variants that are truly alike, and how often (percent of {tests:,} tests) their difference has
p <= 5%, before any correction for several comparisons. Ours flips the signs of whole clusters; it is exact for yes-or-no
items and whole clusters, which makes it err on the side of too few. The latencies have equal means and unequal
spreads, so their differences are skewed, for which no sign-flip test is exact: there it errs up to twice as often as
it should. A verdict of better or worse asks for the interval as well, which the tables above hold to its 5% there too.
Beside it a paired t-test on the items.

"""


def write_table(
    results: Sequence[Result],
    alarms: Sequence[Alarm],
    tests: int,
    naive: int,
    resamples: int,
    command: str,
    seed: int,
    versions: str,
) -> str:
    events, clusters = INFORMATIVE
    text = INTRODUCTION.format(
        command=command, seed=seed, versions=versions, tests=tests, naive=min(tests, naive),
        resamples=resamples, events=events, clusters=clusters, verdict=_verdict(results),
    )  # fmt: skip
    text += "## In short\n\n" + SUMMARY_HEAD
    for kind in KINDS:
        mine = [r for r in results if r.case.kind == kind]
        for told, group in (
            ("", [r for r in mine if r.informative]),
            (", few", [r for r in mine if not r.informative]),
        ):
            if group:
                text += _summary(kind + told, group)
    for kind in KINDS:
        if mine := [r for r in results if r.case.kind == kind]:
            text += f"\n## {kind.capitalize()}\n\n" + _table(mine)
    return text + ALARMS.format(tests=TESTS) + _alarms(alarms)


def _alarms(alarms: Sequence[Alarm]) -> str:
    lines = ["| | n | clusters | within | rate | pair | **ours** | t-test |", "|" + "---|" * 8]
    for a in alarms:
        cells = [
            a.case.kind,
            f"{a.case.n}",
            f"{a.clusters}",
            "none" if a.case.within is None else f"{a.case.within:g}",
        ]
        cells += ["" if a.case.rate is None else f"{a.case.rate:g}", f"{a.case.paired:g}"]
        lines.append("| " + " | ".join([*cells, f"**{_percent(a.ours)}**", _percent(a.naive)]) + " |")
    return "\n".join(lines) + "\n"


def _verdict(results: Sequence[Result]) -> str:
    """Where ours hits and misses, in words."""
    enough = [r for r in results if r.informative]
    wide = [r for r in enough if r.coverage > TARGET[1]]
    short = [r for r in results if r.coverage < TARGET[0]]
    said = f"**In short:** of {len(enough)} cases with enough to go by, {sum(_in_target(r.coverage) for r in enough)}"
    said += f" are within the target and {len(wide)} cover more"
    said += f" (at most {_percent(max(r.coverage for r in wide))}%). " if wide else ". "
    said += f"Of all {len(results)} cases {len(short)} cover less than {_percent(TARGET[0])}%"
    named = [
        f"{r.case.kind}, {r.case.n} items in {r.clusters} clusters, {_percent(r.coverage)}%" for r in short
    ]
    return said + (": " + "; ".join(named) if named else "") + "."


def _summary(label: str, group: Sequence[Result]) -> str:
    ours = [r.coverage for r in group]
    wald = [r.others["Wald"] for r in group if "Wald" in r.others]
    cells = [label, str(len(group)), str(sum(map(_in_target, ours))), str(sum(c < TARGET[0] for c in ours))]
    cells += [str(sum(c > TARGET[1] for c in ours)), _percent(min(ours)), _percent(max(ours))]
    cells += [str(sum(map(_in_target, wald))), _percent(min(wald))] if wald else ["", ""]
    return "| " + " | ".join(cells) + " |\n"


def _table(results: Sequence[Result]) -> str:
    others = list(results[0].others)
    keys = ["n", "clusters", "within", *([] if results[0].case.rate is None else ["rate"])]
    keys += [] if results[0].case.paired is None else ["pair"]
    head = [*keys, "**ours**", "above", "below", "width", *others, ""]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for r in results:
        cells = [f"{r.case.n}", f"{r.clusters}", "none" if r.case.within is None else f"{r.case.within:g}"]
        cells += [] if r.case.rate is None else [f"{r.case.rate:g}"]
        cells += [] if r.case.paired is None else [f"{r.case.paired:g}"]
        cells += [f"**{_percent(r.coverage)}**", _percent(r.above), _percent(r.below)]
        cells += ["" if r.width is None else f"{r.width:.2f}", *(_percent(c) for c in r.others.values())]
        lines.append("| " + " | ".join([*cells, "" if r.informative else "few"]) + " |")
    return "\n".join(lines) + "\n"


def _in_target(coverage: float) -> bool:
    return TARGET[0] <= coverage <= TARGET[1]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
