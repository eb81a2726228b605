"""A judge of single answers held against labels of answers, passed or failed, or 1 to 5 by a rubric."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from harness.comparison import trust
from harness.comparison.agreement import confusion, labels_by, slice_accuracy
from harness.comparison.raters import balanced_rate, cohen_kappa, human_agreement, mean_of, numbered
from harness.errors import InputError
from harness.types.agreement import AnswerValidation, CalibrationBin, Confusion, Disagreement, HumanAgreement
from harness.types.estimate import Estimate
from harness.types.judging import AnswerLabel

PASS = "pass"
THRESHOLDS = {True: 0.5, False: 4.0}
"""From which value on an answer is good: passed or failed, and of a rubric."""
BINS = 5
POINTS = (1, 2, 3, 4, 5)
STRICT = ("bad", "good")


def validate_answers(
    judge: str,
    labels: Sequence[AnswerLabel],
    judged: Mapping[str, float | None],
    failures: Mapping[str, str],
    floor: float,
    rng: np.random.Generator,
    clusters: Mapping[str, str] | None = None,
) -> AnswerValidation:
    """``judged`` values and reasons of ``failures`` by the label's id, values on the label's scale.

    All labels must be of one criterion; those without a value are left out. ``clusters`` by item; labels of one
    item always belong together.
    """
    criterion = _criterion(labels)
    passing = criterion == PASS
    edge = THRESHOLDS[passing]
    kept = [label for label in labels if label.label is not None]
    true = [float(label.label or 0.0) for label in kept]
    found = [judged.get(label.id) for label in kept]
    of: list[Hashable] = [(clusters or {}).get(label.item, label.item) for label in kept]
    good = [value >= edge for value in true]
    said = [None if value is None else value >= edge for value in found]
    right = [float(a == b) for a, b in zip(good, said, strict=True)]
    answered = [i for i, value in enumerate(found) if value is not None]
    why = [failures.get(label.id, "not judged") for label in kept]
    failed = trust.failures_by_kind(why[i] for i, value in enumerate(found) if value is None)
    accuracy = mean_of(right, of, "no answer is labelled")
    kappa = _kappa(true, found, good, said, answered, of, passing)
    slices = slice_accuracy([label.slices for label in kept], right, of)
    bias = _bias(true, found, answered, of, passing)
    bins = _calibration(true, found, answered, of, passing)
    return AnswerValidation(
        judge=judge,
        criterion=criterion,
        threshold=edge,
        n_labels=len(kept),
        n_failed=len(kept) - len(answered),
        labels_by=labels_by(label.annotators for label in kept),
        accuracy=accuracy,
        answered=mean_of(
            [right[i] for i in answered], [of[i] for i in answered], "the judge answered nothing"
        ),
        kappa=kappa,
        sensitivity=_recall(True, good, right, of, "no answer is labelled good"),
        specificity=_recall(False, good, right, of, "no answer is labelled bad"),
        balanced=balanced_rate(np.array(right) > 0, np.array(good, dtype=np.int64), numbered(of)),
        confusion=_confusion(true, found, edge, passing),
        bias=bias,
        calibration=bins,
        calibration_error=_error(bins),
        people=_people(kept, said, of, edge, rng),
        failures=failed,
        slices=slices,
        disagreements=tuple(
            Disagreement(id=label.id, label=value, judged=other, reason=None if other is not None else reason)
            for label, value, other, hit, reason in zip(kept, true, found, right, why, strict=True)
            if not hit
        ),
        trust=trust.trust(accuracy, floor, "answers"),
        diagnoses=tuple(
            trust.fails(failed, len(kept))
            + _of_constant(said, good)
            + _of_bias(bias, passing)
            + [*trust.of_chance(kappa), *trust.of_lopsided(good, accuracy, kappa)]
            + trust.of_slices(slices, floor)
        ),
    )


def _criterion(labels: Sequence[AnswerLabel]) -> str:
    criteria = sorted({label.criterion for label in labels})
    if len(criteria) > 1:
        raise InputError(f"labels of {len(criteria)} criteria cannot be validated as one: {criteria}")
    return criteria[0] if criteria else PASS


def _people(
    labels: Sequence[AnswerLabel],
    said: Sequence[bool | None],
    of: Sequence[Hashable],
    edge: float,
    rng: np.random.Generator,
) -> HumanAgreement | None:
    """Who agrees on good or not; alpha is of the points themselves for a rubric."""
    calls: list[dict[str, Hashable]] = [
        {name: value >= edge for name, value in label.annotators.items()} for label in labels
    ]
    points = [dict(label.annotators) for label in labels] if _criterion(labels) != PASS else None
    return human_agreement(calls, said, of, rng, points)


def _kappa(
    true: Sequence[float],
    found: Sequence[float | None],
    good: Sequence[bool],
    said: Sequence[bool | None],
    answered: Sequence[int],
    of: Sequence[Hashable],
    passing: bool,
) -> Estimate:
    cluster = numbered([of[i] for i in answered])
    if passing:
        one = np.array([good[i] for i in answered], dtype=np.int64)
        two = np.array([said[i] for i in answered], dtype=np.int64)
        return cohen_kappa(one, two, 2, cluster)
    one = np.array([_point(true[i]) - 1 for i in answered], dtype=np.int64)
    two = np.array([_point(found[i] or 0.0) - 1 for i in answered], dtype=np.int64)
    return cohen_kappa(one, two, len(POINTS), cluster, quadratic=True)


def _point(value: float) -> int:
    return int(min(POINTS[-1], max(POINTS[0], np.floor(value + 0.5))))


def _points(values: Sequence[float | None], edge: float) -> list[int | None]:
    return [None if v is None else _point(v) for v in values]


def _words(values: Sequence[float | None], edge: float) -> list[str | None]:
    return [None if v is None else STRICT[v >= edge] for v in values]


def _confusion(true: Sequence[float], found: Sequence[float | None], edge: float, passing: bool) -> Confusion:
    calls = _words if passing else _points
    return confusion(calls(true, edge), calls(found, edge), STRICT if passing else POINTS)


def _recall(
    wanted: bool, good: Sequence[bool], right: Sequence[float], of: Sequence[Hashable], why: str
) -> Estimate:
    rows = [i for i, value in enumerate(good) if value == wanted]
    return mean_of([right[i] for i in rows], [of[i] for i in rows], why)


def _bias(
    true: Sequence[float],
    found: Sequence[float | None],
    answered: Sequence[int],
    of: Sequence[Hashable],
    passing: bool,
) -> Estimate:
    apart = [(found[i] or 0.0) - true[i] for i in answered]
    return mean_of(
        apart, [of[i] for i in answered], "the judge answered nothing", signed=True, bounded=passing
    )


def _calibration(
    true: Sequence[float],
    found: Sequence[float | None],
    answered: Sequence[int],
    of: Sequence[Hashable],
    passing: bool,
) -> tuple[CalibrationBin, ...]:
    """One bin a value where there are few values, else bins of about equally many answers."""
    values = np.array([found[i] for i in answered], dtype=np.float64)
    if not len(values):
        return ()
    edges = np.unique(values)
    if len(edges) > BINS:
        edges = np.unique(np.quantile(values, np.arange(BINS) / BINS))
    place = np.searchsorted(edges, values, side="right") - 1
    made = []
    for number in range(len(edges)):
        rows = [answered[int(i)] for i in np.flatnonzero(place == number)]
        if rows:
            label = mean_of([true[i] for i in rows], [of[i] for i in rows], "", bounded=passing)
            judged = float(np.mean([found[i] or 0.0 for i in rows]))
            made.append(CalibrationBin(n=len(rows), judged=judged, label=label))
    return tuple(made)


def _error(bins: Sequence[CalibrationBin]) -> float | None:
    n = sum(b.n for b in bins)
    return sum(b.n * abs(b.judged - (b.label.value or 0.0)) for b in bins) / n if n else None


def _of_constant(said: Sequence[bool | None], good: Sequence[bool]) -> list[str]:
    """A judge that says the same of every answer, where the labels do not."""
    answers = {value for value in said if value is not None}
    if len(answers) != 1 or len(set(good)) < 2:
        return []
    return [f"Calls every answer {STRICT[answers.pop()]}, whatever it is shown."]


def _of_bias(bias: Estimate, passing: bool) -> list[str]:
    if bias.value is None or bias.low is None or bias.high is None or bias.low <= 0 <= bias.high:
        return []
    how = "lenient" if bias.value > 0 else "strict"
    by = f"{100 * abs(bias.value):.0f} points" if passing else f"{abs(bias.value):.1f} on the scale of 1 to 5"
    return [f"Is too {how} by {by} on average."]
