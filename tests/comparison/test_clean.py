"""The score on clean items beside that on all."""

from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.clean import clean_scores
from harness.comparison.table import build_table
from harness.types.results import CleanScore
from harness.types.settings import VariantSpec

from .factories import items, metric, scores

SUCCESS = metric("success")


def clean(
    values: dict[str, list[float | None]], leaked: set[str], kind: object = SUCCESS
) -> dict[str, CleanScore]:
    rows = scores(kind.name, values)  # type: ignore[attr-defined]
    table = build_table(tuple(values), items(len(next(iter(values.values())))), rows, ())
    return {c.variant: c for c in clean_scores(table, kind, leaked, "prompt")}  # type: ignore[arg-type]


def test_leaked_items_that_were_right_lift_the_score_on_all() -> None:
    values = {"prompt": [0.0, 1.0] * 50, "lora": [1.0] * 20 + [0.0, 1.0] * 40}
    found = clean(values, {f"i{k:04}" for k in range(20)})
    lora, prompt = found["lora"], found["prompt"]
    assert (lora.all.value, lora.clean.value) == pytest.approx((0.6, 0.5))
    assert (lora.all.n, lora.clean.n) == (100, 80)
    assert lora.change.value == pytest.approx(-0.1)
    assert lora.change.low is not None
    assert lora.change.high is not None
    assert lora.change.low < -0.1 < lora.change.high < 0
    assert lora.gap is not None
    assert lora.gap.value == pytest.approx(0.0)
    assert prompt.gap is None
    assert prompt.change.value == pytest.approx(0.0)
    assert prompt.change.low is not None
    assert prompt.change.low < 0


def test_the_interval_of_the_change_covers_the_truth() -> None:
    """Items of one kind, a random half of them leaked: the truth is no change."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        values = {"prompt": (rng.random(80) < 0.4).astype(float).tolist()}
        leaked = {f"i{k:04}" for k in rng.choice(80, 40, replace=False)}
        change = clean(values, leaked)["prompt"].change
        assert change.low is not None
        assert change.high is not None
        covered += change.low <= 0 <= change.high
    assert covered >= 88


def test_nothing_leaked_and_everything_leaked() -> None:
    values: dict[str, list[float | None]] = {"prompt": [1.0, 0.0] * 10}
    assert clean(values, set()) == {}
    found = clean(values, {f"i{k:04}" for k in range(20)})["prompt"]
    assert found.all.value == 0.5
    assert found.clean.value is None
    assert found.change.value is None
    assert found.change.reason == "no clean item was scored"


def test_missing_values_stay_missing() -> None:
    found = clean({"prompt": [1.0, None, 0.0, 1.0, None] * 6}, {"i0000", "i0001"})["prompt"]
    assert (found.clean.n, found.clean.n_missing) == (17, 11)
    assert found.change.n == 18


def test_a_median_has_no_change_with_an_interval() -> None:
    latency = metric("latency", "s", up=False, phase="timing")
    found = clean({"prompt": [1.0, 2.0, 3.0] * 10}, {"i0000"}, latency)["prompt"]
    assert found.change.value is None
    assert found.clean.value == 2.0


def test_a_baseline_that_was_not_run_and_a_metric_that_was_not_scored() -> None:
    table = build_table(("lora",), items(20), scores("success", {"lora": [1.0, 0.0] * 10}), ())
    (found,) = clean_scores(table, SUCCESS, {"i0001"}, "prompt")
    assert found.gap is None
    assert clean_scores(table, metric("f1"), {"i0001"}, "prompt") == ()
    assert VariantSpec(name="lora").name == found.variant
