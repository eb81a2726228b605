"""The regression beneath the length slope, beside statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from harness.comparison.probes import length_bias, logistic
from harness.types.judging import PreferencePair


def test_the_regression_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(300), rng.standard_normal((300, 2))])
    chance = 1 / (1 + np.exp(-design @ [0.2, 0.8, -0.5]))
    outcome = (rng.random(300) < chance).astype(float)
    cluster = np.repeat(np.arange(75), 4)
    theirs = sm.Logit(outcome, design).fit(
        disp=0, cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    ours, errors = logistic(design, outcome, cluster, prior_sd=1e4)
    assert ours == pytest.approx(theirs.params, abs=1e-5)
    assert errors == pytest.approx(theirs.bse * np.sqrt(75 / 74), rel=1e-4)


def test_a_slope_is_finite_even_where_the_longer_always_wins() -> None:
    pairs = [
        PreferencePair(id=str(k), input="?", a="x" * (10 + k), b="x" * 30, label="a" if k % 2 else "b")
        for k in range(40)
        if k != 20
    ]
    choices = ["a" if len(p.a) > 30 else "b" for p in pairs]
    found = length_bias(pairs, choices, list(range(len(pairs)))).judge  # type: ignore[arg-type]
    assert found.value is not None
    assert 1 < found.value < 50


def test_without_a_difference_in_length_there_is_no_slope() -> None:
    pairs = [PreferencePair(id=str(k), input="?", a="xx", b="yy", label="a") for k in range(40)]
    found = length_bias(pairs, ["a"] * 40, list(range(40)))
    assert found.judge.value is None
    assert found.prefers is None
    assert "same length" in (found.judge.reason or "")
    assert length_bias(pairs[:2], ["a"] * 2, [0, 1]).label.reason == "too few labelled pairs"
