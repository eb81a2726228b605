from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.variance import NOT_TRAINED, ONE_REPEAT, ONE_SEED, components, variance_parts
from harness.types.results import Score

from .factories import scores


def repeated(values: np.ndarray, variant: str = "a") -> list[Score]:
    """(I, R) values as rows of R repeats."""
    return [
        row for r, column in enumerate(values.T) for row in scores("m", {variant: column.tolist()}, repeat=r)
    ]


def test_parts_are_recovered() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 2, (4000, 1)) + rng.normal(0, 1, (4000, 3))
    (parts,) = variance_parts(["a"], {"a": 1}, [], "m", repeated(values))
    assert parts.item == pytest.approx(4, rel=0.08)
    assert parts.sampling == pytest.approx(1, rel=0.05)
    assert (parts.training_seed, parts.training_reason, parts.reason) == (None, ONE_SEED, None)


def test_unbalanced_repeats_match_the_textbook_formula() -> None:
    """Snedecor & Cochran 1989, section 13.6: sampling from within, item = (MSB - MSW) / n0."""
    values = np.array([[1.0, 3, 2], [5, 5, -1], [4, -1, -1], [8, 9, 10]])
    rows = [row for row in repeated(values) if row.value != -1]
    (parts,) = variance_parts(["a"], {}, [], "m", rows)
    within = (2 + 0 + 0 + 2) / (9 - 4)
    means, counts = np.array([2.0, 5, 4, 9]), np.array([3, 2, 1, 3])
    grand = (means * counts).sum() / 9
    between = (counts * (means - grand) ** 2).sum() / 3
    n0 = (9 - (counts**2).sum() / 9) / 3
    assert parts.sampling == pytest.approx(within)
    assert parts.item == pytest.approx((between - within) / n0)
    assert parts.training_reason == NOT_TRAINED


def test_one_repeat_or_too_few_items_say_why() -> None:
    once, none = variance_parts(["a", "b"], {}, [], "m", scores("m", {"a": [0, 1, 1]}))
    assert (once.item, once.sampling, once.reason) == (None, None, ONE_REPEAT)
    assert none.reason
    assert "0 items" in none.reason


def test_greedy_answers_have_no_sampling_variance() -> None:
    (parts,) = variance_parts(["a"], {}, [], "m", repeated(np.array([[0.0, 0], [1, 1], [1, 1], [0, 0]])))
    assert parts.sampling == 0
    assert parts.item == pytest.approx(1 / 3)


def seeded(cells: np.ndarray) -> list[Score]:
    """(I, S, M) values as rows; repeat r is of seed r modulo S."""
    return repeated(cells.swapaxes(1, 2).reshape(len(cells), -1))


def test_seeds_items_and_samples_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    shape = (400, 8, 2)
    found = []
    for _ in range(20):
        cells = rng.normal(0, 2, (400, 1, 1)) + rng.normal(0, 0.5, (1, 8, 1))
        cells = cells + rng.normal(0, 0.7, (400, 8, 1)) + rng.normal(0, 1, shape)
        found.append(components(cells))
    item, seed, both, sampling = np.mean(np.array(found, dtype=np.float64), axis=0)
    assert item == pytest.approx(4, rel=0.1)
    assert seed == pytest.approx(0.25, rel=0.25)
    assert both == pytest.approx(0.49, rel=0.1)
    assert sampling == pytest.approx(1, rel=0.05)


def test_a_worked_example_of_two_seeds() -> None:
    """Means of the items 2, 4, 6, of the seeds 3 and 5, of all 4: squares 16, 6 and 4, of 26 in all."""
    cells = np.array([[[1.0], [3.0]], [[4.0], [4.0]], [[4.0], [8.0]]])
    (parts,) = variance_parts(["a"], {"a": 2}, [], "m", seeded(cells))
    assert parts.item == pytest.approx((8 - 2) / 2)
    assert parts.training_seed == pytest.approx((6 - 2) / 3)
    assert (parts.training_by_item, parts.sampling, parts.seeds) == (pytest.approx(2), 0, 2)
    assert (parts.reason, parts.training_reason) == (None, None)


def test_one_sampled_answer_of_each_seed_leaves_sampling_and_interaction_together() -> None:
    cells = np.array([[[1.0], [3.0]], [[4.0], [4.0]], [[4.0], [8.0]]])
    (parts,) = variance_parts(["a"], {"a": 2}, ["a"], "m", seeded(cells))
    assert (parts.sampling, parts.training_by_item) == (pytest.approx(2), None)


def test_items_without_every_repeat_are_left_out() -> None:
    cells = np.array([[[1.0], [3.0]], [[4.0], [4.0]], [[4.0], [8.0]], [[9.0], [9.0]]])
    rows = [r for r in seeded(cells) if (r.item, r.repeat) != ("i0003", 1)]
    assert variance_parts(["a"], {"a": 2}, [], "m", rows) == variance_parts(
        ["a"], {"a": 2}, [], "m", seeded(cells[:3])
    )
    (none,) = variance_parts(["a"], {"a": 2}, [], "m", rows[:1])
    assert none.training_seed is None
    assert none.training_reason
