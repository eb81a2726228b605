"""What the report says of judges."""

from __future__ import annotations

import pytest

from harness.report.build import build_report
from harness.types.agreement import (
    Confusion,
    LengthBias,
    PairValidation,
    Position,
    Slope,
    Trust,
)
from harness.types.judge_record import JudgeRecord, JudgeUsage, ReadCase, RewardFit, Weight
from harness.types.judged import JudgedDifference, JudgedEstimate, JudgedMetric
from harness.types.results import Estimate

from .synthetic import make_run

HOSTILE = "<script>alert('pair')</script><img src=x onerror=alert(1)>"


def estimate(value: float | None, low: float | None = None, high: float | None = None) -> Estimate:
    reason = None if value is not None else "no label corrects it"
    return Estimate(
        value=value, low=low, high=high, n=100, n_missing=0, n_clusters=90, method="test", reason=reason
    )


def pairs() -> PairValidation:
    right, none = estimate(0.86, 0.78, 0.92), Slope(value=None, low=None, high=None, n=0, reason="no spread")
    return PairValidation(
        judge="reward",
        n_pairs=110,
        n_labelled=110,
        n_failed=0,
        labels_by="author",
        accuracy=right,
        answered=right,
        decided=right,
        kappa=estimate(0.71, 0.6, 0.8),
        confusion=Confusion(labels=("a", "b"), judged=("a", "b", "none"), counts=((47, 8, 0), (7, 48, 0))),
        classes=(),
        balanced=right,
        position=Position(
            consistency=estimate(1.0, 0.97, 1.0),
            first=estimate(0.5, 0.4, 0.6),
            always_first=estimate(0.0, 0.0, 0.03),
            favours="neither",
        ),
        length=LengthBias(judge=Slope(value=-0.4, low=-0.9, high=0.1, n=110), label=none, prefers="neither"),
        failures=(),
        slices=(),
        disagreements=(),
        trust=Trust(
            status="trusted", floor=0.75, low=0.78, sentence="It agrees with the author's labels in 86%."
        ),
        diagnoses=("It prefers the shorter answer.",),
    )


def record(**changes: object) -> JudgeRecord:
    found = pairs()
    return JudgeRecord(
        name="reward",
        kind="reward",
        metrics=("judge.reward",),
        criteria={"judge.reward": "pass"},
        fingerprint="f",
        key="k",
        model="embeddings with a linear head",
        family=None,
        reference=True,
        floor=0.75,
        pairs=found,
        answers=(),
        trust=found.trust,
        noise=None,
        usage=JudgeUsage(
            requests=0,
            failed=0,
            seconds=8.2,
            prompt_tokens=None,
            output_tokens=None,
            money=0.0002,
            money_source="machine time",
        ),
        fit=RewardFit(
            n_train=182,
            n_dev=53,
            l2=1.0,
            train_accuracy=0.95,
            dev_accuracy=estimate(0.88, 0.77, 0.94),
            threshold=0.2,
            weights=(Weight(feature="numbers that the reference has", weight=-1.25),),
        ),
        cases=(
            ReadCase(
                id="pref-h-001", kind="pair", input=HOSTILE, a=HOSTILE, b="Fine.", label="b", judged="a"
            ),
        ),
        n_scores=1224,
    ).model_copy(update=changes)


def metric(baseline: str, variant: str, corrected: bool) -> JudgedMetric:
    fixed = estimate(0.31, 0.22, 0.41) if corrected else estimate(None)
    raw = estimate(0.44, 0.4, 0.48)
    shared = {
        "raw": raw,
        "corrected": fixed,
        "labels": fixed,
        "n_labels": 40 if corrected else 0,
        "power": 0.6 if corrected else None,
        "worth": 52.0 if corrected else None,
        "status": "corrected" if corrected else "uncorrected",
        "reason": None if corrected else "no label corrects it",
    }
    return JudgedMetric(
        judge="reward",
        metric="judge.reward",
        criterion="pass",
        labels_by="author" if corrected else None,
        trust=pairs().trust,
        kept_out=False,
        estimates=(JudgedEstimate.model_validate({"variant": variant, "n_stale": 0, **shared}),),
        differences=(JudgedDifference.model_validate({"variant": variant, "baseline": baseline, **shared}),),
    )


def page(judges: tuple[JudgeRecord, ...], corrected: bool = True) -> str:
    run = make_run(40)
    c = run.comparison
    other = next(v for v in c.variants if v != c.baseline)
    found = c.model_copy(update={"judged": (metric(c.baseline, other, corrected),) if judges else ()})
    return build_report(**run.but(comparison=found).arguments(), judges=judges)


def section(html: str) -> str:
    return html.partition('id="judges-h"')[2].partition("<h2")[0]


def test_a_report_without_judges_has_no_such_section() -> None:
    assert 'id="judges-h"' not in page(())


def test_it_says_in_a_sentence_whether_a_judge_can_be_trusted_and_shows_its_figures() -> None:
    found = section(page((record(),)))
    assert "It agrees with the author&#39;s labels in 86%." in found
    for said in ("trusted", "It prefers the shorter answer.", "31%", "44%", "182 pairs", "−1.25", "8.2 s"):
        assert said in found
    assert "−0.40 (−0.90 to +0.10) log-odds" in found


def test_what_nobody_labelled_stands_uncorrected_with_the_reason() -> None:
    found = section(page((record(),), corrected=False))
    assert "labels by nobody yet" in found
    assert "no label corrects it" in found


def test_a_judge_without_labels_says_how_to_get_some() -> None:
    found = section(page((record(pairs=None, trust=None, cases=()),)))
    assert "not validated" in found
    assert "harness label" in found


@pytest.mark.parametrize("text", ["<script>alert", "<img src=x"])
def test_what_was_judged_stays_text(text: str) -> None:
    html = page((record(),))
    assert text not in html
    assert "&lt;script&gt;alert(&#39;pair&#39;)" in html
