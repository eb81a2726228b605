"""The sustained rate from a sweep, and what it makes of the cost at any rate."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.comparison.capacity import (
    SECONDS_A_MONTH,
    capacity,
    cost_at,
    load_costs,
    mean_rate,
    paid_seconds,
    replicas,
)
from harness.types.capacity import Capacity
from harness.types.economics import Economics, Hardware
from harness.types.load import Distribution, Lag, Level, LevelJudgement, Limits, LoadTerms, Rate

TERMS = LoadTerms(limits=Limits(e2e=1.0), attainment=0.9)
BOX = Hardware(name="box", price_per_hour=3.6, as_of=date(2026, 11, 1), source="a test")


def _rate(share: float | None, half: float = 0.05) -> Rate:
    if share is None:
        return Rate(value=None, low=None, high=None, share=None, n=0, reason="no limits")
    low, high = max(0.0, share - half), min(1.0, share + half)
    return Rate(value=share, low=low, high=high, share=share, share_low=low, share_high=high, n=100)


def _level(rate: float, share: float | None, valid: bool = True) -> Level:
    nothing = Distribution(mean=None, percentiles=(), n=0, n_effective=0, n_failed=0)
    some = nothing.model_copy(update={"percentiles": (_percentile(0.1),)})
    return Level(
        arrivals="poisson", cache="cold", offered_rate=rate, sessions=1, duration_s=10, completed=100, failed=0,
        errors={}, request_throughput=rate, output_throughput=None, total_token_throughput=None,
        max_concurrent_requests=1, drain_s=0.1, ttft=some, itl=nothing, tpot=nothing, e2e=some, limits=TERMS.limits,
        one_token=0, request_goodput=_rate(share), quality_goodput=_rate(None), success=_rate(None),
        lag=Lag(send_p50_s=0, send_p99_s=0, send_max_s=0, loop_p99_s=0, loop_max_s=0), valid=valid,
    )  # fmt: skip


def _percentile(value: float):  # type: ignore[no-untyped-def]
    from harness.types.load import Percentile

    return Percentile(q=0.5, value=value, low=value, high=value)


def _measured(shares: dict[float, float | None], behind: tuple[float, ...] = ()) -> Capacity:
    levels = [_level(rate, share) for rate, share in shares.items()]
    judged = [
        LevelJudgement(
            offered_rate=rate, sustained=rate not in behind and (share is None or share >= 0.9),
            behind=rate in behind, reason="",
        )
        for rate, share in shares.items()
    ]  # fmt: skip
    return capacity(levels, judged, TERMS, "box")


def test_the_sustained_rate_is_where_the_share_falls_through() -> None:
    found = _measured({8.0: 0.7, 1.0: 1.0, 4.0: 1.0})
    assert found.rate == pytest.approx(4 * 2 ** (1 / 3))
    assert found.low is not None
    assert found.high is not None
    assert 4 <= found.low < found.rate < found.high <= 8
    assert [p.rate for p in found.points] == [1, 4, 8]


def test_a_server_that_falls_behind_sustains_nothing_there_whatever_the_limits_say() -> None:
    found = _measured({2.0: 1.0, 3.0: 0.99}, behind=(3.0,))
    assert found.rate is not None
    assert 2 <= found.rate < 2.1


def test_without_limits_a_rate_is_sustained_while_the_server_keeps_up() -> None:
    found = _measured({2.0: None, 3.0: None}, behind=(3.0,))
    assert found.rate is not None
    assert 2 <= found.rate < 2.1


def test_ends_that_were_not_found_are_said() -> None:
    above = _measured({1.0: 1.0, 2.0: 1.0})
    assert (above.rate, above.low, above.high) == (2.0, 2.0, None)
    assert "before the server did" in (above.reason or "")
    below = _measured({1.0: 0.5})
    assert below.rate is None
    assert below.reason == "not even 1 requests/s were sustained"
    unsure = _measured({1.0: 0.92, 2.0: 0.2})
    assert unsure.low is None
    assert "too few requests" in (unsure.reason or "")
    assert (
        capacity([_level(1.0, 1.0, valid=False)], [], TERMS, "box").reason == "no rate was measured validly"
    )


def test_more_load_does_not_help() -> None:
    """What a lower rate seems to lack beside a higher one is noise."""
    found = _measured({1.0: 0.88, 2.0: 1.0, 4.0: 1.0, 8.0: 0.5})
    assert found.rate is not None
    assert found.low is not None
    assert 4 < found.low < found.rate < 8


@given(st.floats(0.01, 1e4), st.floats(0.01, 1e3), st.floats(1, 10))
def test_replicas_are_whole_and_just_enough(rate: float, sustained: float, peak: float) -> None:
    n = replicas(rate, sustained, peak)
    assert n >= 1
    assert n * sustained >= rate * peak * (1 - 1e-6)
    assert n == 1 or (n - 1) * sustained < rate * peak


def test_a_replica_at_exactly_its_rate_is_one() -> None:
    assert replicas(0.3 * 3, 0.3) == 3


def test_cost_falls_within_a_replica_and_steps_up_with_the_next() -> None:
    found = _measured({4.0: 1.0, 8.0: 0.7})
    assert found.rate is not None
    whole = cost_at(found.rate, found, 3.6, 0.5)
    half = cost_at(found.rate / 2, found, 3.6, 0.5)
    over = cost_at(found.rate * 1.01, found, 3.6, 0.5)
    assert whole is not None
    assert half is not None
    assert over is not None
    assert whole.per_1000 == pytest.approx(1000 * 3.6 / 3600 / found.rate)
    assert half.per_1000 == pytest.approx(2 * whole.per_1000)
    assert (whole.replicas, over.replicas) == (1, 2)
    assert whole.per_1000_successes == pytest.approx(2 * whole.per_1000)
    assert over.low <= over.per_1000
    assert over.high is not None
    assert over.high >= over.per_1000


def test_the_month_is_paid_day_and_night() -> None:
    found = _measured({4.0: 1.0, 8.0: 0.7})
    volume = 1000.0
    assert paid_seconds(found, volume) == pytest.approx(SECONDS_A_MONTH / volume)
    assert paid_seconds(_measured({1.0: 0.5}), volume) is None


def test_curves_of_all_variants_are_over_the_same_rates() -> None:
    economics = Economics(serving=BOX, training=BOX, monthly_requests=1_000_000)
    slow, fast, none = (
        _measured({1.0: 1.0, 2.0: 0.5}),
        _measured({8.0: 1.0, 16.0: 0.5}),
        _measured({1.0: 0.5}),
    )
    costs = load_costs([("slow", slow, 0.5), ("fast", fast, None), ("none", none, 0.5)], economics)
    assert [c.variant for c in costs] == ["slow", "fast", "none"]
    assert [p.rate for p in costs[0].curve] == [p.rate for p in costs[1].curve]
    assert costs[0].monthly_rate == mean_rate(1_000_000)
    assert costs[1].stated is not None
    assert costs[1].stated.per_1000_successes is None
    assert (costs[2].stated, costs[2].curve) == (None, ())
