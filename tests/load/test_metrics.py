"""From requests to the figures of a level."""

from __future__ import annotations

import random

import pytest

from harness.load.arrivals import poisson
from harness.load.metrics import keeps
from harness.types.load import Limits

from .factories import failed, request, summed


def test_times_count_from_the_intended_send() -> None:
    late = request(at=1.0, sent_s=1.4, ttft=0.5, gaps=(0.1, 0.3))
    assert late.ttft == pytest.approx(0.5)
    assert late.e2e == pytest.approx(0.9)
    assert late.tpot == pytest.approx(0.2)
    assert late.gaps == pytest.approx((0.1, 0.3))


def test_throughput_is_over_the_time_to_the_last_token() -> None:
    found = summed([request(i, float(i), ttft=0.5, gaps=(0.25, 0.25)) for i in range(10)])
    assert found.duration_s == pytest.approx(10)
    assert found.drain_s == pytest.approx(1)
    assert found.request_throughput == pytest.approx(1)
    assert found.output_throughput == pytest.approx(3)
    assert found.total_token_throughput == pytest.approx(13)
    assert found.max_concurrent_requests == 1


def test_sittings_are_summed() -> None:
    rows = [request(i, float(i % 5), session=i // 5) for i in range(10)]
    found = summed(rows)
    assert found.sessions == 2
    assert found.duration_s == pytest.approx(2 * 4.2)


def test_unknown_tokens_give_no_throughput_of_tokens() -> None:
    found = summed([request(0), request(1, prompt_tokens=None)])
    assert found.total_token_throughput is None
    assert found.output_throughput is not None


def test_failures_are_counted_by_kind_and_never_good() -> None:
    rows = [request(i, float(i)) for i in range(8)] + [failed(8, 8.0), failed(9, 9.0, "malformed reply")]
    found = summed(rows, limits=Limits(e2e=1.0))
    assert found.errors == {"status 503": 1, "malformed reply": 1}
    assert found.request_goodput.share == pytest.approx(0.8)
    assert found.e2e.n_failed == 2
    assert found.itl.n == 8


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (Limits(), True),
        (Limits(ttft=0.1), True),
        (Limits(ttft=0.05), False),
        (Limits(tpot=0.01), None),
        (Limits(itl=0.01, ttft=0.05), False),
        (Limits(tpot=0.01, e2e=1), True),
    ],
)
def test_a_reply_of_one_token_is_judged_by_the_limits_that_can_judge_it(
    limits: Limits, kept: bool | None
) -> None:
    assert keeps(request(ttft=0.1, gaps=()), limits) is kept


def test_one_token_replies_are_counted_apart() -> None:
    rows = [request(i, float(i), gaps=()) for i in range(4)] + [request(4, 4.0)]
    found = summed(rows, limits=Limits(tpot=0.1))
    assert found.one_token == 4
    assert found.request_goodput.n == 1


@pytest.mark.slow
def test_the_share_in_time_of_a_queue_is_held_by_its_interval() -> None:
    """Two servers at three quarters of their time: late requests come in few jams, which a plain count ignores."""
    within, held = Limits(e2e=0.3), 0
    for seed in range(60):
        draw = random.Random(seed)
        free, rows = [0.0, 0.0], []
        for i, at in enumerate(poisson(29, 20, seed)):
            place = free.index(min(free))
            free[place] = max(at, free[place]) + draw.expovariate(20)
            rows.append(request(i, at, ttft=free[place] - at, gaps=()))
        found = summed(rows, limits=within).request_goodput
        assert found.share_low is not None
        assert found.share_high is not None
        held += found.share_low <= 0.951 <= found.share_high
    assert held >= 52


def test_quality_goodput_is_in_time_and_right() -> None:
    rows = [request(i, float(i), ttft=0.1 if i % 2 else 2.0, item=f"i{i}") for i in range(12)]
    right: dict[int, bool | None] = {i: i < 6 for i in range(10)} | {10: None, 11: None}
    found = summed(rows, limits=Limits(ttft=1.0), correct=right)
    assert found.request_goodput.share == pytest.approx(0.5)
    assert found.quality_goodput.share == pytest.approx(0.3)
    assert found.quality_goodput.n == 10
    assert found.success.share == pytest.approx(0.6)


def test_a_changed_question_is_not_scored() -> None:
    rows = [request(i, float(i), item="a", altered=i > 2) for i in range(6)]
    found = summed(rows, limits=Limits(ttft=1.0), correct=dict.fromkeys(range(6), True))
    assert found.success.n == 3


def test_goodput_without_limits_says_why_not() -> None:
    found = summed([request(i, float(i)) for i in range(6)])
    assert found.request_goodput.value is None
    assert "--slo" in (found.request_goodput.reason or "")


def test_a_generator_that_lags_makes_the_run_invalid() -> None:
    good = summed([request(i, float(i)) for i in range(10)])
    assert good.valid
    late = summed([request(i, float(i), sent_s=i + 0.05) for i in range(10)])
    assert not late.valid
    assert "sent late" in (late.invalid_reason or "")
    slow = summed([request(i, float(i)) for i in range(10)], loop_lag=[0.05] * 10)
    assert "read late" in (slow.invalid_reason or "")
    patient = summed([request(i, float(i), ttft=5.0, sent_s=i + 0.05) for i in range(10)])
    assert patient.valid, "50 ms are little beside 5 s"


def test_a_level_of_failures_alone_has_figures_of_none() -> None:
    found = summed([failed(i, float(i)) for i in range(70)])
    assert found.completed == 0
    assert found.ttft.mean is None
    assert found.output_throughput is None
    assert found.e2e.at(0.5).reason == "70 of 70 requests failed, so it lies among them"
