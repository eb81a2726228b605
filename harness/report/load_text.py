"""A load test as a table for a terminal."""

from __future__ import annotations

from harness.types.load import Distribution, Level, LoadResult, Percentile, Rate

_TIMES = (("TTFT", "ttft"), ("ITL", "itl"), ("TPOT", "tpot"), ("e2e", "e2e"))


def load_text(result: LoadResult) -> str:
    """Every level with its percentiles and 95% intervals, then where the server ends."""
    lines = [f"{result.target}, model {result.model or 'not told'}"]
    for level in result.levels:
        lines += ["", *_level(level)]
    for cache, end in result.saturation.items():
        low, high = end.sustained_rate, end.saturated_rate
        told = f"sustained up to {low:.4g} requests/s" if low else "not even the lowest rate was sustained"
        above = f", saturated at {high:.4g}" if high else ", and its end was not reached" if low else ""
        lines += ["", f"{cache} cache: {told}{above}", end.meaning]
    return "\n".join(lines)


def _level(level: Level) -> list[str]:
    offered = (
        f"{level.offered_rate:.4g} requests/s offered" if level.offered_rate else "offered rate not told"
    )
    kind = ", ".join(k for k in (level.arrivals, f"{level.cache} cache" if level.cache else None) if k)
    tokens = (
        f", {level.output_throughput:,.0f} output tokens/s" if level.output_throughput is not None else ""
    )
    lines = [
        f"{offered}{f' ({kind})' if kind else ''}: {level.completed} completed, {level.failed} failed in "
        f"{level.duration_s:.1f} s, {level.request_throughput:.4g} requests/s{tokens}, at most "
        f"{level.max_concurrent_requests} at once",
    ]
    lines += [f"  {n} x {error}" for error, n in level.errors.items()]
    if not level.valid:
        lines.append(f"  INVALID: {level.invalid_reason}")
    if level.timed_from == "send":
        lines.append("  timed from the send: what waited in the generator is not in the latencies")
    if level.sessions > 1:
        lines.append(f"  measured in {level.sessions} sittings, each begun with an empty queue")
    lines.append(
        f"  {'ms':6}{'mean':>9}" + "".join(f"{f'p{100 * p.q:g}':>26}" for p in level.e2e.percentiles)
    )
    reasons: dict[str, list[str]] = {}
    for label, name in _TIMES:
        shown: Distribution = getattr(level, name)
        mean = "n/a" if shown.mean is None else f"{1000 * shown.mean:,.1f}"
        lines.append(f"  {label:6}{mean:>9}" + "".join(f"{_cell(p):>26}" for p in shown.percentiles))
        for p in shown.percentiles:
            if p.reason:
                reasons.setdefault(f"p{100 * p.q:g}: {p.reason}", []).append(label)
    lines += [f"  {', '.join(labels)} {reason}" for reason, labels in reasons.items()]
    if level.one_token:
        lines.append(f"  {level.one_token} replies of one token: no TPOT, judged by the other limits")
    rates = [
        ("goodput", level.request_goodput), ("quality-goodput", level.quality_goodput), ("right", level.success),
    ]  # fmt: skip
    return lines + [f"  {name}: {_rate(rate)}" for name, rate in rates]


def _cell(p: Percentile) -> str:
    if p.value is None:
        return "n/a"
    low, high = ("?" if bound is None else f"{1000 * bound:,.0f}" for bound in (p.low, p.high))
    return f"{1000 * p.value:,.1f} ({low}-{high})"


def _rate(rate: Rate) -> str:
    if rate.value is None:
        return f"n/a ({rate.reason})"
    return f"{rate.value:.4g}/s ({rate.low:.4g}-{rate.high:.4g}), {rate.share:.1%} of {rate.n}"
