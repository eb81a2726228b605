"""The small version of ``benchmarks/calibration/decision``: 200 simulated scenarios against their known truth."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration.decision import Verdicts, calibration_error, judge

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found() -> Verdicts:
    return judge("money", 200)


def test_the_stated_probability_is_true(found: Verdicts) -> None:
    assert calibration_error(found.stated, found.best) <= 0.03
    assert abs(found.of_choice.mean() - found.choice_right.mean()) <= 0.03


def test_little_is_lost_and_as_much_as_is_stated(found: Verdicts) -> None:
    assert found.regret.mean() <= 0.01
    assert found.expected_regret.mean() == pytest.approx(found.regret.mean(), abs=0.003)


def test_the_error_sees_overconfidence() -> None:
    """A statement that is sure, and wrong a third of the time, is off by a third."""
    right = (np.arange(300) % 3 > 0).astype(float)
    assert calibration_error(np.ones(300), right) == pytest.approx(1 / 3)
