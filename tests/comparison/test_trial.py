"""Effects, adjustment, sequence and split against hand-worked, naive and published figures."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from harness.comparison.abtest import Plan, build_abtest
from harness.comparison.cuped import Adjusted, adjust, imbalance
from harness.comparison.sequence import half_width, running, sequence
from harness.comparison.split import split_check, units_of
from harness.comparison.sums import summarise
from harness.comparison.table import Floats
from harness.comparison.trial import Trial, arm_means, difference, relative
from harness.types.abtest import AbTest

NAMES = ("control", "rag")


def trial(
    arm: Floats, outcome: Floats, cluster: Floats | None = None, covariate: Floats | None = None
) -> Trial:
    unit = np.arange(len(arm)) if cluster is None else np.asarray(cluster, dtype=np.int64)
    return Trial(
        NAMES, np.asarray(arm, dtype=np.int64), np.asarray(outcome, dtype=np.float64), unit, covariate
    )


def shares(n: int = 4000, effect: float = 0.0, rate: float = 0.3, seed: int = 1) -> Trial:
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, n)
    return trial(arm, rng.random(n) < rate + effect * arm)


def kinds(test: AbTest) -> set[str]:
    return {d.kind for d in test.diagnoses}


def test_a_difference_of_shares_is_that_of_newcombe() -> None:
    arm = np.repeat([0, 1], [48, 56])
    outcome = np.concatenate([np.arange(48) < 29, np.arange(56) < 45])
    control, treatment = arm_means(trial(arm, outcome), outcome.astype(float), 0.95)
    found = difference(treatment, control)
    low, high = confint_proportions_2indep(45, 56, 29, 48, method="newcomb")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    ratio = relative(treatment, control)
    assert ratio.value == pytest.approx((45 / 56) / (29 / 48) - 1)
    assert ratio.low is not None
    assert ratio.high is not None
    assert ratio.low < ratio.value < ratio.high


def test_a_ratio_to_a_mean_below_zero_has_a_reason_instead_of_a_value() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(-1, 1, 100)
    control, treatment = arm_means(trial(np.arange(100) % 2, values), values, 0.95)
    assert relative(treatment, control).value is None


def test_the_running_error_is_the_cluster_robust_one_at_every_row() -> None:
    rng = np.random.default_rng(3)
    cluster = rng.integers(0, 150, 900)
    arm, values = cluster % 2, rng.normal(5, 2, 900) + rng.normal(size=150)[cluster]
    found = running(values, arm == 1, cluster)
    for at in (found.first, 500, 899):
        square = effect = 0.0
        for k in (0, 1):
            rows = (arm == k) & (np.arange(900) <= at)
            groups = [values[rows & (cluster == c)] for c in np.unique(cluster[rows])]
            mean = values[rows].mean()
            spread = sum(float((g - mean).sum()) ** 2 for g in groups)
            square += spread / rows.sum() ** 2 * len(groups) / (len(groups) - 1)
            effect += mean if k else -mean
        assert found.effect[at] == pytest.approx(effect)
        assert found.error[at] == pytest.approx(sqrt(square))
    assert np.isnan(found.error[: found.first]).all()
    # With many clusters CR2, which the one-look interval takes, is the same but for a percent.
    both = [summarise(values[None, arm == k], cluster[arm == k]).variance[0] for k in (0, 1)]
    assert found.error[-1] == pytest.approx(sqrt(sum(both)), rel=0.02)


def test_the_sequence_is_the_published_boundary_in_the_scale_of_the_effect() -> None:
    t, rho, alpha, sigma = 400, 0.2, 0.05, 1.7
    published = sigma * sqrt(2 * (t * rho**2 + 1) / (t**2 * rho**2) * log(sqrt(t * rho**2 + 1) / alpha))
    ours = half_width(np.array([sigma / sqrt(t)]), rho * sigma, alpha)[0]
    assert ours == pytest.approx(published)


def test_reading_a_longer_log_changes_no_earlier_look() -> None:
    whole = shares(3000, 0.1)
    part = whole.take(np.arange(3000) < 2000)
    for tau in (None, 0.05):
        early, late = sequence(part, part.outcome, 1, 0.05, tau), sequence(whole, whole.outcome, 1, 0.05, tau)
        assert early.first_excluded is not None
        assert late.first_excluded is not None
        assert early.first_excluded.rows == late.first_excluded.rows
        assert early.first_excluded.low == pytest.approx(late.first_excluded.low)
        assert early.scale == pytest.approx(late.scale)


def test_cuped_takes_out_what_the_covariate_explains_and_keeps_rows_without_one() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(10, 2, 4000)
    arm = rng.integers(0, 2, 4000)
    y = 3 * x + rng.normal(0, 2, 4000) + 0.5 * arm
    x[:40] = np.nan
    made = trial(arm, y, covariate=x)
    found = adjust(made)
    assert isinstance(found, Adjusted)
    assert found.theta == pytest.approx(3, abs=0.1)
    assert found.n_without == 40
    test = build_abtest(made, Plan("spend"))
    cuped = test.effects[0].cuped
    assert cuped is not None
    assert cuped.effect is not None
    assert cuped.variance_reduction == pytest.approx(0.9, abs=0.02)
    assert cuped.effect.n == 4000
    assert abs((cuped.effect.value or 0) - 0.5) < 0.3
    assert test.effects[0].best == cuped.effect


@pytest.mark.parametrize(
    ("covariate", "why"),
    [
        (np.full(60, 2.0), "same in all rows"),
        (np.full(60, np.nan), "no row"),
        (np.where(np.arange(60) < 20, 1.0, np.nan), "are needed"),
    ],
    ids=["constant", "none", "few"],
)
def test_cuped_that_cannot_be_says_why(covariate: Floats, why: str) -> None:
    found = adjust(trial(np.arange(60) % 2, np.arange(60) % 7, covariate=covariate))
    assert isinstance(found, str)
    assert why in found


def test_a_covariate_that_the_treatment_changed_is_told() -> None:
    rng = np.random.default_rng(6)
    arm = rng.integers(0, 2, 2000)
    made = trial(arm, rng.normal(size=2000), covariate=rng.normal(size=2000) + 0.3 * arm)
    assert (imbalance(made, 1) or 1) < 0.001
    test = build_abtest(made, Plan("y"))
    assert "covariate" in kinds(test)
    assert test.effects[0].finding == "split broken"


def test_a_split_is_judged_against_the_one_that_was_meant() -> None:
    assert split_check((9000, 1000), (0.9, 0.1)).p_value == pytest.approx(1)
    assert split_check((9000, 1150), (0.9, 0.1)).broken
    assert not split_check((334, 333, 333), (1 / 3,) * 3).broken
    assert split_check((400, 300, 300), (1 / 3,) * 3).broken


def test_a_broken_split_leaves_the_effect_shown_but_untrusted() -> None:
    made = shares(4000, 0.1)
    kept = made.take((made.arm == 0) | (np.arange(4000) % 5 > 0))
    test = build_abtest(kept, Plan("ok"))
    assert not test.trusted
    assert test.split.broken
    assert test.effects[0].effect.value is not None
    assert test.effects[0].finding == "split broken"
    fair = build_abtest(kept, Plan("ok", shares=(5 / 9, 4 / 9)))
    assert fair.trusted


def test_units_in_both_arms_are_left_out_and_many_break_the_test() -> None:
    rng = np.random.default_rng(8)
    cluster = rng.integers(0, 1000, 5000)
    arm = cluster % 2
    arm[:3] = 1 - arm[:3]
    made = trial(arm, rng.random(5000) < 0.4, cluster)
    units = units_of(made)
    assert units.crossed == 3
    assert sum(units.counts) == len(np.unique(cluster))
    test = build_abtest(made, Plan("ok", unit="user"))
    assert test.trusted
    assert "contamination" in kinds(test)
    assert sum(a.rows for a in test.arms) == int(units.clean.sum())
    mixed = build_abtest(trial(rng.integers(0, 2, 5000), made.outcome, cluster), Plan("ok", unit="user"))
    assert not mixed.trusted


def test_outcomes_that_are_lost_in_one_arm_are_told() -> None:
    made = shares(4000)
    made.outcome[(made.arm == 1) & (np.arange(4000) % 10 == 0)] = np.nan
    test = build_abtest(made, Plan("ok"))
    assert "missing" in kinds(test)
    assert test.arms[1].missing > 100
    made.outcome[(made.arm == 0) & (np.arange(4000) % 10 == 0)] = np.nan
    assert build_abtest(made, Plan("ok")).trusted


def test_a_few_huge_outcomes_are_told_with_the_effect_without_them() -> None:
    rng = np.random.default_rng(9)
    values = rng.exponential(1, 5000)
    values[[10, 20, 30]] = 900.0
    test = build_abtest(trial(np.arange(5000) % 2, values), Plan("revenue"))
    assert "outliers" in kinds(test)
    clipped = test.effects[0].clipped
    assert clipped is not None
    assert abs(clipped.value or 0) < abs(test.effects[0].effect.value or 0)


@pytest.mark.parametrize(
    ("effect", "n", "plan", "finding"),
    [
        (0.1, 4000, Plan("ok"), "better"),
        (0.1, 4000, Plan("ok", higher_is_better=False), "worse"),
        (0.0, 4000, Plan("ok"), "not shown"),
        (0.0, 4000, Plan("ok", planned=9000), "stopped too early"),
        (0.035, 4000, Plan("ok"), "stopped too early"),
        (0.035, 4000, Plan("ok", planned=4000), "better"),
        (0.035, 4000, Plan("ok", planned=3000), "stopped too early"),
    ],
)
def test_the_finding_in_one_word(effect: float, n: int, plan: Plan, finding: str) -> None:
    [found] = build_abtest(shares(n, effect), plan).effects
    assert found.finding == finding, found.sentence


def test_several_treatments_share_the_error() -> None:
    rng = np.random.default_rng(2)
    arm = rng.integers(0, 3, 3000)
    made = Trial(
        ("control", "rag", "tuned"), arm, (rng.random(3000) < 0.3 + 0.1 * (arm == 2)) * 1.0, np.arange(3000)
    )
    test = build_abtest(made, Plan("ok"))
    assert test.confidence == pytest.approx(0.975)
    assert [e.variant for e in test.effects] == ["rag", "tuned"]
    assert test.effects[1].finding == "better"


def test_an_arm_without_any_outcome_is_a_reason_and_no_number() -> None:
    made = trial(np.arange(40) % 2, np.where(np.arange(40) % 2, np.nan, 1.0))
    test = build_abtest(made, Plan("ok"))
    assert test.arms[1].mean.value is None
    assert test.effects[0].effect.value is None
    assert not test.effects[0].sequence.looks
    assert build_abtest(trial([0, 1], [1.0, 0.0]), Plan("ok")).effects[0].finding == "not shown"
