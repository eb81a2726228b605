from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.comparison.utility import break_even, evaluate, fixed_cost, serving_cost
from harness.types.decision import DecisionModel, DecisionTerms, VariantTerms
from harness.types.economics import Ranges, Swing, Weights

from .factories import economics


def variant(name: str, **other: Any) -> VariantTerms:
    """``per_request`` is money at the terms below, where a machine second costs 0.001."""
    per_request = other.pop("per_request", 0.001)
    given: dict[str, Any] = {
        "variant": name, "quality": 0.5, "success_rate": 0.5, "harm_rate": None,
        "machine_s": None if per_request is None else per_request * 1000,
        "other_per_request": 0.0, "training_hours": 0.0, "other_once": 0.0, "per_month": 0.0,
        "latency_s": 1.0, "ruled_out": None, "worse_than": (),
    }  # fmt: skip
    if "success_rate" in other:
        given["quality"] = other["success_rate"]
    given |= other
    for name, of in (("quality", "quality"), ("success", "success_rate"), ("harm", "harm_rate")):
        given.setdefault(f"expected_{name}", given[of])
    return VariantTerms(**given)


def terms(**other: Any) -> DecisionTerms:
    given: dict[str, Any] = {
        "monthly_requests": 10_000, "serving_price_per_hour": 1.8, "training_price_per_hour": 2.0,
        "utilisation": 0.5, "retraining_months": 3, "value_of_success": None, "cost_of_harm": 0.0,
        "weights": None, "max_cost_per_1000": None, "volume_range": (100, 10_000_000),
    }  # fmt: skip
    return DecisionTerms(**given | other)


def model(*variants: VariantTerms, up: bool = True) -> DecisionModel:
    return DecisionModel(
        currency="USD", quality_metric="success", higher_is_better=up, variants=variants, terms=terms()
    )


def test_worked_example_in_money() -> None:
    """rag: 4 a thousand, 80% right, 10% harmful. lora: 1 + 0.2 for a judge, 50%, trained for 12 h and 66 money.

    lora a month: 10,000 x 0.0012 + (12 x 2 + 66) / 3 + 5 = 47. At 0.10 a success it is worth 500 - 47; rag
    800 - 10,000 x 0.1 x 0.5 - 40.
    """
    rag = variant("rag", per_request=0.004, success_rate=0.8, harm_rate=0.1)
    lora = variant(
        "lora", success_rate=0.5, harm_rate=0.0, other_per_request=0.0002, training_hours=12, other_once=66,
        per_month=5,
    )  # fmt: skip
    found = evaluate(model(rag, lora), terms(value_of_success=0.1, cost_of_harm=0.5))
    one, two = found.outcomes
    assert (one.per_1000, one.per_1000_successes, one.per_month) == pytest.approx((4, 5, 40))
    assert (two.per_1000, two.per_1000_successes, two.per_month) == pytest.approx((4.7, 9.4, 47))
    assert (one.utility, two.utility) == pytest.approx((260, 453))
    assert found.ranking == ("lora", "rag")
    assert found.recommended == "lora"
    dear = evaluate(model(rag, lora), terms(value_of_success=1, cost_of_harm=0.5))
    assert dear.recommended == "rag"


def test_worked_example_in_weights() -> None:
    """Quality from .5 to .9 weighs 3, latency from 4 s to 0 s weighs 1: (3 x .75 + .5) / 4 and (0 + 1) / 4."""
    weights = Weights(quality=Swing(weight=3, worst=0.5, best=0.9), latency=Swing(weight=1, worst=4, best=0))
    slow, fast = (
        variant("slow", success_rate=0.8, latency_s=2),
        variant("fast", success_rate=0.4, latency_s=-1),
    )
    blind = variant("blind", success_rate=0.9, latency_s=None)
    found = evaluate(model(blind, slow, fast), terms(weights=weights))
    assert [o.utility for o in found.outcomes] == [None, pytest.approx(0.6875), pytest.approx(0.25)]
    assert found.ranking == ("slow", "fast", "blind")


def test_without_a_utility_quality_decides_and_price_breaks_ties() -> None:
    best = variant("best", success_rate=0.8, per_request=0.009)
    near = variant("near", success_rate=0.7, per_request=0.002)
    far = variant("far", success_rate=0.4, worse_than=("best", "near"))
    found = evaluate(model(far, best, near), terms())
    assert found.tied == ("best", "near")
    assert found.ranking == ("near", "best", "far")
    limited = evaluate(model(far, best, near), terms(max_cost_per_1000=1.5))
    assert limited.ranking == ("far",)
    assert limited.outcomes[1].ruled_out == "costs $9.00, above the limit of $1.50 per 1,000 requests"
    down = evaluate(model(variant("a", quality=5), variant("b", quality=3), up=False), terms())
    assert down.tied == ("b", "a")


