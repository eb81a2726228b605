"""What every check shares, whatever its figure rests on: how bounds decide, and the record of it."""

from __future__ import annotations

from harness.figures import plural
from harness.gate.words import rule_id, rule_words
from harness.types.gate import GateRule
from harness.types.results import Estimate, MetricInfo
from harness.types.verdict import Check, Status


def bound_of(observed: Estimate, upward: bool) -> float | None:
    """The end of the interval that must clear the threshold: the lower one where the rule asks for at least so much."""
    return observed.low if upward else observed.high


def status_of(observed: Estimate, threshold: float, upward: bool, strict: bool = False) -> Status:
    """Passed if the bound clears the threshold (with ``strict``, by more than nothing), failed if the other end shows
    that it is not reached."""
    if observed.low is None or observed.high is None:
        return "inconclusive"
    sign = 1 if upward else -1
    near, far = (observed.low, observed.high) if upward else (observed.high, observed.low)
    if sign * (far - threshold) < 0:
        return "fail"
    clear = sign * (near - threshold)
    return "pass" if clear > 0 or (clear == 0 and not strict) else "inconclusive"


def not_run(left_out: int) -> str:
    """Why items that were left out keep a check from passing."""
    return f"{plural(left_out, 'held-out item')} were not run, and a part cannot pass"


def record(
    rule: GateRule,
    info: MetricInfo,
    currency: str,
    observed: Estimate,
    bound: float | None,
    threshold: float,
    status: Status,
    items_needed: int | None,
    reason: str,
) -> Check:
    return Check(
        rule=rule_id(rule),
        words=rule_words(rule, info, currency),
        metric=rule.metric,
        slice=rule.slice,
        unit=info.unit,
        relative=rule.relative,
        observed=observed,
        bound=bound,
        threshold=threshold,
        status=status,
        items_needed=items_needed,
        reason=reason,
    )
