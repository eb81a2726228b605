"""Agreement beyond chance, beside statsmodels and a published example."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from harness.comparison.intervals import t_value
from harness.comparison.raters import balanced_rate, cohen_kappa, human_agreement, krippendorff_alpha, mean_of

CODERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
"""Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C."""


def rated(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    one = rng.integers(0, 3, n)
    return one, np.where(rng.random(n) < 0.7, one, rng.integers(0, 3, n))


@pytest.mark.parametrize("quadratic", [False, True])
def test_kappa_is_that_of_statsmodels(quadratic: bool) -> None:
    one, two = rated()
    table = np.zeros((3, 3))
    np.add.at(table, (one, two), 1)
    theirs = cohens_kappa(table, wt="quadratic" if quadratic else None)
    ours = cohen_kappa(one, two, 3, np.arange(200), quadratic)
    assert ours.value == pytest.approx(theirs.kappa)
    error = (ours.high - ours.value) / t_value(199)  # type: ignore[operator]
    assert error == pytest.approx(theirs.std_kappa * np.sqrt(200 / 199))


def test_cases_that_belong_together_widen_kappas_interval() -> None:
    one, two = rated(50)
    alone = cohen_kappa(np.repeat(one, 4), np.repeat(two, 4), 3, np.arange(200))
    together = cohen_kappa(np.repeat(one, 4), np.repeat(two, 4), 3, np.repeat(np.arange(50), 4))
    assert together.value == alone.value
    assert together.low < alone.low  # type: ignore[operator]


def test_kappa_of_one_class_is_unknown() -> None:
    same = np.zeros(20, dtype=np.int64)
    found = cohen_kappa(same, same, 2, np.arange(20))
    assert found.value is None
    assert "same of every case" in (found.reason or "")


def test_alpha_of_the_published_example() -> None:
    rows = [line.split() for line in CODERS]
    units = [[int(row[u]) for row in rows if row[u] != "."] for u in range(12)]
    rng = np.random.default_rng(0)
    assert krippendorff_alpha(units, range(12), rng).value == pytest.approx(0.743, abs=5e-4)
    found = krippendorff_alpha(units, range(12), rng, interval=True)
    assert found.value == pytest.approx(0.849, abs=5e-4)
    assert found.n == 11  # one unit was labelled once
    assert found.low < found.value < found.high  # type: ignore[operator]


def test_alpha_needs_two_raters_and_two_values() -> None:
    rng = np.random.default_rng(0)
    assert krippendorff_alpha([["a"], ["b"]], "xy", rng).value is None
    assert krippendorff_alpha([["a", "a"], ["a", "a"]], "xy", rng).value is None
    assert krippendorff_alpha([["a", "b"], ["a", "a"]], "xy", rng).low is None


def test_people_are_the_ceiling_and_the_author_is_none_of_them() -> None:
    said: list[dict[str, object]] = [{"ann": "a", "bob": "a", "author": "b"}] * 6 + [
        {"ann": "a", "bob": "b"}
    ] * 4
    said += [{"author": "a", "ann": "a"}]
    found = human_agreement(said, ["a"] * 9 + [None] * 2, list(range(11)), np.random.default_rng(0))  # type: ignore[arg-type]
    assert found is not None
    assert found.raters == ("ann", "bob")
    assert found.between.value == pytest.approx(0.6)
    assert found.judge.value == pytest.approx((6 + 3 * 0.5) / 10)
    assert human_agreement([{"author": "a", "ann": "a"}], ["a"], [0], np.random.default_rng(0)) is None


def test_balanced_rate_weighs_the_labels_alike() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    hits = np.array([True] * 90 + [False] * 5 + [True] * 5)
    found = balanced_rate(hits, labels, np.arange(100))
    assert found.value == pytest.approx(0.75)
    assert 0.5 < found.low < 0.75 < found.high < 1  # type: ignore[operator]


def test_a_share_has_the_interval_of_the_comparison() -> None:
    assert mean_of([1, 1, 0, 1], "abcd", "").method == "proportion, Wilson"
    assert mean_of([], [], "nothing here").reason == "nothing here"
