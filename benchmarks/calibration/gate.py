"""Does the gate keep its word? False passes at the margin, over 20 looks, regressions caught, power.

    .venv/bin/python -m benchmarks.calibration.gate [--small] [--output docs/calibration-gate.md]

Every population has a known truth and every simulation its own seed, so the table is the same on every machine. The
bounds are those that ``harness.gate.decide`` tests with: ``analytic_estimates`` at the alpha of the look.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import sqrt
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from benchmarks.calibration import publish
from harness.comparison.estimate import Rows, analytic_estimates
from harness.gate.looks import TOTAL_ALPHA, look_alpha

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Random = np.random.Generator
LOOKS = 20
SEED = 20261101


@dataclass(frozen=True)
class Size:
    """How much is simulated."""

    tests: int
    sequences: int
    items: Sequence[int]
    flag: str = ""
    """How it is asked for on the command line, for the page."""


FULL = Size(tests=4000, sequences=4000, items=(100, 204, 500, 1000))
SMALL = Size(tests=300, sequences=150, items=(204,), flag=" --small")


@dataclass(frozen=True)
class Population:
    """Yes-or-no items with a candidate and a baseline; rates, margins and correlations are true ones.

    Correlations are those of the normal variables beneath: of the items of a cluster, and of the two sides of an
    item, which share its difficulty.
    """

    items: int
    cluster_size: int = 1
    alike: float = 0.0
    paired: float = 0.5
    rate: float = 0.7
    """Of the baseline."""
    difference: float = 0.0

    def clusters(self) -> Ints:
        return np.arange(self.items) // self.cluster_size

    def pairs(self, tests: int, rng: Random) -> tuple[Floats, Floats]:
        """(S, I) of 0 and 1 for candidate and baseline."""
        hard = self._normal(tests, rng)
        return self._side(self.rate + self.difference, hard, rng), self._side(self.rate, hard, rng)

    def _side(self, rate: float, hard: Floats, rng: Random) -> Floats:
        own = self._normal(len(hard), rng)
        ability = sqrt(self.paired) * hard + sqrt(1 - self.paired) * own
        return (ability < ndtri(rate)).astype(np.float64)

    def _normal(self, tests: int, rng: Random) -> Floats:
        own = rng.standard_normal((tests, self.items))
        shared = rng.standard_normal((tests, self.items // self.cluster_size + 1))[:, self.clusters()]
        return sqrt(self.alike) * shared + sqrt(1 - self.alike) * own


def bounds(
    values: Floats, cluster: Ints, support: Literal["unit", "signed"], alpha: float
) -> tuple[Floats, Floats]:
    """(S,) lower and (S,) upper one-sided bounds of the means of (S, I) values."""
    tests = len(values)
    rows = Rows(values, cluster, (0,) * tests, ("",) * tests, "mean", support)
    found = analytic_estimates(rows, 1 - 2 * alpha)
    assert all(e.low is not None and e.high is not None for e in found)
    return np.array([e.low for e in found], dtype=float), np.array([e.high for e in found], dtype=float)


def naive_low(values: Floats) -> Floats:
    """Lower bound that takes items for independent and their mean for normal, at 5% whatever the look."""
    error = values.std(axis=1, ddof=1) / sqrt(values.shape[1])
    return np.asarray(values.mean(axis=1) - ndtri(1 - TOTAL_ALPHA) * error)


def random(*key: int) -> Random:
    return np.random.default_rng([SEED, *key])


# --- false passes at the margin -----------------------------------------------------------------


@dataclass(frozen=True)
class FalsePass:
    population: Population
    margin: float | None
    """None for a floor: the candidate's own rate is exactly at it."""
    ours: float
    naive: float


def clusterings() -> tuple[tuple[int, float], ...]:
    """Size of the clusters and how alike their items are."""
    return (1, 0.0), (4, 0.3), (4, 0.7)


def at_the_margin(size: Size) -> Iterator[FalsePass]:
    """Candidates exactly as much worse as the rule excludes: every pass at the first look is wrong."""
    grid = product(size.items, clusterings(), (0.0, 0.5, 0.9), (0.5, 0.9), (0.05, 0.1))
    for number, (n, (width, alike), paired, rate, margin) in enumerate(grid):
        population = Population(n, width, alike, paired, rate, -margin)
        now, then = population.pairs(size.tests, random(1, number))
        change = now - then
        low = bounds(change, population.clusters(), "signed", look_alpha(1))[0]
        yield FalsePass(population, margin, share(low >= -margin), share(naive_low(change) >= -margin))


