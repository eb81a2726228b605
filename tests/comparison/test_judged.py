"""A judge's scores beside labels of the very answers: what corrects, and what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from harness.comparison.judged import judged_metric
from harness.comparison.labels import half_width_after, labels_needed
from harness.types.agreement import Trust
from harness.types.data import Item
from harness.types.judged import JudgedMetric
from harness.types.judging import AnswerLabel
from harness.types.results import Score

N = 400
TRUSTED = Trust(status="trusted", floor=0.8, low=0.85, sentence="Trusted.")
RNG = np.random.default_rng(4)
BASE = (RNG.random(N) < 0.6).astype(float)
BETTER = np.maximum(BASE, RNG.random(N) < 0.3)
TRUE = {"base": BASE, "tuned": BETTER}
JUDGED = {name: np.maximum(truth, RNG.random(N) < 0.25) for name, truth in TRUE.items()}
"""A judge that passes a quarter of the bad answers."""
SAMPLE = RNG.permutation(N)[:100]


def items() -> list[Item]:
    return [
        Item(id=f"i{k}", split="heldout", messages=(), references=("x",), cluster=f"c{k // 2}")
        for k in range(N)
    ]


def texts(shared: Sequence[int] = ()) -> dict[tuple[str, str], str]:
    return {(name, f"i{k}"): "the same" if k in shared else f"{name} {k}" for name in TRUE for k in range(N)}


def scores(values: Mapping[str, np.ndarray] = JUDGED) -> list[Score]:
    rows = [
        Score(variant=name, item=f"i{k}", metric="judge.j", value=float(v), scorer="s")
        for name, row in values.items()
        for k, v in enumerate(row)
    ]
    return [*rows, Score(variant="base", item="i0", metric="success", value=1.0, scorer="s")]


def labels(
    chosen: Sequence[int] = SAMPLE, names: Sequence[str] = ("base", "tuned"), **other: Any
) -> list[AnswerLabel]:
    given = {"sample": "random", "annotators": {"ann": 1.0}}
    return [
        AnswerLabel(
            id=f"{name} {k}",
            item=f"i{k}",
            input="?",
            answer=f"{name} {k}",
            label=float(TRUE[name][k]),
            **given | other,
        )
        for name in names
        for k in chosen
    ]


def made(**other: Any) -> JudgedMetric:
    given: dict[str, Any] = {
        "judge": "j", "variants": ("base", "tuned"), "baseline": "base", "items": items(), "scores": scores(),
        "texts": texts(), "labels": labels(), "trust": TRUSTED,
    }  # fmt: skip
    return judged_metric(**given | other)


def test_both_means_and_their_difference_are_corrected() -> None:
    found = made()
    assert (found.metric, found.labels_by, found.kept_out) == ("judge.j", "people", False)
    for estimate in found.estimates:
        truth, judged = TRUE[estimate.variant].mean(), JUDGED[estimate.variant].mean()
        assert estimate.status == "corrected"
        assert estimate.raw.value == pytest.approx(judged)
        assert estimate.raw.low > truth  # type: ignore[operator]
        assert estimate.corrected.low < truth < estimate.corrected.high  # type: ignore[operator]
        assert estimate.n_labels == estimate.labels.n == 100
        assert estimate.worth > 130  # type: ignore[operator]
        assert (estimate.corrected.n, estimate.corrected.n_clusters) == (N, N // 2)
    gap = found.differences[0]
    assert (gap.variant, gap.baseline, gap.status, gap.n_labels) == ("tuned", "base", "corrected", 100)
    assert gap.corrected.low < BETTER.mean() - BASE.mean() < gap.corrected.high  # type: ignore[operator]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "no answer of a random sample"),
        (labels(sample="disagreement"), "no answer of a random sample"),
        (labels(criterion="tone"), "no answer of a random sample"),
        (labels(SAMPLE[:20]), "20 labels of a random sample are too few"),
    ],
)
def test_without_a_random_sample_nothing_is_corrected(given: list[AnswerLabel], why: str) -> None:
    found = made(labels=given)
    for estimate in found.estimates:
        assert estimate.status == "uncorrected"
        assert estimate.corrected.value is None
        assert why in (estimate.reason or "")
        assert estimate.raw.value is not None
        assert half_width_after(estimate, 100) is None
    assert found.differences[0].status == "uncorrected"


def test_labels_of_one_side_correct_that_side_alone() -> None:
    found = made(labels=labels(names=("tuned",)))
    assert [e.status for e in found.estimates] == ["uncorrected", "corrected"]
    assert (found.differences[0].reason or "").startswith("base: no answer")


def test_a_label_holds_for_the_text_alone_whoever_gave_it() -> None:
    shared = range(0, N, 2)
    said = {(f"i{k}", "the same"): float(BASE[k]) for k in shared}
    one = [
        AnswerLabel(id=str(k), item=item, input="?", answer=text, label=v, sample="random")
        for k, ((item, text), v) in enumerate(said.items())
    ]
    found = made(texts=texts(shared), labels=[*one, *labels(range(1, N, 2))])
    assert [e.n_labels for e in found.estimates] == [N, N]
    assert found.differences[0].n_labels == N


def test_labels_of_answers_that_others_gave_too_are_no_random_sample() -> None:
    """Only the base was labelled; what the tuned model answers alike is easier than the rest."""
    shared = range(200)
    one = [
        AnswerLabel(
            id=str(k),
            item=f"i{k}",
            input="?",
            answer=texts(shared)["base", f"i{k}"],
            label=1.0,
            sample="random",
        )
        for k in SAMPLE
    ]
    base, tuned = made(texts=texts(shared), labels=one).estimates
    assert base.status == "corrected"
    assert tuned.status == "uncorrected"
    assert "no random sample of its answers: 0 of the 200 that it alone gave" in (tuned.reason or "")


def test_answers_that_changed_since_take_their_labels_with_them() -> None:
    given = labels(variant="base", names=("base",))
    for share, status in ((5, "corrected"), (20, "uncorrected")):
        stale = {("base", f"i{k}"): "new" for k in SAMPLE[:share]}
        found = made(texts=texts() | stale, labels=given).estimates[0]
        assert (found.n_stale, found.status) == (share, status)
    assert "20 of 100 labelled answers have changed" in (found.reason or "")


def test_labels_of_items_that_a_cut_run_left_out_are_not_stale() -> None:
    kept = items()[::2]
    asked = {item.id for item in kept}
    said = {key: text for key, text in texts().items() if key[1] in asked}
    found = made(items=kept, texts=said, labels=labels(variant="base", names=("base",))).estimates[0]
    assert (found.n_stale, found.status) == (0, "corrected")
    assert found.n_labels == sum(f"i{k}" in asked for k in SAMPLE)


@pytest.mark.parametrize(
    ("criterion", "why"),
    [("mean", "not of the mean"), ("preference", "not of a preference"), ("tone", "labelled for tone")],
)
def test_what_has_no_labels_says_what_to_do(criterion: str, why: str) -> None:
    assert why in (made(criterion=criterion).estimates[0].reason or "")


def test_failed_answers_and_judgements_are_counted() -> None:
    said = {key: text for key, text in texts().items() if key != ("base", "i3")}
    broken = {"base": np.where(np.arange(N) % 3 == 0, np.nan, 0.0), "tuned": JUDGED["tuned"]}
    rows = [s for s in scores() if not (s.variant == "base" and np.isnan(broken["base"][int(s.item[1:])]))]
    found = made(texts=said, scores=rows).estimates[0]
    assert found.status == "corrected"
    assert found.corrected.n_missing == 1
    assert found.raw.n == N - (N + 2) // 3
    nothing = made(scores=[]).estimates[0]
    assert nothing.reason == "the judge gave no value"


@pytest.mark.parametrize("trust", [None, Trust(status="below floor", floor=0.8, low=0.5, sentence="No.")])
def test_a_judge_that_is_not_trusted_is_shown_and_kept_out(trust: Trust | None) -> None:
    found = made(trust=trust)
    assert found.kept_out
    assert found.estimates[0].status == "corrected"


def test_a_rubric_without_spread_has_no_interval() -> None:
    same = [x.model_copy(update={"label": 5.0}) for x in labels(criterion="tone")]
    assert made(labels=same, criterion="tone").estimates[0].reason == (
        "all labels are equal, so nothing shows their spread"
    )
    mixed = [x.model_copy(update={"label": 1 + 4 * (x.label or 0.0)}) for x in labels(criterion="tone")]
    lifted = {name: 1 + 4 * row for name, row in JUDGED.items()}
    found = made(labels=mixed, criterion="tone", scores=scores(lifted))
    assert found.estimates[0].status == "corrected"
    assert 1 < found.estimates[0].corrected.value < 5  # type: ignore[operator]


def test_more_labels_buy_a_narrower_interval() -> None:
    now = made().estimates[0]
    half = (now.corrected.high - now.corrected.low) / 2  # type: ignore[operator]
    assert half_width_after(now, 0) == pytest.approx(half)
    found = made(labels=labels(RNG.permutation(N)[:200])).estimates[0].corrected
    assert half_width_after(now, 100) == pytest.approx((found.high - found.low) / 2, rel=0.15)  # type: ignore[operator]
    assert half_width_after(now, 10_000) == half_width_after(now, 300)
    needed = labels_needed(now, 0.8 * half)
    assert needed is not None
    assert half_width_after(now, needed) <= 0.8 * half < half_width_after(now, needed - 1)  # type: ignore[operator]
    assert labels_needed(now, half) == 0
    assert labels_needed(now, 0.001) is None
