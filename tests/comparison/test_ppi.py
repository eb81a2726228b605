"""Means and differences of a judge, put right by labels of a random few."""

from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.intervals import wilson
from harness.comparison.ppi import corrected_difference, corrected_mean

ALONE = np.arange(1000)


def world(n: int = 100, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """1,000 labels, of which the first ``n`` are known, and a graded judge."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(1000) < 0.6).astype(float)
    judged = np.round(0.12 + 0.8 * truth + 0.3 * rng.standard_normal(1000), 3)
    return np.where(np.arange(1000) < n, truth, np.nan), judged


def test_the_estimate_is_that_of_the_reference_implementation() -> None:
    """ppi-python 0.2.3 on this data: ``ppi_mean_pointestimate`` at lambda 0.5 and 1, and ``ppi_mean_ci`` at its own.

    It keeps labelled and unlabelled answers apart, so that its lambda is our power times the share of the latter.
    """
    labels, judged = world()
    made = corrected_mean(labels, judged, ALONE, unit=False)
    at_half, at_one = 0.57625667, 0.59251333
    theirs = made.power * 0.9
    assert made.value == pytest.approx(at_half + (theirs - 0.5) * (at_one - at_half) / 0.5, abs=1e-7)
    assert made.high - made.low == pytest.approx(0.645338987 - 0.533051531, rel=0.03)


def test_a_useful_judge_narrows_the_interval_and_a_blind_one_leaves_the_labels_own() -> None:
    labels, judged = world()
    made = corrected_mean(labels, judged, ALONE, unit=True)
    assert made.gain > 2
    assert made.high - made.low < 0.75 * (made.labels[2] - made.labels[1])
    for blind in (np.full(1000, 0.9), 1 - judged):
        alone = corrected_mean(labels, blind, ALONE, unit=True)
        assert alone.power == 0
        assert (alone.value, alone.low, alone.high) == alone.labels
    assert made.labels == (pytest.approx(0.56), *(pytest.approx(end) for end in wilson(0.56, 100)))


def test_a_bias_that_is_the_same_everywhere_changes_nothing() -> None:
    labels, judged = world()
    one, two = (corrected_mean(labels, judged + bias, ALONE, unit=True) for bias in (0.0, 0.3))
    assert one.value == pytest.approx(two.value)
    assert one.low == pytest.approx(two.low)


def test_failures_of_the_judge_cost_precision_and_nothing_else() -> None:
    labels, judged = world()
    broken = np.where(np.random.default_rng(1).random(1000) < 0.34, np.nan, judged)
    made, whole = (corrected_mean(labels, f, ALONE, unit=True) for f in (broken, judged))
    assert 1 < made.gain < whole.gain
    assert corrected_mean(labels, np.full(1000, np.nan), ALONE, unit=True).power == 0


def test_a_judge_that_was_never_wrong_is_not_taken_for_perfect() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(1000) < 0.6).astype(float)
    labels = np.where(np.arange(1000) < 50, truth, np.nan)
    made = corrected_mean(labels, truth, ALONE, unit=True)
    assert made.high - made.low > 1.2 * (wilson(0.6, 1000)[1] - wilson(0.6, 1000)[0])


def test_answers_that_are_alike_count_less() -> None:
    labels, judged = world()
    together = np.repeat(np.arange(250), 4)
    alike = np.repeat(labels[::4], 4)
    alone = corrected_mean(alike, judged, ALONE, unit=True)
    clustered = corrected_mean(alike, judged, together, unit=True)
    assert clustered.high - clustered.low > 1.3 * (alone.high - alone.low)


def test_labels_without_failures_have_an_interval() -> None:
    labels = np.where(np.arange(1000) < 50, 1.0, np.nan)
    made = corrected_mean(labels, world()[1], ALONE, unit=True)
    assert (made.value, made.high) == (1.0, 1.0)
    assert made.low == pytest.approx(wilson(1.0, 50)[0])


def test_a_variant_beside_itself_is_no_different() -> None:
    labels, judged = world()
    made = corrected_difference((labels, labels), (judged, judged), ALONE, unit=True)
    assert made.value == 0
    assert made.low < 0 < made.high


@pytest.mark.parametrize("apart", [False, True])
def test_a_difference_takes_the_bias_off(apart: bool) -> None:
    """The judge is lenient to the first; both are equally good."""
    rng = np.random.default_rng(2)
    first, second = (rng.random((2, 1000)) < 0.6).astype(float)
    known = np.arange(1000) < 200
    other = np.arange(1000) >= 800 if apart else known
    labels = np.where(known, first, np.nan), np.where(other, second, np.nan)
    judged = np.clip(first + (rng.random(1000) < 0.3), 0, 1), second
    made = corrected_difference(labels, judged, ALONE, unit=True)
    assert (judged[0] - judged[1]).mean() > 0.1
    assert made.low < first.mean() - second.mean() < made.high
    assert made.gain > 1.3
    assert made.high - made.low < made.labels[2] - made.labels[1]


def test_a_rubric_has_an_interval_of_its_own_kind() -> None:
    labels, judged = world()
    made = corrected_mean(1 + 4 * labels, 1 + 4 * judged, ALONE, unit=False)
    assert made.method.startswith("t")
    assert 1 < made.low < made.value < made.high < 5
    both = corrected_difference((1 + 4 * labels, labels), (1 + 4 * judged, judged), ALONE, unit=False)
    assert both.low < both.value < both.high
