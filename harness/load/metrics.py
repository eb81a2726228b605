"""From the requests of one level to its figures. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from math import inf, sqrt
from typing import Literal

import numpy as np
from scipy.special import ndtri

from harness.load.percentiles import CONFIDENCE, QS, Floats, effective_n, percentile
from harness.types.load import Cache, Distribution, Lag, Level, Limits, Percentile, Rate, RequestRecord

LAG_FLOOR_S = 0.01
LAG_SHARE = 0.05
"""A run is invalid where the 99th percentile of the generator's lag exceeds both: 10 ms, and this share of the median
time to the first token. Below, what it adds to a latency is small beside what it measures."""


def level(
    records: Sequence[RequestRecord],
    *,
    arrivals: Literal["poisson", "constant", "trace"] | None,
    cache: Cache | None,
    offered_rate: float | None,
    limits: Limits,
    correct: Mapping[int, bool | None] | None,
    loop_lag: Sequence[float] | None,
    timed_from: Literal["intended", "send"] = "intended",
) -> Level:
    """``correct`` by arrival, None for a reply that cannot be checked; as a whole None where nothing can be.

    ``loop_lag`` are delays of the generator's event loop in seconds.
    """
    rows = sorted(records, key=lambda r: (r.session, r.intended_s))
    done = [r for r in rows if r.error is None]
    lag = _lag(rows, loop_lag)
    turn = lag.loop_p99_s or 0.0
    late = lag.send_p99_s + turn
    ttft = _distribution([r.ttft if r.error is None else inf for r in rows], late=late)
    spans = [_span(list(group)) for _, group in groupby(rows, key=lambda r: r.session)]
    duration = sum(span for span, _ in spans)
    counted = [r.output_tokens for r in done]
    output = None if not done or None in counted else sum(n or 0 for n in counted)
    prompts = [r.prompt_tokens for r in done]
    total = None if output is None or None in prompts else output + sum(n or 0 for n in prompts)
    good, quality, success = _goodput(
        [keeps(r, limits) for r in rows], _right(rows, correct), duration, limits, _alike(rows)
    )
    errors = Counter(r.error for r in rows if r.error is not None)
    reason = _lagging(lag, ttft)
    return Level(
        arrivals=arrivals,
        cache=cache,
        timed_from=timed_from,
        offered_rate=offered_rate,
        sessions=len(spans),
        duration_s=duration,
        completed=len(done),
        failed=len(rows) - len(done),
        errors=dict(errors.most_common()),
        request_throughput=len(done) / duration if duration else 0.0,
        output_throughput=output / duration if output is not None and duration else None,
        total_token_throughput=total / duration if total is not None and duration else None,
        max_concurrent_requests=_most_at_once(rows),
        drain_s=max((drain for _, drain in spans), default=0.0),
        ttft=ttft,
        itl=_itl(done, turn),
        tpot=_distribution([r.tpot for r in done if r.tpot is not None], jitter=_spread_over(done, turn)),
        e2e=_distribution([r.e2e if r.error is None else inf for r in rows], late=late),
        limits=limits,
        one_token=sum(r.output_tokens == 1 for r in done),
        request_goodput=good,
        quality_goodput=quality,
        success=success,
        lag=lag,
        valid=reason is None,
        invalid_reason=reason,
    )


def keeps(r: RequestRecord, limits: Limits) -> bool | None:
    """Whether a request kept all limits; None where nothing stated can judge it, a failed one never does.

    A reply of one token has no TPOT and no ITL. vLLM counts it as keeping any limit on them; here it is judged by
    the other limits, and by none where there are no others.
    """
    if r.error is not None:
        return False
    seen = {"ttft": r.ttft, "tpot": r.tpot, "e2e": r.e2e, "itl": max(r.gaps, default=None)}
    judged = [value <= limit for name, limit in limits.stated().items() if (value := seen[name]) is not None]
    return all(judged) if judged or not limits.stated() else None


def _span(session: Sequence[RequestRecord]) -> tuple[float, float]:
    """Seconds from the first intended send to the last token, and from the last arrival on."""
    first, last = session[0].intended_s, max(r.intended_s for r in session)
    end = max([r.last_token_s for r in session if r.last_token_s is not None] + [last])
    return end - first, end - last


def _distribution(values: Sequence[float | None], *, late: float = 0.0, jitter: float = 0.0) -> Distribution:
    """Of requests in order of time; infinity for a failed one."""
    x = np.array([inf if v is None else v for v in values], dtype=np.float64)
    return _described(x, [percentile(x, q, late=late, jitter=jitter) for q in QS], len(x))


def _itl(done: Sequence[RequestRecord], jitter: float) -> Distribution:
    """Gaps of all requests pooled, as vLLM and AIPerf do; the interval rests on requests, not on gaps."""
    spaced = [r.gaps for r in done if r.gaps]
    x: Floats = np.array([gap for gaps in spaced for gap in gaps], dtype=np.float64)
    return _described(x, [percentile(x, q, jitter=jitter, groups=len(spaced)) for q in QS], len(spaced))


def _described(x: Floats, found: Sequence[tuple[Percentile, float]], n: int) -> Distribution:
    known = x[np.isfinite(x)]
    return Distribution(
        mean=float(known.mean()) if len(known) else None,
        percentiles=tuple(p for p, _ in found),
        n=n,
        n_effective=min(worth for _, worth in found),
        n_failed=len(x) - len(known),
    )


def _spread_over(done: Sequence[RequestRecord], turn: float) -> float:
    """What a late turn of the loop does to a TPOT of the median length."""
    gaps = [r.output_tokens - 1 for r in done if r.output_tokens and r.output_tokens > 1]
    return turn / float(np.median(gaps)) if gaps else 0.0


def _most_at_once(rows: Sequence[RequestRecord]) -> int:
    ends = [(r.session, r.last_token_s, -1) for r in rows if r.last_token_s is not None]
    starts = [(r.session, r.sent_s, 1) for r in rows if r.last_token_s is not None]
    most = now = 0
    for _, _, step in sorted(ends + starts):
        now += step
        most = max(most, now)
    return most


def _right(
    rows: Sequence[RequestRecord], correct: Mapping[int, bool | None] | None
) -> list[bool | None] | None:
    """Right or wrong, a failed request being wrong; None where the reply cannot be checked."""
    if correct is None:
        return None
    return [None if r.altered else False if r.error is not None else correct.get(r.arrival) for r in rows]


def _goodput(
    good: Sequence[bool | None],
    right: Sequence[bool | None] | None,
    duration: float,
    limits: Limits,
    worth: float,
) -> tuple[Rate, Rate, Rate]:
    """Requests in time, in time and right, and right, a second.

    What cannot be checked is taken to be right as often as what can be. ``worth`` is how much a request tells of
    being in time, as a share of an independent one.
    """
    judged = [g for g in good if g is not None]
    in_time = _rate(judged, len(judged), duration, "no reply could be judged by the limits", worth)
    unlimited = None if limits.stated() else _no_rate("no limits were stated; --slo ttft=0.5,e2e=5 sets them")
    if right is None:
        unknown = _no_rate("the prompts are not a scenario's items, so no reply can be checked")
        return unlimited or in_time, unlimited or unknown, unknown
    both = [g and r for g, r in zip(good, right, strict=True) if g is not None and r is not None]
    checked = [r for r in right if r is not None]
    lack = "no reply could be checked"
    return (
        unlimited or in_time,
        unlimited or _rate(both, len(judged), duration, lack, worth),
        _rate(checked, len(right), duration, lack, 1.0),
    )


def _alike(rows: Sequence[RequestRecord]) -> float:
    """What a request tells beside an independent one: those in one queue are slow together.

    From the latencies, because with few late requests their yes/no shows little of it: in simulated queues the
    95% interval of the share in time held the truth in 62 to 77% of short runs without this, in 89 to 99% with it.
    """
    times = [inf if r.e2e is None else r.e2e for r in rows]
    return effective_n(times) / len(times) if times else 1.0


def _rate(flags: Sequence[bool], of: int, duration: float, lack: str, worth: float) -> Rate:
    """The share of ``flags`` among ``of`` requests in ``duration``; Wilson's interval at their effective n."""
    if not flags or not duration:
        return _no_rate(lack)
    share, n = sum(flags) / len(flags), min(effective_n(flags), max(1.0, worth * len(flags)))
    z = float(ndtri(0.5 + CONFIDENCE / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    each = of / duration
    low, high = min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))
    return Rate(
        value=share * each, low=low * each, high=high * each, share=share, share_low=low, share_high=high,
        n=len(flags),
    )  # fmt: skip


