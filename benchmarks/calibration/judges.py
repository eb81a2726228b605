"""Do a judge's corrected figures hold the truth? Judges of known bias, beside labels alone and the raw judge.

    .venv/bin/python -m benchmarks.calibration.judges [--small] [--output docs/calibration-judges.md]

Every population has a known truth and every case its own seed. The intervals are those of ``harness.comparison.ppi``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.special import ndtri

from benchmarks.calibration import populations
from benchmarks.calibration.methods import analytic
from benchmarks.calibration.populations import Floats, Ints, Random
from harness.comparison.bootstrap import stable_seed
from harness.comparison.ppi import corrected_difference, corrected_mean

Kind = Literal["share", "difference", "difference, labels apart"]
Judge = Literal["lenient", "blind", "graded", "sharp"]
BIAS = 0.12
SEED = 20261124
PAIRED = 0.5
"""Correlation of the two variants' normal values beneath."""
TARGET = (0.935, 0.965)
WIDEST = 1.05
EVENTS = 10
"""Labelled answers of the rarer outcome, or changes, below which a case has little to go by."""


@dataclass(frozen=True)
class Size:
    tests: int
    few_cases: bool = False
    flag: str = ""


FULL = Size(tests=2000)
SMALL = Size(tests=300, few_cases=True, flag=" --small")


@dataclass(frozen=True)
class Case:
    kind: Kind
    judge: Judge
    items: int
    labels: int
    rate: float
    within: float | None
    """Correlation of the items of a cluster, of the normal values beneath and of the judge's errors; None: no clusters."""


@dataclass(frozen=True)
class Result:
    case: Case
    above: float
    below: float
    labels: float
    """Coverage of the labels alone."""
    raw: float
    """Coverage of the raw judge's interval."""
    width: float
    """Mean width over that of labels alone."""
    gain: float
    """Mean: labels that the two are worth together, over the labels."""
    events: float

    @property
    def coverage(self) -> float:
        return 1 - self.above - self.below

    @property
    def few(self) -> bool:
        return self.events < EVENTS


def cases(size: Size) -> Iterator[Case]:
    if size.few_cases:
        for judge, within in product(("lenient", "blind"), (None, 0.5)):
            yield Case("share", judge, 1000, 100, 0.5, within)  # type: ignore[arg-type]
        yield Case("share", "graded", 204, 50, 0.7, 0.2)
        yield Case("difference", "lenient", 1000, 100, 0.5, 0.2)
        yield Case("difference, labels apart", "lenient", 1000, 100, 0.5, 0.2)
        return
    sizes = [(204, 50), (204, 100), (1000, 50), (1000, 100), (1000, 300), (3000, 300)]
    judges: tuple[Judge, ...] = ("lenient", "blind", "graded")
    for judge, (items, labels), within in product(judges, sizes, (None, 0.2, 0.7)):
        for rate in (0.3, 0.6, 0.85):
            yield Case("share", judge, items, labels, rate, within)
    for (items, labels), within in product(sizes, (None, 0.2, 0.7)):
        yield Case("share", "sharp", items, labels, 0.7, within)
    for judge, (items, labels), within in product(judges, sizes[1:5], (None, 0.2, 0.7)):
        yield Case("difference", judge, items, labels, 0.6, within)
        if items == 1000:
            yield Case("difference, labels apart", judge, items, labels, 0.6, within)


def answers(rates: Sequence[Floats], within: float | None, cluster: Ints, rng: Random) -> list[Floats]:
    """(S, I) of 0 and 1 for each of the (S,) rates; the sides share the items' difficulty."""
    tests, paired = len(rates[0]), PAIRED if len(rates) > 1 else 0.0

    def normal() -> Floats:
        own = rng.standard_normal((tests, len(cluster)))
        if not within:
            return own
        shared = rng.standard_normal((tests, int(cluster[-1]) + 1))[:, cluster]
        return sqrt(within) * shared + sqrt(1 - within) * own

    hard = normal()
    return [
        (sqrt(paired) * hard + sqrt(1 - paired) * normal() < ndtri(rate)[:, None]).astype(np.float64)
        for rate in rates
    ]


