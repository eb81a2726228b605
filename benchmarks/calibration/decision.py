"""Are decisions as good, and as sure, as they say? Scenarios with known truth, decided by the harness itself.

    python -m benchmarks.calibration.decision [--small] [--output docs/calibration-decision.md]

2,000 scenarios take about two minutes; ``--small`` is 200. Each draws variants, success and harm rates, item
difficulties shared by all variants and by the items of a cluster, costs, volume and the value of a success; then a
sample of items, from which ``harness.comparison`` chooses. The truth is the rates themselves, by quadrature over the
difficulties.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.calibration import publish
from benchmarks.calibration.worlds import Floats, World, world
from harness.comparison.bootstrap import Resampler
from harness.comparison.breakeven import break_evens
from harness.comparison.estimate import analytic_estimates, metric_rows
from harness.comparison.frontier import probability_dominated
from harness.comparison.model import Contest, build_model
from harness.comparison.utility import rank
from harness.comparison.worth import believe, probability_best, regret
from harness.types.decision import DecisionModel
from harness.types.economics import Ranges
from harness.types.results import MetricInfo
from harness.types.settings import Choice

BINS = np.array([0, 0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98, 1.0])
WAYS = {
    "money": "worth in money",
    "quality": "quality, no value stated",
    "naive": "worth in money, naive bootstrap",
}
SUCCESS = MetricInfo(name="success", label="success", description="", unit="rate", higher_is_better=True)


@dataclass(frozen=True)
class Verdicts:
    """What was said and what was true, over all worlds."""

    stated: Floats
    """Probability of being best, of every variant of every world."""
    best: Floats
    """1 where it was."""
    of_choice: Floats
    choice_right: Floats
    regret: Floats
    """Of the choice, as a share of the value."""
    expected_regret: Floats
    """As the harness stated it, likewise."""


def seen(given: World, seed: int, stated_value: bool) -> tuple[Contest, DecisionModel, Resampler]:
    """What the harness makes of a world."""
    matrix, resampler = given.table.metrics["success"], Resampler(seed, "all", 2000)
    quality = analytic_estimates(metric_rows(SUCCESS, matrix, "unit"))
    contest = Contest(Choice(), SUCCESS, matrix, "unit", quality, [None] * len(quality))
    scenario = given.scenario
    if not stated_value:
        priceless = {"value_of_success": None, "cost_of_harm": None}
        scenario = scenario.model_copy(update={"economics": scenario.economics.model_copy(update=priceless)})
    return contest, build_model(scenario, given.table, given.trainings, {}, contest), resampler


def decided(given: World, seed: int, stated_value: bool) -> tuple[int, Floats, Floats]:
    """Row of the choice, and of each variant the probability of being best and the expected regret."""
    contest, model, resampler = seen(given, seed, stated_value)
    outcomes, ranking, _ = rank(model, model.terms)
    belief = believe(contest, given.table, model, outcomes, Ranges(), resampler)
    assert belief is not None
    choice = [v.variant for v in model.variants].index(ranking[0])
    return choice, np.array(probability_best(belief)), np.array(regret(belief))


def dominance(n: int) -> tuple[Floats, Floats]:
    """Stated probabilities of being dominated in success and cost, and 1 where that is true."""
    stated, true = [], []
    for seed in range(n):
        given = world(seed)
        contest, model, resampler = seen(given, seed, True)
        found = probability_dominated(contest, given.table, model, Ranges(), resampler)
        for k, v in enumerate(model.variants):
            better = (given.success >= given.success[k]) & (given.cost <= given.cost[k])
            better[k] = False
            stated.append(found[v.variant])
            true.append(float(better.any()))
    return np.array(stated), np.array(true)


def break_even_coverage(n: int) -> tuple[int, int]:
    """Pairs with a true break-even volume in range, and how many of their intervals hold it.

    Only pairs whose sampled volumes have the same side cheaper in the long run as the true ones have.
    """
    pairs = covered = 0
    for seed in range(n):
        given = world(seed)
        _, model, resampler = seen(given, seed, True)
        row = {v.variant: k for k, v in enumerate(model.variants)}
        slope, fixed = given.seconds / given.success, given.once / 3 / given.success
        for found in break_evens(given.table, model, Ranges(), resampler):
            a, b = row[found.cheaper_above], row[found.other]
            if fixed[a] <= fixed[b] or slope[a] >= slope[b]:
                continue
            true = (fixed[a] - fixed[b]) / (slope[b] - slope[a])
            if 100 <= true <= 1e7:
                pairs += 1
                covered += bool((found.low or 0) <= true <= (found.high or np.inf))
    return pairs, covered


def naive(given: World, seed: int) -> tuple[int, Floats, Floats]:
    """The same by the plain bootstrap of items: no clusters, nothing pulled together."""
    rng = np.random.default_rng(seed)
    e = given.scenario.economics
    net = e.value_of_success * given.table.metrics["success"].values  # type: ignore[operator]
    net = net - e.cost_of_harm * given.table.metrics["harm"].values - given.table.metrics["cost"].values  # type: ignore[operator]
    n = net.shape[1]
    counts = np.stack([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(500)])
    fixed = given.once / 3 / e.monthly_requests
    draws = e.monthly_requests * (net @ counts.T / n - fixed[:, None])
    best = np.bincount(draws.argmax(axis=0), minlength=len(net)) / draws.shape[1]
    choice = int((net.mean(axis=1) - fixed).argmax())
    return choice, best, (draws.max(axis=0) - draws).mean(axis=1)


def collect(worlds: Sequence[tuple[World, tuple[int, Floats, Floats]]], by_quality: bool = False) -> Verdicts:
    stated, best, of_choice, right, lost, expected = [], [], [], [], [], []
    for given, (choice, probability, regrets) in worlds:
        truth = given.success if by_quality else given.worth
        size = 1.0 if by_quality else given.value
        top = int(truth.argmax())
        stated += probability.tolist()
        best += [float(k == top) for k in range(len(truth))]
        of_choice.append(probability[choice])
        right.append(float(choice == top))
        lost.append((truth[top] - truth[choice]) / size)
        expected.append(regrets[choice] / size)
    return Verdicts(*(np.array(each) for each in (stated, best, of_choice, right, lost, expected)))


def calibration_error(stated: Floats, true: Floats) -> float:
    """Mean over the bins of |stated - true|, weighted by how much falls into each (Naeini et al. 2015)."""
    place = np.clip(np.searchsorted(BINS, stated, side="right") - 1, 0, len(BINS) - 2)
    gaps = [abs(stated[place == b].sum() - true[place == b].sum()) for b in range(len(BINS) - 1)]
    return float(sum(gaps) / len(stated))


def noise_floor(stated: Floats, rng: np.random.Generator) -> float:
    """The error that a perfectly calibrated statement would show on so many cases, by chance alone."""
    errors = [calibration_error(stated, (rng.random(len(stated)) < stated).astype(float)) for _ in range(200)]
    return float(np.mean(errors))


def summary(name: str, found: Verdicts) -> str:
    rng = np.random.default_rng(0)
    error, floor = calibration_error(found.stated, found.best), noise_floor(found.stated, rng)
    choice = found.of_choice.mean() - found.choice_right.mean()
    within = ((found.choice_right == 1) | (found.regret <= 0.01)).mean()
    return (
        f"| {name} | {error:.3f} | {floor:.3f} | {choice:+.3f} | {found.choice_right.mean():.1%} | {within:.1%} | "
        f"{found.regret.mean():.2%} | {found.expected_regret.mean():.2%} |"
    )


def reliability(found: Verdicts) -> list[str]:
    lines = ["| stated between | cases | mean stated | truly best |", "|---|---|---|---|"]
    place = np.clip(np.searchsorted(BINS, found.stated, side="right") - 1, 0, len(BINS) - 2)
    for b in range(len(BINS) - 1):
        inside = place == b
        if inside.any():
            ends = f"{BINS[b]:.0%} and {BINS[b + 1]:.0%}"
            share = found.best[inside].mean()
            lines.append(f"| {ends} | {inside.sum():,} | {found.stated[inside].mean():.1%} | {share:.1%} |")
    return lines


def judge(way: str, n: int) -> Verdicts:
    """All worlds decided in one ``way``: by ``money``, by ``quality`` or ``naive``ly."""
    worlds = []
    for seed in range(n):
        given = world(seed)
        worlds.append((given, naive(given, seed) if way == "naive" else decided(given, seed, way == "money")))
    return collect(worlds, by_quality=way == "quality")


INTRODUCTION = """# Are the decisions right, and as sure as they say?

