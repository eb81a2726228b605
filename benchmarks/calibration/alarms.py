"""How often two variants that are truly alike are called different at 5%: our sign-flip test beside a paired t-test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import stdtrit

from benchmarks.calibration import populations
from benchmarks.calibration.cases import PAIRED, SIZES, WITHIN, Case
from benchmarks.calibration.populations import Floats, Ints
from harness.comparison.bootstrap import cluster_sums, stable_seed
from harness.comparison.permutation import sign_flip_p

LEVEL = 0.05
TESTS = 1000


@dataclass(frozen=True)
class Alarm:
    case: Case
    clusters: int
    ours: float
    """Share of tests with p <= 5%."""
    naive: float
    """The same of a t-test on the items' differences."""


def null_cases() -> Iterator[Case]:
    for n, within, paired in product(SIZES, WITHIN, PAIRED[:2]):
        for rate in (0.1, 0.5):
            yield Case("paired yes/no", n, within, rate, paired)
        yield Case("latency difference", n, within, paired=paired)
        yield Case("overlap difference", n, within, paired=paired)


def simulate_null(case: Case, tests: int, seed: int) -> tuple[Floats, Ints]:
    """(S, I) differences whose true mean is 0. Latencies have equal means and unequal spread, so they are skewed."""
    rng = np.random.default_rng(stable_seed(seed, "null", repr(case)))
    cluster = populations.cluster_numbers(case.n, case.within is None, rng)
    within, paired = case.within or 0.0, case.paired or 0.0
    if case.rate is not None:
        rates = populations.near(case.rate, tests, rng)
        return populations.paired_yes_no(rates, rates, paired, within, cluster, rng), cluster
    one, two = populations.normal_pairs(tests, paired, within, cluster, rng)
    if case.kind == "overlap difference":
        return populations.overlaps(one, 0.85)[0] - populations.overlaps(two, 0.85)[0], cluster
    (slow, mean), (even, other) = populations.latencies(one, 1.0), populations.latencies(two, 1.0, 0.4)
    return slow - even * mean / other, cluster


def run_alarm(case: Case, tests: int, seed: int) -> Alarm:
    values, cluster = simulate_null(case, tests, seed)
    sums = cluster_sums(values, cluster, int(cluster[-1]) + 1)
    ours = np.mean([sign_flip_p(row) <= LEVEL for row in sums])
    error = values.std(axis=1, ddof=1) / np.sqrt(case.n)
    naive = np.abs(values.mean(axis=1)) > stdtrit(case.n - 1, 1 - LEVEL / 2) * error
    return Alarm(case, int(cluster[-1]) + 1, float(ours), float(naive.mean()))


def run_alarms(given: Iterable[Case], tests: int, seed: int) -> list[Alarm]:
    alarms = []
    for case in given:
        alarms.append(run_alarm(case, tests, seed))
        print(
            f"{case} false alarms {100 * alarms[-1].ours:.1f} | t-test {100 * alarms[-1].naive:.1f}",
            flush=True,
        )
    return alarms