def test_unknown_comes_last_and_nobody_may_qualify() -> None:
    known, unknown = variant("known"), variant("unknown", per_request=None, success_rate=0.9)
    assert evaluate(model(unknown, known), terms(value_of_success=1)).ranking == ("known", "unknown")
    unmeasured = evaluate(model(unknown, known), terms(value_of_success=1, cost_of_harm=1))
    assert [o.utility for o in unmeasured.outcomes] == [None, None]
    assert unmeasured.recommended == "known"
    out = evaluate(model(variant("a", ruled_out="too slow")), terms())
    assert (out.recommended, out.ranking, out.tied) == (None, (), ())


def test_break_even_worked_example() -> None:
    """rag: 4 per 1,000, 80%. lora: 1 per 1,000, 50%, 90 once. 0.005 = 0.002 + 60/V, so V = 20,000."""
    rag = variant("rag", per_request=0.004, success_rate=0.8)
    lora = variant("lora", per_request=0.001, success_rate=0.5, other_once=90)
    for pair in ((rag, lora), (lora, rag)):
        found = break_even(*pair, terms())
        assert (found.cheaper_above, found.other) == ("lora", "rag")
        assert found.monthly_requests == pytest.approx(20_000)
        assert found.reason is None


@pytest.mark.parametrize(
    ("per_request", "once", "rate", "text"),
    [
        (0.001, 0, 1.0, "both cost the same"),
        (0.002, 5, 1.0, "a is cheaper at every volume"),
        (0.001, 5, 1.0, "a is cheaper at every volume"),
        (0.0009999, 1e6, 1.0, "up to 10,000,000 requests a month a is cheaper"),
        (0.0001, 0.01, 1.0, "b is cheaper from 100 requests"),
        (None, 0, 1.0, "the cost is unknown for b"),
        (0.1, 0, 0.0, "successes are none"),
    ],
)
def test_never_in_range_says_why(per_request: float | None, once: float, rate: float, text: str) -> None:
    b = variant("b", per_request=per_request, other_once=once, success_rate=rate)
    found = break_even(variant("a", success_rate=1.0), b, terms())
    assert found.monthly_requests is None
    assert text in (found.reason or "")


def priced(name: str) -> st.SearchStrategy[VariantTerms]:
    return st.builds(
        lambda request, once, rate, month: variant(
            name, per_request=request, other_once=once, success_rate=rate, per_month=month
        ),
        st.floats(1e-6, 1e-1), st.floats(0, 1e5), st.floats(0.01, 1), st.floats(0, 100),
    )  # fmt: skip


@given(priced("a"), priced("b"))
def test_curves_cross_at_the_break_even(a: VariantTerms, b: VariantTerms) -> None:
    found = break_even(a, b, terms())
    if found.monthly_requests is None:
        assert found.reason
        return
    at = terms(monthly_requests=found.monthly_requests)
    one, two = (
        ((serving_cost(v, at) or 0) + fixed_cost(v, at) / at.monthly_requests) / (v.success_rate or 1)
        for v in (a, b)
    )
    assert one == pytest.approx(two, rel=1e-6)
    assert 100 <= found.monthly_requests <= 1e7


@pytest.mark.parametrize(
    ("field", "bounds", "text"),
    [
        ("utilisation", (0.6, 0.9), "must go from below to above the stated 0.5"),
        ("serving_price", (3.6, 3.6), "must go from below"),
        ("utilisation", (0.4, 1.2), "must not exceed 1"),
    ],
)
def test_ranges_hold_what_is_stated(field: str, bounds: tuple[float, float], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        economics(ranges=Ranges.model_validate({field: bounds}))
    with pytest.raises(ValidationError, match="a loss alone would rank silence first"):
        economics(cost_of_harm=1)
    with pytest.raises(ValidationError, match="worst and best must differ"):
        Swing(weight=1, worst=1, best=1)


def test_whole_replicas_are_paid_where_a_rate_was_measured() -> None:
    v = variant("a", machine_s=9.0, other_per_request=0.5, monthly_per_replica=1000.0)
    price = terms().serving_price_per_hour
    for volume, replicas in ((10, 1), (1000, 1), (1001, 2), (4500, 5)):
        there = terms(monthly_requests=volume, utilisation=0.1)
        assert serving_cost(v, there) == pytest.approx(replicas * 730.5 * price / volume + 0.5)
    point = break_even(v, variant("b"), terms())
    assert point.monthly_requests is None
    assert "whole replicas" in (point.reason or "")
