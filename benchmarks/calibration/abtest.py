"""Do the figures of ``harness abtest`` err as often as they say? Simulated trials with a known truth.

    python -m benchmarks.calibration.abtest --output docs/calibration-abtest.md

Interval: how often the one-look interval holds the true effect. Looking often: how often a test without any effect is
called different when it is looked at after every row, by the confidence sequence and by the plain interval. Split: how
often a fair split is called broken, and an unfair one is. CUPED: bias, coverage and variance against 1 - rho^2.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.calibration import publish
from harness.comparison.bootstrap import stable_seed
from harness.comparison.cuped import Adjusted, adjust, variance_reduction
from harness.comparison.intervals import wilson
from harness.comparison.sequence import FIRST_UNITS, SHARE_OF_SPREAD, half_width, running
from harness.comparison.split import LIMIT, split_check
from harness.comparison.table import Floats
from harness.comparison.trial import Trial, arm_means, difference

SEED = 11
Z = 1.959964


@dataclass(frozen=True)
class World:
    """What a trial is drawn from."""

    kind: str
    """``yes/no``, ``normal`` or ``lognormal`` outcomes."""
    units: int
    rate: float = 0.3
    """Of control's yes/no outcomes."""
    effect: float = 0.0
    share: float = 0.5
    """Of units in treatment."""
    rows: tuple[int, int] = (1, 1)
    """Fewest and most rows of a unit, all numbers equally likely."""
    within: float = 0.0
    """Correlation of the values beneath the outcomes of one unit."""
    rho: float | None = None
    """Correlation of a covariate with a normal outcome."""

    def __str__(self) -> str:
        parts = [self.kind]
        if self.kind == "yes/no":
            parts.append(f"rate {self.rate:g}")
        parts.append(f"{self.units:,} units")
        if self.rows[1] > 1:
            parts.append(f"{self.rows[0]} to {self.rows[1]} rows each, correlation {self.within:g}")
        if self.rho is not None:
            parts.append(f"CUPED with a covariate of correlation {self.rho:g}")
        if self.share != 0.5:
            parts.append(f"{self.share:.0%} treated")
        return ", ".join(parts)


def draw(world: World, rng: np.random.Generator) -> Trial:
    """A trial; rows of all units are mixed in time."""
    treated = rng.random(world.units) < world.share
    sizes = rng.integers(world.rows[0], world.rows[1] + 1, world.units)
    unit = np.repeat(np.arange(world.units), sizes)
    unit = unit[rng.permutation(len(unit))]
    common = rng.normal(size=world.units)
    beneath = world.within**0.5 * common[unit] + (1 - world.within) ** 0.5 * rng.normal(size=len(unit))
    arm = treated[unit].astype(np.int64)
    covariate = None
    if world.rho is not None:
        covariate = world.rho * beneath + (1 - world.rho**2) ** 0.5 * rng.normal(size=len(unit))
    return Trial(("control", "treatment"), arm, _outcomes(world, beneath, arm), unit, covariate)


def _outcomes(world: World, beneath: Floats, arm: np.ndarray) -> Floats:
    from scipy.special import ndtr

    if world.kind == "yes/no":
        return (ndtr(beneath) < world.rate + world.effect * arm).astype(np.float64)
    if world.kind == "lognormal":
        return np.exp(beneath) + world.effect * arm
    return beneath + world.effect * arm


def _rng(world: World, what: str) -> np.random.Generator:
    return np.random.default_rng(stable_seed(SEED, what, repr(world)))


def coverage(world: World, trials: int) -> float:
    """Share of trials whose interval holds the true effect."""
    rng, held = _rng(world, "coverage"), 0
    for _ in range(trials):
        trial = draw(world, rng)
        control, treatment = arm_means(trial, trial.outcome, 0.95)
        found = difference(treatment, control)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= world.effect <= found.high
    return held / trials


def peeking(world: World, trials: int) -> tuple[float, float]:
    """Share of trials called different at any row from the first look on: by the sequence, by a plain interval."""
    rng, ours, naive = _rng(world, "peeking"), 0, 0
    for _ in range(trials):
        trial = draw(world, rng)
        adjusted = adjust(trial) if world.rho is not None else None
        values = adjusted.values if isinstance(adjusted, Adjusted) else trial.outcome
        found = running(values, trial.arm == 1, trial.cluster)
        scale = SHARE_OF_SPREAD * float(values[: found.first + 1].std())
        distance = np.abs(found.effect - world.effect)
        ours += bool((distance > half_width(found.error, scale, 0.05)).any())
        naive += bool((distance > Z * found.error).any())
    return ours / trials, naive / trials


def broken(units: int, share: float, trials: int) -> float:
    """Share of trials whose split is called broken where half was meant and ``share`` is true."""
    rng = np.random.default_rng(stable_seed(SEED, "split", str(units), str(share)))
    counts = rng.binomial(units, share, trials)
    return sum(split_check((int(n), units - int(n)), (0.5, 0.5)).broken for n in counts) / trials