Made by `python -m benchmarks.calibration.decision`; do not edit. {n:,} simulated scenarios (seeds 0 to {last:,}), each
decided by the harness from a sample, and compared with the truth that the sample was drawn from: 2 to 6 variants, 60
to 1,000 items in clusters of 1 to 4 that are alike by 0 to 0.7, variants that differ by next to nothing or by a lot,
costs of a request of about 1 against a success worth 3 to 300, some with a training to pay off. *Error of P(best)* is
the expected calibration error over twelve bins, of the probability stated for every variant; beside it what a perfect
statement would show by chance. *Regret* is what the choice truly loses against the best variant, as a share of what
the best variant's successes are worth.
"""


def document(n: int) -> str:
    """All tables, as Markdown."""
    found = {way: judge(way, n) for way in WAYS}
    lines = [
        INTRODUCTION.format(n=n, last=n - 1),
        "| ranked by | error of P(best) | by chance | P(best) of the choice, stated less true | choice right "
        "| right or within 1% of value | regret | regret as stated |",
        "|---|---|---|---|---|---|---|---|",
        *(summary(WAYS[way], verdicts) for way, verdicts in found.items()),
        "",
        "The naive bootstrap resamples items as if they were independent and ranks by plain means. Where no value of "
        "a success is stated, the harness gives up quality that is not clearly better for a lower cost, so its choice "
        "is not meant to be the best in quality; its regret is in points of success.",
        "",
    ]
    stated, true = dominance(n)
    error, floor = calibration_error(stated, true), noise_floor(stated, np.random.default_rng(0))
    pairs, covered = break_even_coverage(n)
    lines += [
        f"Probability of being dominated: error {error:.3f} ({floor:.3f} by chance) over {len(stated):,} variants.",
        "",
        f"Break-even volumes: {covered / pairs:.1%} of {pairs:,} intervals of 95% hold the true volume.",
        "",
    ]
    for way, title in (("money", "Worth in money"), ("naive", "The same by the naive bootstrap")):
        lines += [f"## {title}: what was stated, and what was true", "", *reliability(found[way]), ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Calibration of decisions on simulated scenarios.")
    parser.add_argument("--small", action="store_true", help="200 scenarios in place of 2,000")
    parser.add_argument("--output", type=Path, help="write the Markdown here in place of printing it")
    given = parser.parse_args()
    publish(document(200 if given.small else 2000), given.output)


if __name__ == "__main__":
    main()