def _no_rate(reason: str) -> Rate:
    return Rate(value=None, low=None, high=None, share=None, n=0, reason=reason)


def _lag(rows: Sequence[RequestRecord], loop_lag: Sequence[float] | None) -> Lag:
    sends = np.array([r.sent_s - r.intended_s for r in rows] or [0.0], dtype=np.float64)
    turns = np.array(loop_lag, dtype=np.float64) if loop_lag else None
    return Lag(
        send_p50_s=float(np.quantile(sends, 0.5)),
        send_p99_s=float(np.quantile(sends, 0.99)),
        send_max_s=float(sends.max()),
        loop_p99_s=None if turns is None else float(np.quantile(turns, 0.99)),
        loop_max_s=None if turns is None else float(turns.max()),
    )


def _lagging(lag: Lag, ttft: Distribution) -> str | None:
    """Why the run tells as much of the generator as of the server."""
    typical = ttft.percentiles[0].value or ttft.mean or 0.0
    most = max(LAG_FLOOR_S, LAG_SHARE * typical)
    for name, seen in (("sent", lag.send_p99_s), ("read", lag.loop_p99_s or 0.0)):
        if seen > most:
            return (
                f"the generator {name} late: 1% of the time by {seen * 1000:.0f} ms or more, above {most * 1000:.0f} "
                "ms; lower the rate, or run it on a machine of its own"
            )
    return None
