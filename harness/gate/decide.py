"""From scores and rules to a verdict.

Every check is a one-sided test at the alpha of this look, and all must pass. Such an intersection-union test has
the level of a single check, so no alpha is split over the rules (Berger 1982, Technometrics 24:295).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.comparison.estimate import analytic_estimates
from harness.figures import joined, judged, plural
from harness.gate.check import bound_of, not_run, record, status_of
from harness.gate.judged import judged_check
from harness.gate.looks import TOTAL_ALPHA, look_alpha
from harness.gate.needed import items_needed
from harness.gate.rows import Slices, Tested, tested
from harness.types.gate import GateRule
from harness.types.judged import JudgedMetric
from harness.types.judging import JUDGED
from harness.types.results import Estimate, MetricInfo
from harness.types.snapshot import Snapshot
from harness.types.verdict import BaselineIdentity, Check, Flips, Status, Verdict


@dataclass(frozen=True)
class Candidate:
    """What is to be released."""

    scores: Snapshot
    slices: Slices
    errors: Sequence[str] = ()
    """Items whose answer failed."""
    left_out: int = 0
    """Held-out items that the run did not ask (``--limit``)."""
    judged: Sequence[JudgedMetric] = ()
    """What labels make of the judges' scores."""


@dataclass(frozen=True)
class Against:
    """The baseline and where it was read."""

    scores: Snapshot
    source: str
    accepted: Sequence[str] = ()
    """Changes since then that a person has accepted."""


@dataclass(frozen=True)
class _Test:
    """One rule with its direction and limit in the sign of what is observed."""

    rule: GateRule
    info: MetricInfo
    upward: bool
    """True where the lower bound must reach the threshold, False where the upper one must not pass it."""
    threshold: float


def decide(
    candidate: Candidate,
    against: Against | None,
    rules: Sequence[GateRule],
    look: int,
    notes: Sequence[str] = (),
) -> Verdict:
    """Judge ``candidate`` by ``rules`` at its ``look`` (1, 2, ...).

    A check passes if its bound clears the threshold, fails if the bound on the other side shows that the
    threshold is not reached, and is open otherwise. Items that were left out keep every check from passing.
    The rules' metrics must be among the candidate's, and ``against`` be comparable (``baseline.py``).
    """
    now, then = candidate.scores, against.scores if against else None
    beyond = {i.id for i in then.items} - {i.id for i in now.items} if then else set()
    left_out = max(candidate.left_out, len(beyond))
    checks = tuple(_check(rule, candidate, then, look, left_out) for rule in rules)
    status = _overall([check.status for check in checks])
    return Verdict(
        status=status,
        reason=_summary(checks),
        scenario=now.scenario,
        variant=now.variant,
        candidate=now.candidate,
        run=now.run,
        finished=now.finished,
        currency=now.currency,
        baseline=_identity(against),
        look=look,
        alpha=look_alpha(look),
        total_alpha=TOTAL_ALPHA,
        n_items=len(now.items),
        n_left_out=left_out,
        checks=checks,
        flips=_flips(now, then, rules) if then else None,
        errors=tuple(candidate.errors),
        accepted=tuple(against.accepted) if against else (),
        notes=tuple(notes),
    )


def _check(
    rule: GateRule, candidate: Candidate, baseline: Snapshot | None, look: int, left_out: int
) -> Check:
    if rule.metric.startswith(JUDGED):
        now = candidate.scores
        alpha = look_alpha(look)
        return judged_check(rule, candidate.judged, now.variant, alpha, now.currency, left_out)
    info = next(m for m in candidate.scores.metrics if m.name == rule.metric)
    test = _Test(rule, info, *_limit(rule, info))
    what = tested(rule, info, candidate.scores, baseline, candidate.slices)
    if rule.relative and baseline is None:
        what = replace(what, no_answer="there is no baseline to compare with")
    if left_out:
        what = replace(what, no_pass=not_run(left_out))
    alpha = look_alpha(look)
    observed = analytic_estimates(what.rows, 1 - 2 * alpha)[0]
    bound = bound_of(observed, test.upward)
    status = _status(test, observed, what)
    needed, reason = None, _reason(test, observed, bound, candidate.scores.currency, status)
    if status == "inconclusive":
        needed, reason = _still_needed(test, what, observed, bound, look, left_out, reason)
    reason = f"{reason}; {what.remark}" if what.remark else reason
    currency = candidate.scores.currency
    return record(rule, info, currency, observed, bound, test.threshold, status, needed, reason)


