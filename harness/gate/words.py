"""Rules and figures in words, the same in every output."""

from __future__ import annotations

from harness.types.gate import GateRule
from harness.types.results import MetricInfo

_UNITS = {"rate": "", "score": "", "s": " s", "ms": " ms", "tokens/s": " tokens/s"}


def rule_id(rule: GateRule) -> str:
    return f"{rule.metric}[{rule.slice}] {rule.kind} {rule.limit:g}"


def rule_words(rule: GateRule, info: MetricInfo, currency: str) -> str:
    """Such as ``Success on topic=orders is at most 5 points worse than the baseline``."""
    where = "" if rule.slice == "all" else f" on {rule.slice}"
    relative = rule.relative
    limit = amount(rule.limit, info.unit, currency, difference=relative)
    said = {
        "at_least": f"is at least {limit}",
        "at_most": f"is at most {limit}",
        "not_worse_by": f"is at most {limit} worse than the baseline",
        "better_by": f"is at least {limit} better than the baseline"
        if rule.limit
        else "is better than the baseline",
    }
    return f"{info.label}{where} {said[rule.kind]}"


def amount(value: float, unit: str, currency: str, *, difference: bool = False, signed: bool = False) -> str:
    """A number with its unit: rates in percent, their differences in points, money with its currency."""
    sign = "+" if signed and value > 0 else ""
    if unit == "rate":
        text = f"{100 * value:.2f}".rstrip("0").rstrip(".")
        text = "0" if text == "-0" else text
        point = "point" if text in ("1", "-1") else "points"
        return f"{sign}{text} {point}" if difference else f"{sign}{text}%"
    suffix = f" {currency}" if unit == "money" else _UNITS[unit]
    return f"{sign}{value:.3g}{suffix}"


def counted(n: int, one: str) -> str:
    return f"{n:,} {one}{'s' * (n != 1)}"
