"""Rules in words, the same in every output."""

from __future__ import annotations

from harness.figures import stated
from harness.types.gate import GateRule
from harness.types.results import MetricInfo


def rule_id(rule: GateRule) -> str:
    return f"{rule.metric}[{rule.slice}] {rule.kind} {rule.limit:g}"


def rule_words(rule: GateRule, info: MetricInfo, currency: str) -> str:
    """Such as ``Success on topic=orders is at most 5 points worse than the baseline``."""
    where = "" if rule.slice == "all" else f" on {rule.slice}"
    relative = rule.relative
    limit = stated(rule.limit, info.unit, currency, difference=relative)
    said = {
        "at_least": f"is at least {limit}",
        "at_most": f"is at most {limit}",
        "not_worse_by": f"is at most {limit} worse than the baseline",
        "better_by": f"is at least {limit} better than the baseline"
        if rule.limit
        else "is better than the baseline",
    }
    return f"{info.label}{where} {said[rule.kind]}"