def at_the_floor(size: Size) -> Iterator[FalsePass]:
    for number, (n, (width, alike), rate) in enumerate(product(size.items, clusterings(), (0.5, 0.8, 0.95))):
        population = Population(n, width, alike, rate=rate)
        now = population.pairs(size.tests, random(2, number))[0]
        low = bounds(now, population.clusters(), "unit", look_alpha(1))[0]
        yield FalsePass(population, None, share(low >= rate), share(naive_low(now) >= rate))


def share(hits: NDArray[np.bool_]) -> float:
    return float(np.mean(hits))


# --- looking again ------------------------------------------------------------------------------

Redraw = Callable[[int, Floats, Random], Floats]
"""Changes of a look from its number and those of the first: (S, I)."""


@dataclass(frozen=True)
class Looked:
    kind: str
    first: float
    """Share that passes at the first look."""
    ours: float
    """Share that passes at any of the looks."""
    naive: float


def over_looks(size: Size) -> Iterator[Looked]:
    """The same candidate, at the margin, judged 20 times; every pass at any look is wrong."""
    margin = 0.05
    base = Population(204, rate=0.8, difference=-margin)
    for number, kind in enumerate(
        ("new items each time", "the same items asked again", "a growing set of items")
    ):
        rng = random(3, number)
        passed, naive, first = (np.zeros(size.sequences, dtype=bool) for _ in range(3))
        pool = replace(base, items=base.items * 5) if number == 2 else base
        now, then = pool.pairs(size.sequences, rng)
        for look in range(1, LOOKS + 1):
            if number == 0 and look > 1:
                now, then = base.pairs(size.sequences, rng)
            if number == 1 and look > 1:  # one answer in ten comes out anew
                again = rng.random(now.shape) < 0.1
                now = np.where(again, rng.random(now.shape) < base.rate - margin, now).astype(np.float64)
            seen = min(pool.items, round(base.items * 1.09 ** (look - 1))) if number == 2 else base.items
            change = (now - then)[:, :seen]
            passed |= bounds(change, np.arange(seen), "signed", look_alpha(look))[0] >= -margin
            naive |= naive_low(change) >= -margin
            if look == 1:
                first = passed.copy()
        yield Looked(kind, share(first), share(passed), share(naive))


# --- regressions and power ----------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    population: Population
    passed: float
    failed: float
    textbook: float
    """Chance to pass by the normal approximation for independent items at 5%."""


def outcomes(size: Size, differences: Sequence[float], key: int, margin: float = 0.05) -> Iterator[Outcome]:
    """Verdicts on ``not_worse_by: 0.05`` at the first look, for candidates of known difference."""
    for number, (n, difference, paired) in enumerate(product((*size.items, 2000), differences, (0.5, 0.9))):
        population = Population(n, paired=paired, difference=difference)
        now, then = population.pairs(size.tests, random(key, number))
        change = now - then
        low, high = bounds(change, population.clusters(), "signed", look_alpha(1))
        error = sqrt(float(np.mean(change**2)) - difference**2) / sqrt(n)
        textbook = float(ndtr((difference + margin) / error - ndtri(1 - TOTAL_ALPHA)))
        yield Outcome(population, share(low >= -margin), share(high < -margin), textbook)


# --- the page -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Results:
    margin: list[FalsePass]
    floor: list[FalsePass]
    looks: list[Looked]
    regressions: list[Outcome]
    power: list[Outcome]


def simulate(size: Size) -> Results:
    return Results(
        list(at_the_margin(size)),
        list(at_the_floor(size)),
        list(over_looks(size)),
        list(outcomes(size, (-0.1, -0.15), 4)),
        list(outcomes(size, (0.0, 0.02), 5)),
    )


def main() -> None:
    from benchmarks.calibration.gate_page import page

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--small", action="store_true", help="A look in seconds.")
    arguments.add_argument("--output", type=Path, help="Write the page here instead of printing it.")
    given = arguments.parse_args()
    size = SMALL if given.small else FULL
    publish(page(simulate(size), size), given.output)


if __name__ == "__main__":
    main()
