"""A prediction that production confirms, refutes or cannot be set beside, and the section that says so."""

from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.abtest import Plan, build_abtest
from harness.comparison.predicted import with_predictions
from harness.comparison.trial import Trial
from harness.report.build import build_report
from harness.types.abtest import AbTest

from .synthetic import Run

NAMES = ("base", "rag")
HOSTILE = "<img src=x onerror=alert(1)>\u202e"


def made(
    run: Run, effect: float, *, metric: str = "success", outcome: str = "liked", lower: bool = False
) -> AbTest:
    rng = np.random.default_rng(1)
    arm = rng.integers(0, 2, 6000)
    trial = Trial(NAMES, arm, (rng.random(6000) < 0.4 + effect * arm) * 1.0, np.arange(6000))
    test = build_abtest(trial, Plan(outcome, higher_is_better=not lower), ("log.csv",), ("0" * 64,))
    chosen = next(m for m in run.comparison.metrics if m.name == metric)
    names = dict(zip(NAMES, run.comparison.variants[:2], strict=True))
    return with_predictions(test, run.comparison.variants, run.items, run.scores, chosen, names)


def offline(run: Run) -> float:
    [found] = made(run, 0).predictions
    assert found.offline.value is not None
    return found.offline.value


def test_the_offline_difference_is_that_of_the_comparison(run: Run) -> None:
    [found] = made(run, 0).predictions
    other, base = run.comparison.variants[1], run.comparison.variants[0]
    assert (found.offline_variant, found.offline_control) == (other, base)
    means = {}
    for name in (other, base):
        rows = [
            s.value for s in run.scores if (s.variant, s.metric) == (name, "success") and s.value is not None
        ]
        means[name] = sum(rows) / len(rows)
    assert found.offline.value == pytest.approx(means[other] - means[base], abs=0.05)
    assert found.offline.low is not None


def test_production_agrees_or_disagrees_by_the_interval_of_the_gap(run: Run) -> None:
    predicted = offline(run)
    near = np.clip(predicted, -0.35, 0.55)
    [same] = made(run, float(near)).predictions
    assert same.agrees
    [other] = made(run, -0.35 if predicted > 0 else 0.5).predictions
    assert other.agrees is False
    assert "disagree" in other.sentence


def test_what_is_not_on_one_scale_is_compared_by_direction_alone(run: Run) -> None:
    [found] = made(run, 0.1, lower=True).predictions
    assert found.gap.value is None
    assert found.agrees is None
    assert found.same_sign is not None
    assert "sizes do not compare" in found.sentence


def test_the_section_shows_both_and_escapes_a_stranger_s_names(run: Run) -> None:
    test = made(run, 0.1, outcome=HOSTILE)
    html = build_report(**run.arguments(), abtest=test)
    assert "In production, beside the offline prediction" in html
    assert "<img src=x" not in html
    assert "\u202e" not in html
    assert test.predictions[0].sentence in html
    assert 'id="abtest-h"' not in build_report(**run.arguments())
