"""``vllm bench serve --save-result --save-detailed``: parallel lists of seconds, one entry a request."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from harness.load.formats.found import Found, ImportedRun, Unusable
from harness.types.load import RequestRecord


def from_vllm(data: dict[str, Any]) -> Found:
    """Latencies count from the actual send: vLLM does not record when it meant to send."""
    ttfts, itls = data.get("ttfts"), data.get("itls")
    if not isinstance(ttfts, list) or not isinstance(itls, list):
        raise Unusable("holds no single requests; run `vllm bench serve` with --save-result --save-detailed")
    if not ttfts:
        raise Unusable("holds no requests")
    starts = data.get("start_times") or _evenly(len(ttfts), data.get("request_throughput"))
    first = min(starts)
    rows = zip(ttfts, itls, starts, *(_column(data, name, len(ttfts)) for name in _COLUMNS), strict=True)
    records = [
        _record(i, ttft, gaps, start - first, *more) for i, (ttft, gaps, start, *more) in enumerate(rows)
    ]
    rate = data.get("request_rate")
    known = isinstance(rate, int | float) and 0 < rate < float("inf")  # "inf" sends all at once
    arrivals = ("poisson" if data.get("burstiness", 1.0) == 1.0 else None) if known else None
    run = ImportedRun(records, float(rate) if known else None, arrivals, "send")  # type: ignore[arg-type]
    return Found("vllm", data.get("model_id"), (run,))


_COLUMNS = ("input_lens", "output_lens", "generated_texts", "errors")


def _column(data: dict[str, Any], name: str, n: int) -> list[Any]:
    return data.get(name) or [None] * n


def _evenly(n: int, throughput: Any) -> list[float]:
    """Older versions keep no start times; spacing matters to concurrency and duration alone."""
    if not isinstance(throughput, int | float) or throughput <= 0:
        raise Unusable("holds neither start_times nor request_throughput")
    return [i / throughput for i in range(n)]


def _record(
    number: int,
    ttft: float,
    gaps: Sequence[float],
    start: float,
    prompt_tokens: int | None,
    output_tokens: int | None,
    text: str | None,
    error: str | None,
) -> RequestRecord:
    if error or not ttft:
        return RequestRecord(
            arrival=number, intended_s=start, sent_s=start, error=(error or "no token").splitlines()[-1][:200]
        )
    times = tuple(start + ttft + t for t in accumulate(gaps, initial=0.0))
    return RequestRecord(
        arrival=number,
        intended_s=start,
        sent_s=start,
        token_times_s=times,
        first_token_s=times[0],
        last_token_s=times[-1],
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens or len(times),
        text=text,
    )
