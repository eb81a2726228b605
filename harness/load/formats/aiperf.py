"""AIPerf's profile_export.jsonl: a line a request, with nanoseconds of the clock and metrics with their units."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from harness.load.formats.found import Found, ImportedRun, Unusable
from harness.types.load import RequestRecord

_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0}


def from_aiperf(lines: Sequence[Any]) -> Found:
    """Latencies count from the actual send; warm-up requests are left out."""
    rows = [x for x in lines if (x["metadata"].get("benchmark_phase") or "profiling") == "profiling"]
    if not rows:
        raise Unusable("holds no requests of the profiling phase")
    rows.sort(key=lambda x: x["metadata"]["request_start_ns"])
    begin = rows[0]["metadata"]["request_start_ns"]
    records = [_record(n, (x["metadata"]["request_start_ns"] - begin) / 1e9, x) for n, x in enumerate(rows)]
    return Found("aiperf", None, (ImportedRun(records, None, None, "send"),))


def _record(number: int, start: float, line: dict[str, Any]) -> RequestRecord:
    metrics = line.get("metrics") or {}
    ttft, whole = _seconds(metrics.get("time_to_first_token")), _seconds(metrics.get("request_latency"))
    error = line.get("error")
    if error or ttft is None or whole is None:
        why = (error or {}).get("type") or (error or {}).get("message") or "no token"
        return RequestRecord(arrival=number, intended_s=start, sent_s=start, error=str(why)[:200])
    gaps = metrics.get("inter_chunk_latency") or {}
    scale = _UNITS[gaps["unit"]] if gaps else 0.0
    times = tuple(start + ttft + t * scale for t in accumulate(gaps["value"], initial=0.0)) if gaps else ()
    return RequestRecord(
        arrival=number,
        intended_s=start,
        sent_s=start,
        token_times_s=times,
        first_token_s=start + ttft,
        last_token_s=start + whole,
        prompt_tokens=_count(metrics.get("input_sequence_length")),
        output_tokens=_count(metrics.get("output_sequence_length") or metrics.get("output_token_count")),
    )


def _seconds(metric: dict[str, Any] | None) -> float | None:
    return None if metric is None else float(metric["value"]) * _UNITS[metric["unit"]]


def _count(metric: dict[str, Any] | None) -> int | None:
    return None if metric is None else int(metric["value"])
