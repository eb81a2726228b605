from __future__ import annotations

import pytest

from harness.comparison.drift import batch_drift, drift_floor
from harness.types.answers import Answer
from harness.types.settings import Decoding, VariantSpec

from .factories import SQUARE, items, scenario, scores


def answer(variant: str, item: str, text: str | None = None, seconds: float | None = None) -> Answer:
    phase = "quality" if seconds is None else "timing"
    return Answer(variant=variant, item=item, phase=phase, key="k", text=text, total_s=seconds)


def test_shares_of_what_differs_and_the_ratio_of_latencies() -> None:
    n = 20
    texts = {"a": ["same"] * n, "b": ["same"] * (n - 3) + ["other"] * 3}
    given = [answer(v, f"i{k:04}", text) for v, row in texts.items() for k, text in enumerate(row)]
    given += [answer(v, f"i{k:04}", seconds=s) for v, s in (("a", 2.0), ("b", 3.0)) for k in range(10)]
    right = scores("success", {"a": [1.0] * n, "b": [1.0] * (n - 1) + [0.0]})
    drift = drift_floor("a", "b", "success", items(n), given, right, margin=0.2)
    assert (drift.text.value, drift.text.n) == (0.15, 20)
    assert drift.score.value == pytest.approx(0.05)
    assert (drift.latency_ratio.value, drift.latency_ratio.n) == (1.5, 10)
    assert drift.text.high is not None
    assert drift.text.high > 0.3
    assert drift.equivalence is not None
    assert drift.equivalence.difference.value == pytest.approx(-0.05)
    assert drift.equivalence.equivalent


def test_nothing_that_differs_still_has_an_upper_bound() -> None:
    given = [answer(v, f"i{k:04}", "x") for v in "ab" for k in range(20)]
    drift = drift_floor(
        "a", "b", "success", items(20), given, scores("success", {"a": [1.0] * 20, "b": [1.0] * 20})
    )
    assert drift.text.value == 0
    assert drift.text.high == pytest.approx(0.161, abs=1e-3)
    assert drift.latency_ratio.value is None
    assert drift.latency_ratio.reason == "no item was timed in both passes"


def test_one_failure_is_a_difference_and_two_are_nothing() -> None:
    given = [answer("a", "i0000", "x"), answer("b", "i0000"), answer("a", "i0001"), answer("b", "i0001")]
    drift = drift_floor("a", "b", "success", items(2), given, [])
    assert (drift.text.value, drift.text.n) == (1.0, 1)
    assert drift.score.value is None


def test_alone_and_in_batches_are_compared_on_the_items_asked_both_ways() -> None:
    given = [answer(v, f"i{k:04}", "x") for v in ("prompt", "rag") for k in range(20)]
    alone = [answer(v, f"i{k:04}", "x", seconds=1.0) for v in ("prompt", "rag") for k in range(8)]
    alone[0] = alone[0].model_copy(update={"text": "y"})
    alone[1] = alone[1].model_copy(update={"text": None, "error": "failed"})
    drift = batch_drift(scenario(), items(20), given + alone)
    assert drift.variants == tuple(v.name for v in SQUARE)
    assert (drift.same_text.value, drift.same_text.n) == (pytest.approx(14 / 15), 15)
    assert drift.same_text.low is not None
    assert drift.same_text.low < 0.9


def test_sampled_answers_and_those_of_others_are_no_drift() -> None:
    others = (
        VariantSpec(name="prompt"),
        VariantSpec(name="hot", decoding=Decoding(temperature=1.0)),
        VariantSpec(name="file", weights="precomputed:x.jsonl"),
    )
    given = [answer(v.name, "i0000", v.name + p, s) for v in others for p, s in (("a", None), ("b", 1.0))]
    drift = batch_drift(scenario(others), items(2), given)
    assert drift.variants == ("prompt",)
    assert (drift.same_text.value, drift.same_text.n) == (0.0, 1)


def test_where_nothing_was_asked_both_ways_the_drift_is_unknown() -> None:
    drift = batch_drift(scenario(), items(2), [answer("prompt", "i0000", "x")])
    assert drift.same_text.value is None
    assert drift.same_text.reason == "no item was answered in both passes"
