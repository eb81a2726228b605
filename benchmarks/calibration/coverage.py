"""How often the intervals hold the truth, beside those of methods in common use.

    python -m benchmarks.calibration.coverage [--small] [--seed 7] [--tests 2000] [--output docs/calibration.md]

Prints one line for each case while it works and writes the table as Markdown. ``--small`` is a few cases, for the
tests of the repository.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import scipy

from benchmarks.calibration import methods, populations
from benchmarks.calibration.alarms import TESTS, null_cases, run_alarms
from benchmarks.calibration.cases import Case, Result, cases, small_cases
from benchmarks.calibration.populations import Floats, Ints
from benchmarks.calibration.table import write_table
from harness.comparison.bootstrap import stable_seed

RESAMPLES = 400
"""Of the bootstraps that ours is compared with."""
NAIVE_TESTS = 500
"""A bootstrap is far from its target or close to it; so many tests tell."""


def simulate(case: Case, tests: int, seed: int) -> tuple[Floats, Ints, Floats]:
    """(S, I) values, (I,) clusters and (S,) true values."""
    rng = np.random.default_rng(stable_seed(seed, repr(case)))
    cluster = populations.cluster_numbers(case.n, case.within is None, rng)
    within, paired = case.within or 0.0, case.paired or 0.0
    if case.rate is not None:
        first = populations.near(case.rate, tests, rng)
        if case.kind == "share":
            return populations.yes_no(first, within, cluster, rng), cluster, first
        second = populations.near(case.rate, tests, rng)
        changes = populations.paired_yes_no(first, second, paired, within, cluster, rng)
        return changes, cluster, first - second
    one, two = populations.normal_pairs(tests, paired, within, cluster, rng)
    latency = "latency" in case.kind
    shape = populations.latencies if latency else populations.overlaps
    values, mean = shape(one, 1.5 if latency else 0.9)
    if case.kind == "median latency":
        return values, cluster, np.full(tests, 1.5)
    if not case.kind.endswith("difference"):
        return values, cluster, np.full(tests, mean)
    others, other_mean = shape(two, 1.0 if latency else 0.8)
    return values - others, cluster, np.full(tests, mean - other_mean)


def expected_events(case: Case, cluster: Ints, values: Floats) -> float:
    """Items of the rarer outcome over the design effect (Kish) of the case's correlation."""
    sizes = np.bincount(cluster).astype(np.float64)
    effect = 1 + ((sizes**2).sum() / sizes.sum() - 1) * (case.within or 0.0)
    rarer = 1.0
    if case.kind == "share":
        assert case.rate is not None
        rarer = min(case.rate, 1 - case.rate)
    elif case.kind == "paired yes/no":
        rarer = float((values != 0).mean())
    return float(rarer * case.n / effect)


def run_case(case: Case, tests: int, seed: int) -> Result:
    values, cluster, truth = simulate(case, tests, seed)
    ours = methods.analytic(values, cluster, case.support, case.statistic)
    above, below = methods.missed(ours, truth)
    events, clusters = expected_events(case, cluster, values), int(cluster[-1]) + 1
    if case.statistic == "median":
        return Result(case, clusters, events, above, below, None, {})
    wald = methods.wald(values)
    known = np.isfinite(ours[0]) & np.isfinite(ours[1])
    width = float((ours[1] - ours[0])[known].mean() / (wald[1] - wald[0])[known].mean())
    few = slice(0, min(tests, NAIVE_TESTS))
    others = {"Wald": 1 - sum(methods.missed(wald, truth))}
    for name, method in methods.RESAMPLED.items():
        others[name] = 1 - sum(methods.missed(method(values[few], cluster, RESAMPLES), truth[few]))
    return Result(case, clusters, events, above, below, width, others)


def run(given: Iterable[Case], tests: int, seed: int) -> list[Result]:
    results = []
    for case in given:
        results.append(run_case(case, tests, seed))
        others = " ".join(f"{name} {100 * covered:.1f}" for name, covered in results[-1].others.items())
        print(f"{case} ours {100 * results[-1].coverage:.1f} | {others}", flush=True)
    return results


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--small", action="store_true")
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--tests", type=int, default=2000)
    arguments.add_argument("--output", type=Path)
    given = arguments.parse_args()
    start = time.perf_counter()
    results = run(small_cases() if given.small else cases(), given.tests, given.seed)
    alarms = run_alarms([] if given.small else null_cases(), TESTS, given.seed)
    print(f"{len(results) + len(alarms)} cases in {time.perf_counter() - start:.0f} s")
    if given.output:
        versions = f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
        command = " ".join(("python -m benchmarks.calibration.coverage", *sys.argv[1:]))
        text = write_table(
            results, alarms, given.tests, NAIVE_TESTS, RESAMPLES, command, given.seed, versions
        )
        given.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
