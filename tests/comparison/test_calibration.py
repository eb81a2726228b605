"""The decisions of 200 simulated scenarios against their known truth: a small run of benchmarks/calibration."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "calibration" / "decision.py"


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("decision_calibration", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_what_is_stated_is_true_and_little_is_lost(simulation: ModuleType) -> None:
    found = simulation.judge("money", 200)
    assert simulation.calibration_error(found.stated, found.best) <= 0.03
    assert found.regret.mean() <= 0.01
    assert abs(found.expected_regret.mean() - found.regret.mean()) <= 0.003
    assert abs(found.of_choice.mean() - found.choice_right.mean()) <= 0.03


def test_the_error_sees_overconfidence(simulation: ModuleType) -> None:
    """A statement that is sure and wrong a third of the time is off by a third."""
    import numpy as np

    right = (np.arange(300) % 3 > 0).astype(float)
    assert simulation.calibration_error(np.ones(300), right) == pytest.approx(1 / 3)
