from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.breakeven import break_evens
from harness.comparison.table import build_table
from harness.types.decision import BreakEven
from harness.types.economics import Ranges
from harness.types.settings import VariantSpec

from .factories import WHOLE, economics, items, model_of, scenario, scores, training

SPECS = (VariantSpec(name="rag"), VariantSpec(name="lora", weights="adapter:a"))


def found(wins: dict[str, list[float]], ranges: Ranges | None = None, examples: int = 100) -> BreakEven:
    """rag: 4 a thousand. lora: 1 a thousand, and 1 for each of ``examples`` at every training."""
    n = len(wins["rag"])
    rows = scores("success", wins) + scores("cost", {"rag": [0.004] * n, "lora": [0.001] * n})
    table = build_table(("rag", "lora"), items(n), rows, ())
    given = scenario(SPECS, economics=economics(example_price=1.0))
    model = model_of(given, table, {"a": training(seconds=0, examples=examples)})
    return break_evens(table, model, ranges or Ranges(), WHOLE)[0]


def wins(rag: float, lora: float, n: int = 400) -> dict[str, list[float]]:
    rng = np.random.default_rng(2)
    return {
        name: (rng.permutation(n) < rate * n).astype(float).tolist()
        for name, rate in (("rag", rag), ("lora", lora))
    }


@pytest.mark.slow
def test_the_interval_against_brute_force() -> None:
    given = wins(0.8, 0.5)
    b = found(given)
    assert b.cheaper_above == "lora"
    # 0.004 / .8 = 0.001 / .5 + 100 / (3 x .5 V)
    assert b.monthly_requests == pytest.approx(100 / 1.5 / 0.003)
    rng = np.random.default_rng(9)
    pairs = np.array([given["rag"], given["lora"]])[:, rng.integers(0, 400, (20_000, 400))].mean(axis=2)
    volumes = 100 / (3 * pairs[1]) / (0.004 / pairs[0] - 0.001 / pairs[1])
    assert (b.low, b.high) == pytest.approx(tuple(np.quantile(volumes, [0.025, 0.975])), rel=0.03)
    assert b.share_never == 0


def test_never_is_a_share_of_the_draws_and_has_no_bound() -> None:
    # rag 0.005 a success, lora 0.001 / 0.21: nearly the same, so many draws never meet.
    b = found(wins(0.8, 0.21))
    assert b.monthly_requests is not None
    assert b.low is not None
    assert b.high is None
    assert 0.2 < (b.share_never or 0) < 0.6
    always = found(wins(0.8, 0.1))
    assert always.monthly_requests is None
    assert always.share_never == 1


def test_declared_prices_widen_it_and_unknown_costs_have_none() -> None:
    exact, wide = found(wins(0.8, 0.5)), found(wins(0.8, 0.5), Ranges(utilisation=(0.2, 0.9)))
    assert None not in (exact.low, exact.high, wide.low, wide.high)
    assert wide.high - wide.low > 1.5 * (exact.high - exact.low)  # type: ignore[operator]
    nothing = found({"rag": [0.0] * 20, "lora": [1.0] * 20})
    assert nothing.share_never is nothing.low is None
