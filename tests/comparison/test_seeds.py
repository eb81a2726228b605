"""Intervals that hold the variance between training seeds: coverage, what cancels, what stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.build import build_comparison
from harness.comparison.estimate import analytic_estimates, metric_rows
from harness.comparison.seeds import Seeds, read_seeds, seed_spread
from harness.comparison.table import Table, build_table
from harness.types.results import Comparison, Score
from harness.types.settings import Scenario, Training

from .factories import METRICS, SQUARE, items, scenario, scores, training

ITEMS = items(40)


def told(values: dict[str, np.ndarray], seeds: int) -> tuple[Scenario, list[Score]]:
    rows = [
        row
        for name, by_seed in values.items()
        for r, given in enumerate(by_seed)
        for row in scores("success", {name: given.tolist()}, repeat=r)
    ]
    variants = [v for v in SQUARE if v.name in values]
    return scenario(variants, adapters={"a": Training(seeds=seeds)}), rows


def tabled(values: dict[str, np.ndarray], seeds: int) -> tuple[Table, Seeds]:
    settings, rows = told(values, seeds)
    table = build_table([v.name for v in settings.variants], ITEMS, rows, ())
    return table, read_seeds(settings, table, rows)


def compared(values: dict[str, np.ndarray], seeds: int) -> Comparison:
    """(S, I) values by variant."""
    settings, rows = told(values, seeds)
    return build_comparison(settings, ITEMS, rows, METRICS[:1], {"a": training()}, False)


def answers(rng: np.random.Generator, shift: float, seeds: int, shares: np.ndarray) -> np.ndarray:
    moved = np.clip(shares + rng.normal(0, shift, (seeds, 1)), 0, 1)
    return (rng.random((seeds, len(shares))) < moved).astype(float)


def test_without_a_difference_between_seeds_the_interval_is_that_of_the_items() -> None:
    given = np.tile(np.arange(40) % 3 == 0, (2, 1)).astype(float)
    several = compared({"prompt": given[:1], "lora": given}, 2)
    once = compared({"prompt": given[:1], "lora": given[:1]}, 1)
    one, two = (next(e.estimate for e in c.estimates if e.variant == "lora") for c in (once, several))
    assert (one.low, one.high) == (two.low, two.high)
    assert two.method == f"{one.method}, with 2 training seeds"
    assert "seed" not in one.method


def test_what_the_seeds_of_one_adapter_share_cancels_in_a_contrast() -> None:
    """Retrieval adds to each seed alike, so only the estimates themselves are widened."""
    rng = np.random.default_rng(0)
    lora = rng.random((3, 40)) * 0.2 + np.array([[0.1], [0.3], [0.5]])
    base = rng.random(40) * 0.5
    given = {
        "prompt": base[None],
        "rag": base[None] ** 2,
        "lora": lora,
        "lora-rag": lora + rng.random(40) * 0.1,
    }
    plain = compared(given, 3)
    once = compared({name: v.mean(axis=0, keepdims=True) for name, v in given.items()}, 1)
    (several,), (single,) = plain.interactions, once.interactions
    assert (several.estimate.low, several.estimate.high) == (single.estimate.low, single.estimate.high)
    gap = next(d for d in plain.differences if d.variant == "lora")
    assert gap.estimate.high is not None
    assert gap.estimate.low is not None
    assert gap.estimate.high - gap.estimate.low > 0.8
    assert gap.verdict == "inconclusive"


def test_chance_among_items_and_clusters_is_not_taken_for_seeds() -> None:
    rng = np.random.default_rng(2)
    for size in (1, 3):
        found = [
            seed_spread(np.repeat(rng.normal(size=(3, 60 // size)), size, axis=1), np.arange(60) // size)
            for _ in range(400)
        ]
        between, chance = np.mean(found, axis=0)
        assert chance == pytest.approx(size / 60, rel=0.1)
        assert between == pytest.approx(chance, rel=0.2)


@pytest.mark.parametrize(("seeds", "shift"), [(2, 0.15), (3, 0.15), (5, 0.1)])
def test_intervals_cover_the_mean_over_all_seeds(seeds: int, shift: float) -> None:
    rng = np.random.default_rng(3)
    covered, naive, trials = 0, 0, 400
    whole = np.ones(40, dtype=np.bool_)
    for _ in range(trials):
        given = answers(rng, shift, seeds, rng.beta(6, 6, 40))
        table, held = tabled({"lora": given}, seeds)
        rows = metric_rows(METRICS[0], table.metrics["success"], "unit")
        found = analytic_estimates(rows)
        (wide,) = held.widen("success", whole, rows, [{0: 1.0}], found)
        for estimate, more in ((wide, True), (found[0], False)):
            assert estimate.low is not None
            assert estimate.high is not None
            inside = estimate.low <= 0.5 <= estimate.high
            covered += inside and more
            naive += inside and not more
    assert covered / trials >= 0.925
    assert naive / trials < 0.88
