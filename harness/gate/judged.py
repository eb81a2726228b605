"""Rules about what a judge says: only a trusted judge whose figure is corrected by labels can decide one."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import ndtri

from harness.comparison.bootstrap import CONFIDENCE
from harness.comparison.estimate import no_estimate
from harness.comparison.labels import labels_needed
from harness.figures import judged as in_figures
from harness.figures import plural
from harness.gate.check import bound_of, not_run, record, status_of
from harness.gate.needed import POWER
from harness.types.gate import GateRule
from harness.types.judged import JudgedEstimate, JudgedMetric
from harness.types.judging import JUDGED
from harness.types.results import Estimate, MetricInfo
from harness.types.verdict import Check, Status


def judged_check(
    rule: GateRule, found: Sequence[JudgedMetric], variant: str, alpha: float, currency: str, left_out: int
) -> Check:
    """The corrected estimate's bound at one-sided ``alpha`` against the limit.

    The bound is the estimate's own, stretched from its 95% to ``alpha`` as a normal one would be. Open, with the reason,
    where nothing corrects the judge, it is below its floor, or the rule asks for what labels of this run cannot tell.
    """
    metric = next((m for m in found if m.metric == rule.metric), None)
    estimate = metric.of(variant) if metric else None
    observed, why = _observed(rule, metric, estimate, alpha)
    upward = rule.kind in ("at_least", "better_by")
    bound = bound_of(observed, upward)
    info = _info(rule.metric, metric)
    status: Status = "inconclusive"
    if why is None:
        status = status_of(observed, rule.limit, upward)
        why = _words(observed, bound, rule, info, currency, status)
        if status == "pass" and left_out:
            status = "inconclusive"
            why += f"; {not_run(left_out)}"
        elif status == "inconclusive" and estimate:
            why += f"; {_labels(estimate, rule.limit, upward, alpha)}"
    return record(rule, info, currency, observed, bound, rule.limit, status, None, why)


def _observed(
    rule: GateRule, metric: JudgedMetric | None, estimate: JudgedEstimate | None, alpha: float
) -> tuple[Estimate, str | None]:
    """The bounds at ``alpha``, or none and why the rule cannot be decided."""
    why = None
    if rule.relative:
        why = "a rule about a judge needs at_least or at_most: a baseline file holds no labels that would correct it"
    elif rule.slice != "all":
        why = "a judge's figure is corrected for all items together, not for slices"
    elif metric is None or estimate is None:
        why = f"the run has no scores of {rule.metric} for this variant"
    elif metric.kept_out:
        sentence = metric.trust.sentence if metric.trust else "It was not validated."
        why = f"the judge is kept out of the gate. {sentence}"
    elif estimate.status == "uncorrected":
        why = f"uncorrected: {estimate.reason}"
    if why or estimate is None:
        return no_estimate(why or ""), why
    made = estimate.corrected
    if made.value is None or made.low is None or made.high is None:
        return made, made.reason or "no bound could be computed"
    stretch = float(ndtri(1 - alpha) / ndtri(0.5 + CONFIDENCE / 2))
    low, high = (made.value + (end - made.value) * stretch for end in (made.low, made.high))
    return made.model_copy(update={"low": low, "high": high}), None


def _words(
    observed: Estimate, bound: float | None, rule: GateRule, info: MetricInfo, currency: str, status: Status
) -> str:
    value, sure, limit = in_figures(observed, bound, rule.limit, info.unit, currency, difference=False)
    end = "at least" if rule.kind == "at_least" else "at most"
    if status == "fail":
        return f"corrected by labels {value}, and the limit {limit} is surely missed"
    only = "but only" if status == "inconclusive" else "and"
    return f"corrected by labels {value}, {only} {end} {sure} is sure, and the limit is {limit}"


def _labels(estimate: JudgedEstimate, limit: float, upward: bool, alpha: float) -> str:
    """How many more labels decide with chance ``POWER`` if the figure is true."""
    value = estimate.corrected.value or 0.0
    if (value < limit) == upward:
        return "the value is on the wrong side, so more labels alone promise no pass"
    z = float(ndtri(0.5 + CONFIDENCE / 2))
    half = abs(value - limit) * z / float(ndtri(1 - alpha) + ndtri(POWER))
    needed = labels_needed(estimate, half)
    if needed is None:
        return "labels of all its answers would not decide it; it takes more items"
    return f"about {plural(max(1, needed), 'more label')} of a random sample would do"


def _info(name: str, metric: JudgedMetric | None) -> MetricInfo:
    """As the words need it; a judge's figures always mean better where they are higher."""
    rate = metric is None or metric.criterion == "pass"
    return MetricInfo(
        name=name,
        label=f"Judge {name.removeprefix(JUDGED)}, corrected,",
        description="",
        unit="rate" if rate else "score",
        higher_is_better=True,
    )
