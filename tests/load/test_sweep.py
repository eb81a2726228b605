"""The search for the sustained rate, on servers whose end is known."""

from __future__ import annotations

import pytest

from harness.load.sweep import CLOSE, judge, next_rate, saturation
from harness.types.load import LevelJudgement, Limits

from .factories import failed, request, summed


def _search(capacity: float, start: float = 1.0, most: float = 512.0) -> list[LevelJudgement]:
    judged: list[LevelJudgement] = []
    while (rate := next_rate(judged, start, most)) is not None:
        judged.append(LevelJudgement(offered_rate=rate, sustained=rate <= capacity, reason=""))
        assert len(judged) < 30
    return judged


@pytest.mark.parametrize("capacity", [0.3, 0.99, 1.0, 3.7, 100.0, 510.0])
def test_the_sweep_ends_close_to_the_servers_end(capacity: float) -> None:
    end = saturation(_search(capacity), Limits(), 0.95)
    assert end.sustained_rate is not None
    assert end.saturated_rate is not None
    assert end.sustained_rate <= capacity < end.saturated_rate <= CLOSE * end.sustained_rate
    assert list(end.judgements) == sorted(end.judgements, key=lambda j: j.offered_rate)


def test_a_server_that_is_never_saturated_is_swept_to_the_highest_rate() -> None:
    end = saturation(_search(1e9, most=100), Limits(), 0.95)
    assert (end.sustained_rate, end.saturated_rate) == (100, None)


def test_a_server_that_keeps_up_with_nothing_is_given_up() -> None:
    end = saturation(_search(0.0), Limits(), 0.95)
    assert (end.sustained_rate, end.saturated_rate) == (None, 1 / 16)


def test_a_level_is_judged_by_failures_limits_and_backlog() -> None:
    fine = [request(i, i / 10) for i in range(100)]
    assert judge(summed(fine, limits=Limits(e2e=0.5)), 10, 0.2, 0.95).sustained
    late = summed(fine, limits=Limits(e2e=0.15))
    assert judge(late, 10, 0.2, 0.95).reason == "0.0% kept the limits"
    broken = summed([*fine, failed(100, 10.0), failed(101, 10.1)])
    assert judge(broken, 10, 0.2, 0.95).reason == "2 of 102 requests failed"
    behind = summed([request(i, i / 10, ttft=0.1 + i / 20) for i in range(100)])
    assert "to clear after the last arrival" in judge(behind, 10, 0.2, 0.95).reason


def test_what_saturated_means_is_said() -> None:
    meant = saturation([], Limits(ttft=0.5), 0.9).meaning
    assert "fewer than 90% of the requests keep ttft 0.5 s" in meant
    assert "keep" not in saturation([], Limits(), 0.9).meaning
