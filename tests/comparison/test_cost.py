from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from harness.comparison.bootstrap import Resampler
from harness.comparison.cost import Bill, Costs, build_costs
from harness.comparison.table import build_table
from harness.errors import HarnessError
from harness.types.answers import TrainingRecord
from harness.types.economics import Ranges
from harness.types.settings import VariantSpec

from .factories import economics, items, model_of, scenario, scores, training

LORA = VariantSpec(name="lora", weights="adapter:a")
PROMPT = VariantSpec(name="prompt")


def costs(
    money: Sequence[float | None],
    wins: Sequence[float | None],
    spec: VariantSpec = LORA,
    per_cluster: int = 1,
    trainings: Mapping[str, TrainingRecord] | None = None,
    **terms: Any,
) -> Costs:
    rows = scores("cost", {spec.name: money}) + scores("success", {spec.name: wins})
    table = build_table([spec.name], items(max(len(money), len(wins)), per_cluster), rows, ())
    given = scenario([spec], economics=economics(example_price=0.29, **terms))
    known = {"a": training()} if trainings is None else trainings
    model = model_of(given, table, known)
    return build_costs(table, [spec], model, Bill(given.economics, known, {}), Resampler(0, "all"))


def test_worked_example() -> None:
    """1,000 s at 3.60 an hour is 1, 100 examples at 0.29 are 29: 30 over 30,000 requests is 1 per 1,000."""
    rng = np.random.default_rng(0)
    money = rng.uniform(0.001, 0.003, 200)
    wins = (np.arange(200) % 4 == 0).astype(float)
    (cost,) = costs(money.tolist(), wins.tolist()).variants
    serving = 1000 * money.mean()
    assert cost.training_once == pytest.approx(30)
    assert cost.serving_per_1000.value == pytest.approx(serving)
    assert cost.per_1000.value == pytest.approx(serving + 1)
    assert cost.per_1000_successes.value == pytest.approx((serving + 1) / 0.25)
    assert cost.per_1000_successes.method == "ratio, cluster bootstrap"
    low, high = cost.per_1000_successes.low, cost.per_1000_successes.high
    assert low is not None
    assert high is not None
    assert 9 < low < 12 < high < 17


def test_curve_falls_to_the_serving_cost_and_meets_the_stated_volume() -> None:
    found = costs([0.002] * 40, [1.0, 0] * 20)
    (cost,) = found.variants
    curve = [c for c in cost.curve if c is not None]
    assert len(curve) == len(found.volumes) == 41
    assert (found.volumes[0], found.volumes[-1]) == pytest.approx((100, 1e7))
    assert curve == sorted(curve, reverse=True)
    assert curve[16] == pytest.approx(1000 * (0.002 + 30 / (found.volumes[16] * 3)) / 0.5)
    assert curve[-1] == pytest.approx(4, rel=0.01)


def test_no_success_has_no_price() -> None:
    (cost,) = costs([0.001, 0.002] * 20, [0.0] * 40).variants
    assert cost.per_1000_successes.value is None
    assert "no successes" in (cost.per_1000_successes.reason or "")
    assert set(cost.curve) == {None}
    assert cost.per_1000.value is not None


def test_rare_and_certain_successes() -> None:
    money = np.random.default_rng(0).uniform(0.001, 0.003, 40).tolist()
    rare = costs(money, [1.0] + [0.0] * 39).variants[0].per_1000_successes
    assert rare.method == "ratio, MOVER-R of both intervals"
    assert rare.value is not None
    assert rare.high is not None
    assert rare.high > 3 * rare.value
    sure = costs(money, [1.0] * 40).variants[0].per_1000_successes
    assert sure.low is not None
    assert sure.high is not None
    assert sure.low < (sure.value or 0) < sure.high
    assert sure.high > (sure.value or 0) * 1.08


def test_clustered_successes_widen_the_price() -> None:
    money = np.random.default_rng(0).uniform(0.001, 0.003, 200).tolist()
    wins = np.repeat(np.random.default_rng(1).random(40) < 0.5, 5).astype(float).tolist()
    alone, grouped = (costs(money, wins, per_cluster=k).variants[0].per_1000_successes for k in (1, 5))
    assert alone.high is not None
    assert alone.low is not None
    assert grouped.high is not None
    assert grouped.low is not None
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_unknown_costs_stay_unknown() -> None:
    bought = VariantSpec(name="bought", weights="precomputed:answers.jsonl")
    (cost,) = costs([], [1.0] * 10, bought).variants
    assert cost.serving_per_1000.value is cost.per_1000.value is cost.per_1000_successes.value is None
    assert "made elsewhere" in (cost.per_1000_successes.reason or "")
    (unscored,) = costs([0.001, 0.002] * 5, [], PROMPT).variants
    assert unscored.per_1000_successes.reason == "no item has a value of success"
    with pytest.raises(HarnessError, match="no training record"):
        costs([0.001] * 10, [1.0] * 10, LORA, trainings={})
    assert costs([0.001, 0.002] * 5, [1.0] * 10, PROMPT).variants[0].training_once == 0


def test_constant_cost_has_no_interval_but_a_reason() -> None:
    (cost,) = costs([0.002] * 40, [1.0] * 40).variants
    assert cost.serving_per_1000.low is None
    assert "equal" in (cost.serving_per_1000.reason or "")
    assert cost.per_1000_successes.value == pytest.approx(3)
    assert cost.per_1000_successes.low is None
    assert cost.per_1000_successes.reason


def test_declared_ranges_widen_the_intervals_and_move_no_value() -> None:
    rng = np.random.default_rng(0)
    money, wins = rng.uniform(0.001, 0.003, 200).tolist(), [1.0, 0] * 100
    (exact,) = costs(money, wins).variants
    (wide,) = costs(money, wins, ranges=Ranges(utilisation=(0.25, 1.0), training_price=(1.0, 9.0))).variants
    for name in ("serving_per_1000", "per_1000", "per_1000_successes"):
        before, after = getattr(exact, name), getattr(wide, name)
        assert after.value == before.value
        assert after.high - after.low > 2 * (before.high - before.low)
        assert after.method == "Monte Carlo over items and declared ranges"
    # Busy between a quarter and all of the time: half to twice the serving cost, at the outside.
    serving = wide.serving_per_1000
    assert serving.value is not None
    assert serving.low is not None
    assert serving.high is not None
    assert 0.5 * serving.value < serving.low < serving.value < serving.high < 2 * serving.value


def test_rare_successes_keep_an_interval_under_declared_ranges() -> None:
    money = np.random.default_rng(0).uniform(0.001, 0.003, 40).tolist()
    found = costs(money, [1.0] + [0.0] * 39, ranges=Ranges(utilisation=(0.25, 1.0))).variants[0]
    assert found.per_1000_successes.method == "ratio, MOVER-R of both intervals"
    nothing = costs(money, [], ranges=Ranges(utilisation=(0.25, 1.0))).variants[0]
    assert nothing.per_1000_successes.value is None
    assert nothing.per_1000.high is not None