@dataclass(frozen=True)
class CupedResult:
    bias: float
    """Mean error of the adjusted effect, in its standard errors over the trials."""
    coverage: float
    reduction: float
    """Mean of the stated variance reductions."""
    true_reduction: float
    """Of the variance over trials."""


def cuped(world: World, trials: int) -> CupedResult:
    rng, stated, held = _rng(world, "cuped"), [], 0
    plain, adjusted_effects = [], []
    for _ in range(trials):
        trial = draw(world, rng)
        adjusted = adjust(trial)
        assert isinstance(adjusted, Adjusted)
        control, treatment = arm_means(trial, adjusted.values, 0.95)
        found = difference(treatment, control)
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= world.effect <= found.high
        adjusted_effects.append(found.value - world.effect)
        stated.append(variance_reduction(trial, adjusted, 1) or 0.0)
        plain.append(
            float(trial.outcome[trial.arm == 1].mean() - trial.outcome[trial.arm == 0].mean()) - world.effect
        )
    errors = np.array(adjusted_effects)
    return CupedResult(
        bias=float(errors.mean() / (errors.std(ddof=1) / trials**0.5)),
        coverage=held / trials,
        reduction=float(np.mean(stated)),
        true_reduction=float(1 - errors.var() / np.var(plain)),
    )


INTERVALS = (
    *(World("yes/no", n, r, 0.02) for n in (200, 2000) for r in (0.05, 0.3)),
    World("yes/no", 2000, 0.3, 0.02, share=0.1),
    World("yes/no", 400, 0.3, 0.02, rows=(1, 8), within=0.4),
    World("yes/no", 40, 0.3, 0.02, rows=(1, 20), within=0.4),
    World("normal", 200, effect=0.2),
    World("lognormal", 200, effect=0.2),
    World("lognormal", 2000, effect=0.2),
    World("lognormal", 40, effect=0.2, rows=(1, 20), within=0.4),
)
LOOKED_AT = (
    *(World("yes/no", n, r) for n in (2000, 20_000) for r in (0.05, 0.3)),
    World("yes/no", 2000, 0.3, share=0.2),
    World("yes/no", 2000, 0.3, rows=(1, 8), within=0.4),
    World("yes/no", 200, 0.3, rows=(20, 60), within=0.4),
    World("yes/no", 200, 0.3, rows=(20, 60), within=0.0),
    World("normal", 2000),
    World("normal", 2000, rho=0.7),
    World("lognormal", 2000),
)


def page(trials: int) -> str:
    lines = [
        "# Do the figures of an A/B test err as often as they say?",
        "",
        "Made by `python -m benchmarks.calibration.abtest --output docs/calibration-abtest.md` (seed "
        f"{SEED}, {trials:,} trials a line); do not edit.",
        "Ranges are 95% (Wilson) for the number of trials. What the figures mean: [how to read an A/B "
        "test](how-to/read-an-ab-test.md).",
        "",
        "## The interval for one look",
        "",
        "| trial | holds the true effect |",
        "|---|---|",
    ]
    for world in INTERVALS:
        lines.append(f"| {world} | {_share(coverage(world, trials), trials)} |")
    lines += [
        "",
        "## Looking after every row",
        "",
        "There is no effect. A test is falsely called different if any look, from the first "
        f"({FIRST_UNITS} units in each arm) to the last, leaves out zero; at most 5% may be.",
        "",
        "| trial | confidence sequence | plain 95% interval |",
        "|---|---|---|",
    ]
    for world in LOOKED_AT:
        ours, naive = peeking(world, trials)
        lines.append(f"| {world} | {_share(ours, trials)} | {_share(naive, trials)} |")
    lines += [
        "",
        f"## Sample-ratio mismatch, at {LIMIT:g}",
        "",
        "| units | true share | called broken |",
        "|---|---|---|",
    ]
    for units, share in ((100, 0.5), (10_000, 0.5), (1_000_000, 0.5), (10_000, 0.52), (100_000, 0.51)):
        many = max(trials, 5000)
        lines.append(f"| {units:,} | {share:.0%} | {_share(broken(units, share, many), many)} |")
    lines += [
        "",
        "## CUPED",
        "",
        "*Bias* is the mean error in its own standard errors over the trials.",
        "",
        "| correlation | units | bias | holds the true effect | less variance, as stated | over the trials | rho² |",
        "|---|---|---|---|---|---|---|",
    ]
    for rho in (0.0, 0.3, 0.7, 0.9):
        for units in (100, 2000):
            found = cuped(World("normal", units, effect=0.2, rho=rho), trials)
            lines.append(
                f"| {rho:g} | {units:,} | {found.bias:+.1f} | {_share(found.coverage, trials)} | "
                f"{found.reduction:.1%} | {found.true_reduction:.1%} | {rho**2:.1%} |"
            )
    return "\n".join(lines) + "\n"


def _share(share: float, n: int) -> str:
    low, high = wilson(share, n)
    return f"{share:.1%} ({low:.1%} to {high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    publish(page(given.trials), given.output)


if __name__ == "__main__":
    main()
