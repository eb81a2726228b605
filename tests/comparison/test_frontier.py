from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.comparison.frontier import Figures, build_frontier


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


@given(st.lists(st.tuples(*[st.integers(0, 3).map(float)] * 3), min_size=1, max_size=8))
def test_somebody_is_always_on_the_frontier_and_nobody_dominates_back(points: list[Figures]) -> None:
    found = dominated({f"v{k}": point for k, point in enumerate(points)})
    assert any(not by for by in found.values())
    assert not any(name in found[other] for name, by in found.items() for other in by)
