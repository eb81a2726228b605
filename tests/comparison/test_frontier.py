from __future__ import annotations

import numpy as np
from hypothesis import given as drawn
from hypothesis import strategies as st

from harness.comparison.frontier import Figures, build_frontier, probability_dominated
from harness.comparison.table import build_table
from harness.types.economics import Ranges
from harness.types.settings import VariantSpec

from .factories import WHOLE, contest_of, items, model_of, scenario, scores


def dominated(figures: dict[str, Figures], up: bool = True) -> dict[str, tuple[str, ...]]:
    return {point.variant: point.dominated_by for point in build_frontier(figures, up)}


def test_worked_example() -> None:
    figures: dict[str, Figures] = {"a": (0.9, 2, 5), "b": (0.8, 1, 5), "c": (0.8, 2, 5), "d": (0.8, 1, 5)}
    assert dominated(figures) == {"a": (), "b": (), "c": ("a", "b", "d"), "d": ()}
    assert dominated({"a": (0.1, 1, 1), "b": (0.2, 1, 1)}, up=False) == {"a": (), "b": ("a",)}


def test_unknown_is_neither_good_nor_bad() -> None:
    assert dominated({"a": (0.9, 1, 1), "b": (0.1, None, 9)}) == {"a": (), "b": ()}
    assert dominated({"a": (0.9, None, 1), "b": (0.1, None, 9)}) == {"a": (), "b": ("a",)}
    assert dominated({"a": (None, None, None)}) == {"a": ()}


@drawn(st.lists(st.tuples(*[st.integers(0, 3).map(float)] * 3), min_size=1, max_size=8))
def test_somebody_is_always_on_the_frontier_and_nobody_dominates_back(points: list[Figures]) -> None:
    found = dominated({f"v{k}": point for k, point in enumerate(points)})
    assert any(not by for by in found.values())
    assert not any(name in found[other] for name, by in found.items() for other in by)


def test_the_probability_of_being_dominated_follows_the_noise() -> None:
    """b costs more than a and is as fast: it is dominated exactly where it is not better, which is uncertain."""
    rng = np.random.default_rng(0)
    n = 300
    wins = {
        name: (rng.permutation(n) < rate * n).astype(float).tolist()
        for name, rate in (("a", 0.5), ("b", 0.53), ("c", 0.2))
    }
    rows = scores("success", wins) + scores(
        "cost", {name: [m / 1000] * n for name, m in (("a", 1), ("b", 2), ("c", 3))}
    )
    table = build_table(tuple(wins), items(n), rows, ())
    given = scenario([VariantSpec(name=name) for name in wins])
    found = probability_dominated(contest_of(given, table), table, model_of(given, table), Ranges(), WHOLE)
    assert found["a"] == 0
    assert found["c"] == 1
    assert 0.1 < found["b"] < 0.45


def test_a_variant_without_a_figure_has_no_probability() -> None:
    rows = scores("success", {"a": [1.0, 0] * 9, "b": [1.0, 0] * 9}) + scores("cost", {"a": [0.001] * 18})
    table = build_table(("a", "b"), items(18), rows, ())
    given = scenario([VariantSpec(name=name) for name in "ab"])
    assert probability_dominated(
        contest_of(given, table), table, model_of(given, table), Ranges(), WHOLE
    ) == {"a": 0}
