"""An A/B test as a terminal shows it."""

from __future__ import annotations

from harness.figures import chance, fine
from harness.pages.text import visible
from harness.types.abtest import AbTest, Arm, Effect, Look, Prediction
from harness.types.estimate import Estimate


def abtest_text(test: AbTest) -> str:
    """Findings first, then what they rest on."""
    lines = [e.sentence for e in test.effects]
    for d in test.diagnoses:
        lines.append(f"{'STOP' if d.serious else 'note'}: {d.text}")
    span = f", {test.first_time} to {test.last_time}" if test.first_time else ""
    lines += ["", f"{test.outcome} by variant, assigned by {test.unit}{span}"]
    lines += [_arm(test, arm) for arm in test.arms]
    lines.append(f"split as meant: {split_words(test)}{' (BROKEN)' if test.split.broken else ''}")
    for effect in test.effects:
        lines += ["", *_effect(test, effect)]
    for prediction in test.predictions:
        lines += ["", *_prediction(test, prediction)]
    return "\n".join(visible(line) for line in lines)


def shown(test: AbTest, estimate: Estimate, *, signed: bool = True) -> str:
    """Value and interval; points for differences of shares."""
    found = fine(estimate, test.confidence, share=test.yes_no, signed=signed)
    return found.full if found.available else f"n/a ({found.reason})"


def split_words(test: AbTest) -> str:
    """The p-value of the split."""
    p = chance(test.split.p_value) or ""
    return f"p {p}" if p.startswith("<") else f"p = {p}"


def percent(estimate: Estimate) -> str:
    """A relative effect in percent."""
    if estimate.value is None:
        return f"n/a ({estimate.reason})"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:+.1%} (no interval)"
    return f"{estimate.value:+.1%} ({estimate.low:.1%} to {estimate.high:.1%})".replace("-", "−")


def look_words(test: AbTest, look: Look) -> str:
    """The sequence at one look."""
    as_estimate = Estimate(
        value=look.effect, low=look.low, high=look.high, n=look.rows, n_missing=0, n_clusters=0, method=""
    )
    return shown(test, as_estimate)


def _arm(test: AbTest, arm: Arm) -> str:
    missing = f", {arm.missing:,} without outcome" if arm.missing else ""
    units = f"{arm.units:,} units in " if test.unit != "row" else ""
    return f"  {arm.variant}: {shown(test, arm.mean, signed=False)}, {units}{arm.rows:,} rows{missing}"


def _effect(test: AbTest, effect: Effect) -> list[str]:
    lines = [f"{effect.variant} minus {test.control}{'' if test.trusted else ' (NOT TO BE TRUSTED)'}"]
    lines.append(
        f"  effect {shown(test, effect.effect)}, {100 * test.confidence:.4g}% for one look at a size fixed before"
    )
    lines.append(f"  relative {percent(effect.relative)}")
    if effect.cuped:
        if effect.cuped.effect:
            saved = effect.cuped.variance_reduction
            less = f", variance {saved:.0%} less" if saved is not None else ""
            lines.append(f"  adjusted (CUPED) {shown(test, effect.cuped.effect)}{less}")
        else:
            lines.append(f"  adjusted (CUPED) n/a ({effect.cuped.reason})")
    if effect.clipped:
        lines.append(f"  largest outcomes cut {shown(test, effect.clipped)}")
    if effect.sequence.looks:
        first = effect.sequence.first_excluded
        when = f" ({first.time})" if first and first.time else ""
        told = f"left out zero first at row {first.rows:,}{when}" if first else "never left out zero"
        sure = f"{100 * effect.sequence.confidence:.4g}%"
        lines.append(f"  {sure} at any look {look_words(test, effect.sequence.looks[-1])}, {told}")
    else:
        lines.append(f"  at any look n/a ({effect.sequence.reason})")
    return lines


def _prediction(test: AbTest, p: Prediction) -> list[str]:
    return [
        f"offline, {p.offline_variant} minus {p.offline_control} in {p.label}: "
        f"{shown(test, p.offline) if p.gap.value is not None else _plain(p.offline)}",
        f"  {p.sentence}",
        *([f"  production minus prediction {shown(test, p.gap)}"] if p.gap.value is not None else []),
    ]


def _plain(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"n/a ({estimate.reason})"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:+.3g} (no interval)"
    return f"{estimate.value:+.3g} ({estimate.low:.3g} to {estimate.high:.3g})"