def judged(
    judge: Judge, truth: Floats, rates: Floats, bias: float, within: float | None, cluster: Ints, rng: Random
) -> Floats:
    """What a judge makes of (S, I) true outcomes; its mean is the true rate plus ``bias``, if it can be.

    lenient: passes 97% of the good and enough of the bad; blind: passes at random; graded: a score that tells good
    from bad by 0.7 with a spread of 0.15; sharp: right in 97% of both, without bias.
    """
    rate = rates[:, None]
    if judge == "graded":
        own = rng.standard_normal(truth.shape)
        if within:
            shared = rng.standard_normal((len(truth), int(cluster[-1]) + 1))[:, cluster]
            own = sqrt(within) * shared + sqrt(1 - within) * own
        return rate + bias + 0.7 * (truth - rate) + 0.15 * own
    good = {"lenient": 0.97, "blind": rate + bias, "sharp": 0.97}[judge]
    bad = 0.03 if judge == "sharp" else np.clip((rate + bias - rate * good) / (1 - rate), 0, 1)
    chance = rng.random(truth.shape)
    if within:
        shared = rng.random((len(truth), int(cluster[-1]) + 1))[:, cluster]
        chance = np.where(rng.random(truth.shape) < sqrt(within), shared, chance)
    return (chance < np.where(truth == 1, good, bad)).astype(np.float64)


def run_case(case: Case, tests: int) -> Result:
    rng = np.random.default_rng(stable_seed(SEED, repr(case)))
    cluster = populations.cluster_numbers(case.items, case.within is None, rng)
    two = case.kind != "share"
    rates = [populations.near(case.rate, tests, rng) for _ in range(2 if two else 1)]
    truth = rates[0] - rates[1] if two else rates[0]
    true = answers(rates, case.within, cluster, rng)
    # Of two variants the judge is lenient to the first alone, so that the raw difference is off by its bias.
    seen = [
        judged(case.judge, side, rate, BIAS if i == 0 else 0.0, case.within, cluster, rng)
        for i, (side, rate) in enumerate(zip(true, rates, strict=True))
    ]
    found, events = [], 0.0
    for s in range(tests):
        labels = []
        for i, side in enumerate(true):
            if i == 0 or case.kind == "difference, labels apart":
                picked = rng.choice(case.items, case.labels, replace=False)
            row = np.full(case.items, np.nan)
            row[picked] = side[s, picked]
            labels.append(row)
        if two:
            made = corrected_difference((labels[0], labels[1]), (seen[0][s], seen[1][s]), cluster, unit=True)
        else:
            made = corrected_mean(labels[0], seen[0][s], cluster, unit=True)
        found.append([made.low, made.high, *made.labels[1:], made.gain])
    low, high, labels_low, labels_high, gain = np.array(found).T
    raw_low, raw_high = analytic(seen[0] - seen[1] if two else seen[0], cluster, "unbounded")
    changed = (true[0] != true[1]).mean() if two else min(case.rate, 1 - case.rate)
    events = float(changed) * case.labels
    return Result(
        case=case,
        above=float((low > truth).mean()),
        below=float((high < truth).mean()),
        labels=float(((labels_low <= truth) & (truth <= labels_high)).mean()),
        raw=float(((raw_low <= truth) & (truth <= raw_high)).mean()),
        width=float((high - low).mean() / (labels_high - labels_low).mean()),
        gain=float(gain.mean()),
        events=events,
    )


def run(size: Size) -> list[Result]:
    results = []
    for case in cases(size):
        r = run_case(case, size.tests)
        print(
            f"{case} {100 * r.coverage:.1f} labels {100 * r.labels:.1f} raw {100 * r.raw:.1f} "
            f"width {r.width:.3f} gain {r.gain:.2f}",
            flush=True,
        )
        results.append(r)
    return results


def main() -> None:
    from benchmarks.calibration.judges_page import page

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--small", action="store_true", help="A look in seconds.")
    arguments.add_argument("--output", type=Path, help="Write the page here.")
    given = arguments.parse_args()
    size, start = SMALL if given.small else FULL, time.perf_counter()
    results = run(size)
    print(f"{len(results)} cases in {time.perf_counter() - start:.0f} s")
    if given.output:
        given.output.write_text(page(results, size), encoding="utf-8")


if __name__ == "__main__":
    main()
