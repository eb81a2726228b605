"""The search for the highest rate that a server sustains: doubling, then bisecting. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from harness.types.load import Level, LevelJudgement, Limits, Saturation

CLOSE = 1.1
"""The sweep ends where the saturated rate is at most so many times the sustained one."""
LOWEST = 1 / 16
"""Of the start rate: where that is not sustained either, the sweep ends."""
MOST_FAILED = 0.01
BACKLOG = 0.1
"""Of the time of arrivals: what takes longer to clear, beside two replies of an idle server, is a backlog."""


def meaning(limits: Limits, attainment: float) -> str:
    """What saturated means in this sweep."""
    late = ", ".join(f"{name} {limit:g} s" for name, limit in limits.stated().items())
    kept = f"fewer than {attainment:.0%} of the requests keep {late}, " if late else ""
    return (
        f"A rate saturates the server where {kept}more than {MOST_FAILED:.0%} of the requests fail, or what is left "
        f"after the last arrival takes longer to clear than {BACKLOG:.0%} of the time of arrivals and two replies "
        "of the idle server."
    )


def judge(level: Level, window_s: float, idle_e2e_s: float | None, attainment: float) -> LevelJudgement:
    """Whether a level was sustained; ``idle_e2e_s`` is the median reply at the lowest rate."""
    rate = level.offered_rate or 0.0
    total = level.completed + level.failed
    share = level.request_goodput.share
    allowed = BACKLOG * window_s + 2 * (idle_e2e_s or 0.0)
    reason = None
    if level.failed > MOST_FAILED * total:
        reason = f"{level.failed} of {total} requests failed"
    elif level.drain_s > allowed:
        reason = f"{level.drain_s:.1f} s to clear after the last arrival, more than {allowed:.1f} s"
    if reason is not None:
        return LevelJudgement(offered_rate=rate, sustained=False, behind=True, reason=reason)
    if share is not None and share < attainment:
        return LevelJudgement(offered_rate=rate, sustained=False, reason=f"{share:.1%} kept the limits")
    kept = f"{share:.1%} kept the limits, " if share is not None else ""
    return LevelJudgement(
        offered_rate=rate, sustained=True, reason=f"{kept}clear after {level.drain_s:.1f} s"
    )


def next_rate(judged: Sequence[LevelJudgement], start: float, most: float) -> float | None:
    """The rate to try next; None where the end is found closely enough, or lies outside."""
    if not judged:
        return min(start, most)
    low, high = _bracket(judged)
    if low is None:
        tried = min(j.offered_rate for j in judged)
        return tried / 2 if tried / 2 >= start * LOWEST else None
    if high is None:
        return min(2 * low, most) if low < most else None
    return sqrt(low * high) if high / low > CLOSE else None


def saturation(judged: Sequence[LevelJudgement], limits: Limits, attainment: float) -> Saturation:
    low, high = _bracket(judged)
    return Saturation(
        sustained_rate=low,
        saturated_rate=high,
        meaning=meaning(limits, attainment),
        judgements=tuple(sorted(judged, key=lambda j: j.offered_rate)),
    )


def _bracket(judged: Sequence[LevelJudgement]) -> tuple[float | None, float | None]:
    """The highest sustained rate below the lowest that was not, and that."""
    high = min((j.offered_rate for j in judged if not j.sustained), default=None)
    low = [j.offered_rate for j in judged if j.sustained and (high is None or j.offered_rate < high)]
    return max(low, default=None), high
