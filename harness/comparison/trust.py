"""What a validation says in words: whether a judge can be trusted, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.figures import plural
from harness.types.agreement import (
    Failures,
    LengthBias,
    Position,
    SelfPreference,
    SliceAccuracy,
    Trust,
)
from harness.types.estimate import Estimate

OFTEN_FAILS = 0.05
STUCK = 0.5
"""Share of pairs from which on a judge that says the same whatever it is shown is called so."""
UNSTEADY = 0.9


def percent(value: float) -> str:
    return f"{100 * value:.0f}%"


def trust(accuracy: Estimate, floor: float, what: str) -> Trust:
    """``what`` was labelled, as a plural: pairs, answers."""
    low, value, n = accuracy.low, accuracy.value, accuracy.n
    if value is None:
        sentence = f"Not trusted: no {what} are labelled, so nothing shows how often it is right."
        return Trust(status="too few labels", floor=floor, low=None, sentence=sentence)
    seen = f"it judges {percent(value)} of {n:,} labelled {what} as labelled"
    if low is not None and low >= floor:
        sentence = (
            f"Trusted: {seen}, and at least {percent(low)} is sure, above the floor of {percent(floor)}."
        )
        return Trust(status="trusted", floor=floor, low=low, sentence=sentence)
    if value < floor:
        sentence = f"Not trusted: {seen}, below the floor of {percent(floor)}."
        return Trust(status="below floor", floor=floor, low=low, sentence=sentence)
    sure = "nothing" if low is None else f"only {percent(low)}"
    sentence = f"Not trusted yet: {seen}, but {sure} is sure, and the floor is {percent(floor)}; more labels may tell."
    return Trust(status="too few labels", floor=floor, low=low, sentence=sentence)


def failures_by_kind(reasons: Iterable[str | None]) -> tuple[Failures, ...]:
    """The kind of a failure is what stands before the first colon of its reason."""
    kinds = Counter((reason or "no reason given").split(":")[0].strip() for reason in reasons)
    ranked = sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Failures(kind=kind, count=count) for kind, count in ranked)


def fails(failures: Sequence[Failures], n: int) -> list[str]:
    total = sum(f.count for f in failures)
    if not n or total / n < OFTEN_FAILS:
        return []
    return [f"Fails to answer in {percent(total / n)} of {n:,} cases, most often: {failures[0].kind}."]


def of_position(found: Position) -> list[str]:
    consistent, first = found.consistency.value, found.always_first.value
    if consistent is None or first is None:
        return []
    second = 1 - consistent - first
    if first >= STUCK:
        return [f"Says the first whatever it is shown: in {percent(first)} of pairs, in both orders."]
    if second >= STUCK and found.favours == "second":
        return ["Says the second whatever it is shown, in both orders."]
    if consistent < UNSTEADY:
        place = f", and favours the {found.favours} place" if found.favours in ("first", "second") else ""
        return [f"Changes its mind with the order in {percent(1 - consistent)} of pairs{place}."]
    return []


def of_length(found: LengthBias) -> list[str]:
    judge = found.judge
    if found.prefers not in ("longer", "shorter") or judge.value is None:
        return []
    return [
        f"Prefers the {found.prefers} answer: a side twice as long gains {judge.value:+.1f} in log-odds "
        "beyond what the labels give it."
    ]


def of_self(found: SelfPreference | None) -> list[str]:
    if found is None or found.difference.value is None or found.difference.low is None:
        return []
    if found.difference.low <= 0:
        return []
    return [
        f"Prefers what {found.own} wrote by {100 * found.difference.value:.0f} points more than the labels do."
    ]


def of_chance(kappa: Estimate) -> list[str]:
    if kappa.low is None or kappa.low > 0:
        return []
    return ["Agrees with the labels no better than chance, as far as these labels show."]


def of_lopsided(labelled_good: Sequence[bool], accuracy: Estimate, kappa: Estimate) -> list[str]:
    """Where most labels are the same, an accuracy says little."""
    if accuracy.low is None or kappa.value is None:
        return []
    good = sum(labelled_good) / len(labelled_good)
    if max(good, 1 - good) < accuracy.low:
        return []
    word = "good" if good > 0.5 else "bad"
    return [
        f"{percent(max(good, 1 - good))} of the answers are labelled {word}, so calling all of them {word} would be right "
        f"as often; what it adds is in the rates by class and in Cohen's kappa, {kappa.value:.2f}."
    ]


def of_slices(slices: Sequence[SliceAccuracy], floor: float) -> list[str]:
    """Slices that are surely below the floor, the worst first."""
    low = [s for s in slices if s.accuracy.high is not None and s.accuracy.high < floor]
    return [
        f"Is below the floor on {s.slice}: right in {percent(s.accuracy.value or 0.0)} of "
        f"{plural(s.accuracy.n, 'case')}."
        for s in sorted(low, key=lambda s: s.accuracy.value or 0.0)
    ]