def _limit(rule: GateRule, info: MetricInfo) -> tuple[bool, float]:
    if not rule.relative:
        return rule.kind == "at_least", rule.limit
    worse_or_better = rule.limit if rule.kind == "better_by" else -rule.limit
    return info.higher_is_better, worse_or_better if info.higher_is_better else -worse_or_better


def _status(test: _Test, observed: Estimate, what: Tested) -> Status:
    if what.no_answer:
        return "inconclusive"
    status = status_of(observed, test.threshold, test.upward, strict=test.rule.kind == "better_by")
    return "inconclusive" if status == "pass" and what.no_pass else status


def _reason(test: _Test, observed: Estimate, bound: float | None, currency: str, status: Status) -> str:
    if observed.value is None or bound is None:
        return observed.reason or "no bound could be computed"

    value, sure, limit = judged(
        observed, bound, test.threshold, test.info.unit, currency, difference=test.rule.relative
    )
    end = "at least" if test.upward else "at most"
    missed = "not reached" if test.upward else "exceeded"
    return {
        "pass": f"observed {value}, and {end} {sure} is sure",
        "fail": f"observed {value}, and the limit {limit} is surely {missed}",
        "inconclusive": f"observed {value}, but only {end} {sure} is sure, and the limit is {limit}",
    }[status]


def _still_needed(
    test: _Test,
    what: Tested,
    observed: Estimate,
    bound: float | None,
    look: int,
    left_out: int,
    reason: str,
) -> tuple[int | None, str]:
    """Items still needed, and why the check is open."""
    if what.no_answer:
        return None, what.no_answer
    if left_out:
        return left_out, f"{reason}; {what.no_pass}" if what.no_pass else reason
    if what.no_pass:
        return None, what.no_pass
    sign = 1 if test.upward else -1
    if observed.value is not None and sign * (observed.value - test.threshold) < 0:
        return None, f"{reason}; the observed value is on the wrong side, so more items alone promise no pass"
    needed, why = items_needed(
        what.rows, observed, bound, test.threshold, look_alpha(look), look_alpha(look + 1)
    )
    return needed, reason if needed is not None else f"{reason}; {why}"


def _overall(statuses: Sequence[Status]) -> Status:
    if "fail" in statuses:
        return "fail"
    return "inconclusive" if "inconclusive" in statuses else "pass"


def _summary(checks: Sequence[Check]) -> str:
    count = plural(len(checks), "check")
    failed = [c.rule for c in checks if c.status == "fail"]
    unsure = [c.rule for c in checks if c.status == "inconclusive"]
    if failed:
        return f"{len(failed)} of {count} failed: {joined(failed)}."
    if unsure:
        return f"{len(unsure)} of {count} could not be decided: {joined(unsure)}."
    return f"All {count} passed." if len(checks) > 1 else "The check passed."


def _identity(against: Against | None) -> BaselineIdentity | None:
    if against is None:
        return None
    s = against.scores
    return BaselineIdentity(
        source=against.source, variant=s.variant, run=s.run, finished=s.finished, harness=s.harness,
        n_items=len(s.items),
    )  # fmt: skip


def _flips(now: Snapshot, then: Snapshot, rules: Sequence[GateRule]) -> Flips | None:
    """Of ``success``, or else of the first metric in the rules that is a yes or no in both."""
    before = {item.id: item.scores for item in then.items}
    for metric in dict.fromkeys(["success", *(rule.metric for rule in rules)]):
        pairs = [(i.id, before[i.id].get(metric), i.scores.get(metric)) for i in now.items if i.id in before]
        seen = {value for _, old, new in pairs for value in (old, new)} - {None}
        if seen and seen <= {0.0, 1.0}:
            return Flips(
                metric=metric,
                # A missing answer where there was a right one is a loss.
                right_to_wrong=tuple(i for i, old, new in pairs if old == 1 and not new),
                wrong_to_right=tuple(i for i, old, new in pairs if old == 0 and new == 1),
            )
    return None
