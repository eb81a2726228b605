from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.variance import NOT_TRAINED, ONE_REPEAT, ONE_SEED, variance_parts
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
    (parts,) = variance_parts(["a"], ["a"], "m", repeated(values))
    assert parts.item == pytest.approx(4, rel=0.08)
    assert parts.sampling == pytest.approx(1, rel=0.05)
    assert (parts.training_seed, parts.training_reason, parts.reason) == (None, ONE_SEED, None)


def test_unbalanced_repeats_match_the_textbook_formula() -> None:
    """Snedecor & Cochran 1989, section 13.6: sampling from within, item = (MSB - MSW) / n0."""
    values = np.array([[1.0, 3, 2], [5, 5, -1], [4, -1, -1], [8, 9, 10]])
    rows = [row for row in repeated(values) if row.value != -1]
    (parts,) = variance_parts(["a"], [], "m", rows)
    within = (2 + 0 + 0 + 2) / (9 - 4)
    means, counts = np.array([2.0, 5, 4, 9]), np.array([3, 2, 1, 3])
    grand = (means * counts).sum() / 9
    between = (counts * (means - grand) ** 2).sum() / 3
    n0 = (9 - (counts**2).sum() / 9) / 3
    assert parts.sampling == pytest.approx(within)
    assert parts.item == pytest.approx((between - within) / n0)
    assert parts.training_reason == NOT_TRAINED


def test_one_repeat_or_too_few_items_say_why() -> None:
    once, none = variance_parts(["a", "b"], [], "m", scores("m", {"a": [0, 1, 1]}))
    assert (once.item, once.sampling, once.reason) == (None, None, ONE_REPEAT)
    assert none.reason
    assert "0 items" in none.reason


def test_greedy_answers_have_no_sampling_variance() -> None:
    (parts,) = variance_parts(["a"], [], "m", repeated(np.array([[0.0, 0], [1, 1], [1, 1], [0, 0]])))
    assert parts.sampling == 0
    assert parts.item == pytest.approx(1 / 3)
