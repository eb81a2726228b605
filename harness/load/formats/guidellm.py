"""GuideLLM's benchmarks.json: benchmarks, each with its requests by status and Unix times in seconds."""

from __future__ import annotations

from typing import Any

from harness.load.formats.found import Found, ImportedRun, Unusable
from harness.types.load import RequestRecord

_STATUSES = ("successful", "errored", "incomplete")


def from_guidellm(data: dict[str, Any]) -> Found:
    """Latencies count from ``targeted_start`` where all requests have one, else from the send.

    GuideLLM keeps no single token times, so there is no ITL.
    """
    runs = [run for benchmark in data["benchmarks"] if (run := _run(benchmark))]
    if not runs:
        raise Unusable("holds no single requests; run GuideLLM with request samples kept in its output")
    models = [b.get("config", {}).get("backend", {}).get("model") for b in data["benchmarks"]]
    return Found("guidellm", next((m for m in models if m), None), runs)


def _run(benchmark: dict[str, Any]) -> ImportedRun | None:
    rows = [(r, status) for status in _STATUSES for r in benchmark["requests"].get(status) or ()]
    if not rows:
        return None
    times = [(_timings(r), r, status) for r, status in rows]
    intended = all(t.get("targeted_start") is not None for t, _, _ in times)
    starts = [_number(t.get("targeted_start") if intended else _sent(t)) for t, _, _ in times]
    begin = min(starts)
    order = sorted(zip(starts, range(len(times)), strict=True))
    records = [_record(n, start - begin, begin, *times[i]) for n, (start, i) in enumerate(order)]
    strategy = benchmark.get("config", {}).get("strategy") or {}
    kind = {"poisson": "poisson", "constant": "constant"}.get(str(strategy.get("type_")))
    rate = strategy.get("rate")
    return ImportedRun(
        records,
        float(rate) if isinstance(rate, int | float) else None,
        kind,  # type: ignore[arg-type]
        "intended" if intended else "send",
    )


def _timings(request: dict[str, Any]) -> dict[str, Any]:
    info = request.get("info") or request.get("scheduler_info") or {}
    return dict(info.get("timings") or info.get("request_timings") or {})


def _sent(timings: dict[str, Any]) -> Any:
    return (
        timings["request_start"] if timings.get("request_start") is not None else timings.get("resolve_start")
    )


def _record(
    number: int, start: float, begin: float, timings: dict[str, Any], request: dict[str, Any], status: str
) -> RequestRecord:
    sent = _sent(timings)
    sent_s = start if sent is None else sent - begin
    first, last = timings.get("first_token_iteration"), timings.get("last_token_iteration")
    if status != "successful" or first is None or last is None:
        told = (request.get("info") or {}).get("error")
        why = str(told or ("no token" if status == "successful" else status)).splitlines()[-1]
        return RequestRecord(arrival=number, intended_s=start, sent_s=sent_s, error=why[:200])
    prompt, output = (request.get(f"{side}_metrics") or {} for side in ("input", "output"))
    counted = output.get("text_tokens") or output.get("total_tokens") or request.get("output_tokens")
    return RequestRecord(
        arrival=number,
        intended_s=start,
        sent_s=sent_s,
        first_token_s=first - begin,
        last_token_s=last - begin,
        prompt_tokens=prompt.get("text_tokens") or prompt.get("total_tokens") or request.get("prompt_tokens"),
        output_tokens=counted or timings.get("token_iterations") or None,
        text=request.get("output"),
    )


def _number(start: Any) -> float:
    if start is None:
        raise Unusable("a request holds neither targeted_start nor request_start")
    return float(start)
