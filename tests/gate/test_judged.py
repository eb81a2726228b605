"""Rules about a judge: decided by the corrected figure alone, and by a trusted judge alone."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.special import ndtri

from harness.gate.decide import Candidate, decide
from harness.gate.looks import look_alpha
from harness.types.agreement import Trust
from harness.types.judged import JudgedEstimate, JudgedMetric
from harness.types.results import Estimate
from harness.types.verdict import Check

from .factories import hits, rule, snapshot

TRUSTED = Trust(status="trusted", floor=0.8, low=0.85, sentence="Trusted: 91%.")
BELOW = Trust(status="below floor", floor=0.8, low=0.5, sentence="Not trusted: 60%.")


def figure(value: float | None, half: float = 0.05, reason: str | None = None) -> Estimate:
    low, high = (None, None) if value is None else (value - half, value + half)
    return Estimate(
        value=value, low=low, high=high, n=1000, n_missing=0, n_clusters=1000, method="m", reason=reason
    )


def metric(corrected: Estimate, trust: Trust = TRUSTED) -> JudgedMetric:
    done = corrected.value is not None
    estimate = JudgedEstimate(
        variant="v",
        raw=figure(0.99),
        corrected=corrected,
        labels=corrected,
        n_labels=100,
        n_stale=0,
        power=0.8 if done else None,
        worth=180.0 if done else None,
        status="corrected" if done else "uncorrected",
        reason=corrected.reason,
    )
    return JudgedMetric(
        judge="j",
        metric="judge.j",
        criterion="pass",
        labels_by="people",
        trust=trust,
        kept_out=trust.status != "trusted",
        estimates=(estimate,),
        differences=(),
    )


def check(found: JudgedMetric | None, look: int = 1, left_out: int = 0, **limit: Any) -> Check:
    candidate = Candidate(
        snapshot({"success": hits(10, 9)}), {}, left_out=left_out, judged=[found] if found else []
    )
    return decide(candidate, None, [rule("judge.j", **limit)], look).checks[0]


@pytest.mark.parametrize(
    ("value", "limit", "status"),
    [
        (0.9, {"at_least": 0.8}, "pass"),
        (0.82, {"at_least": 0.8}, "inconclusive"),
        (0.7, {"at_least": 0.8}, "fail"),
        (0.1, {"at_most": 0.2}, "pass"),
        (0.3, {"at_most": 0.2}, "fail"),
    ],
)
def test_the_corrected_bound_decides(value: float, limit: dict[str, float], status: str) -> None:
    found = check(metric(figure(value)), **limit)
    assert found.status == status
    assert found.observed.value == value
    assert "corrected by labels" in found.reason


def test_the_bound_is_that_of_the_look() -> None:
    for look in (1, 3):
        found = check(metric(figure(0.9)), look=look, at_least=0.8)
        assert found.bound == pytest.approx(0.9 - 0.05 * ndtri(1 - look_alpha(look)) / ndtri(0.975))


def test_an_open_rule_says_how_many_labels_would_do() -> None:
    assert "more labels of a random sample would do" in check(metric(figure(0.83)), at_least=0.8).reason
    assert "all its answers would not decide" in check(metric(figure(0.801)), at_least=0.8).reason
    assert "wrong side" in check(metric(figure(0.79)), at_least=0.8).reason


@pytest.mark.parametrize(
    ("found", "limit", "why"),
    [
        (metric(figure(None, reason="12 labels are too few")), {"at_least": 0.1}, "uncorrected: 12 labels"),
        (metric(figure(0.9), BELOW), {"at_least": 0.1}, "kept out of the gate. Not trusted: 60%."),
        (metric(figure(0.05), BELOW), {"at_least": 0.8}, "kept out"),
        (metric(figure(0.9)), {"at_least": 0.1, "slice": "topic=x"}, "not for slices"),
        (metric(figure(0.9)), {"not_worse_by": 0.05}, "needs at_least or at_most"),
        (None, {"at_least": 0.1}, "no scores of judge.j"),
    ],
)
def test_what_is_not_corrected_or_trusted_decides_nothing(
    found: JudgedMetric | None, limit: dict[str, Any], why: str
) -> None:
    result = check(found, **limit)
    assert result.status == "inconclusive"
    assert why in result.reason


def test_a_part_cannot_pass() -> None:
    result = check(metric(figure(0.9)), left_out=3, at_least=0.8)
    assert result.status == "inconclusive"
    assert "3 held-out items were not run" in result.reason
    assert check(metric(figure(0.5)), left_out=3, at_least=0.8).status == "fail"
