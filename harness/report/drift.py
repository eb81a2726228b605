"""The drift floor of an A/A run in words."""

from __future__ import annotations

from harness.figures import plain
from harness.types.manifest import BatchDrift, Drift
from harness.types.results import Estimate


def drift_text(drift: Drift) -> str:
    """What differed between two passes of one variant, and what that means for other differences."""
    ratio = drift.latency_ratio
    low, high = ratio.low, ratio.high
    between = f" (95% interval {plain(low, 2)} to {plain(high, 2)})" if low and high else ""
    times = (
        ""
        if ratio.value is None
        else f"; the second pass took {plain(ratio.value, 2)} times the first's latency{between}"
    )
    return (
        f"Drift floor of {drift.variant} asked twice in other batches: {_share(drift.text)} of the texts and "
        f"{_share(drift.score)} of the scores on {drift.metric} differ{times}. Differences between variants of this size "
        f"are the machine's own.{_equivalence(drift)}"
    )


def _equivalence(drift: Drift) -> str:
    tested = drift.equivalence
    if tested is None or tested.difference.low is None or tested.difference.high is None:
        return ""
    found = "are equivalent" if tested.equivalent else "are not shown to be equivalent"
    low, high = (plain(100 * v, 1) for v in (tested.difference.low, tested.difference.high))
    margin = plain(100 * tested.margin, 1)
    return (
        f" On {drift.metric} the passes {found} within {margin} points (two one-sided tests at 5%; 90% interval of the "
        f"difference {low} to {high})."
    )


def batch_drift_text(drift: BatchDrift) -> str:
    """How often an answer depends on what it was computed with."""
    e = drift.same_text
    if e.value is None:
        return f"n/a ({e.reason})"
    between = (
        ""
        if e.low is None or e.high is None
        else f", 95% {plain(100 * e.low, 1)} to {plain(100 * e.high, 1)}%"
    )
    share = f"{plain(100 * e.value, 1)}% of the greedy answers"
    return f"{share} given alone are the same texts as in batches (n = {e.n}{between})"


def _share(estimate: Estimate) -> str:
    if estimate.value is None:
        return "n/a"
    most = "" if estimate.high is None else f" (at most {plain(100 * estimate.high, 1)}%)"
    return f"{plain(100 * estimate.value, 1)}%{most}"
