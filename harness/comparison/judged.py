"""A judge's scores as a metric of the comparison, corrected by labels of a random sample of the answers.

A label counts for every variant that gave the very text that was read to that item. What matters is that the labelled
answers of each variant are a random sample of that variant's answers; where they visibly are not, its figures stay
uncorrected and say why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from harness.comparison.agreement import labels_by
from harness.comparison.answer_agreement import PASS
from harness.comparison.estimate import no_estimate
from harness.comparison.ppi import (
    FEWEST_CLUSTERS,
    FEWEST_LABELS,
    Corrected,
    corrected_difference,
    corrected_mean,
)
from harness.comparison.raters import mean_of
from harness.comparison.table import Bools, Floats, Ints
from harness.figures import plural
from harness.types.agreement import Trust
from harness.types.data import Item
from harness.types.estimate import Estimate
from harness.types.judge_settings import MEAN, PREFERENCE
from harness.types.judged import JudgedDifference, JudgedEstimate, JudgedMetric
from harness.types.judging import JUDGED, AnswerLabel
from harness.types.results import Score

STALE = 0.1
"""Share of a variant's labels that may have fallen away; those that are left are a selection of the sample."""
_UNLIKELY = 0.001
"""Chance below which labels are called no random sample."""


@dataclass(frozen=True)
class _Variant:
    """What is known of one variant's answers, by item."""

    name: str
    answered: Bools
    judged: Floats
    """(I,) NaN where the judge failed or nothing was answered."""
    labels: Floats
    """(I,) NaN where there is no label of a random sample."""
    n_missing: int
    n_stale: int
    problem: str | None
    """Why its labels cannot correct."""


def judged_metric(
    judge: str,
    variants: Sequence[str],
    baseline: str,
    items: Sequence[Item],
    scores: Sequence[Score],
    texts: Mapping[tuple[str, str], str],
    labels: Sequence[AnswerLabel],
    trust: Trust | None,
    criterion: str = PASS,
) -> JudgedMetric:
    """Raw and corrected means of all variants, and their differences from the baseline.

    ``scores`` may hold those of all metrics; the rows of ``judge.<judge>`` are taken, their values on the labels'
    scale. ``texts`` are the answers of the quality pass (repeat 0) by (variant, item); an answer that failed has
    none. ``labels`` may hold all labels; those of a random sample and of ``criterion`` are taken.
    """
    metric = f"{JUDGED}{judge}"
    ordered = sorted(items, key=lambda item: item.id)
    number = {name: i for i, name in enumerate(sorted({item.cluster for item in ordered}))}
    cluster = np.array([number[item.cluster] for item in ordered], dtype=np.int64)
    names = [item.id for item in ordered]
    asked = set(names)  # a cut run leaves out items, and their labels say nothing of it
    sample = [
        label
        for label in labels
        if label.sample == "random" and label.criterion == criterion and label.label is not None
        and label.item in asked
    ]  # fmt: skip
    read = _variants(variants, names, _values(metric, scores), texts, sample, _unlabelled(criterion))
    base = next((v for v in read if v.name == baseline), None)
    unit = criterion == PASS
    return JudgedMetric(
        judge=judge,
        metric=metric,
        criterion=criterion,
        labels_by=labels_by(label.annotators for label in sample) if sample else None,
        trust=trust,
        kept_out=trust is None or trust.status != "trusted",
        estimates=tuple(_estimate(v, cluster, unit) for v in read),
        differences=tuple(_difference(v, base, cluster, unit) for v in read if base and v is not base),
    )


def _unlabelled(criterion: str) -> str:
    """Why there are no labels, and what to do where something can be done."""
    if criterion in (MEAN, PREFERENCE):
        what = "the mean of several criteria" if criterion == MEAN else "a preference among variants"
        return f"labels are of single answers by one criterion, not of {what}, so nothing corrects it"
    if criterion == PASS:
        return "no answer of a random sample is labelled; label some with `harness label`"
    return (
        f"no answer of a random sample is labelled for {criterion}; `harness label` asks for passed or failed, so write "
        "lines of this criterion to data/labels.jsonl (docs/how-to/judge-answers.md)"
    )


def _values(metric: str, scores: Sequence[Score]) -> dict[tuple[str, str], float]:
    """Mean over repeats by variant and item."""
    found: dict[tuple[str, str], list[float]] = {}
    for score in scores:
        if score.metric == metric and score.value is not None:
            found.setdefault((score.variant, score.item), []).append(score.value)
    return {key: sum(values) / len(values) for key, values in found.items()}


def _variants(
    variants: Sequence[str],
    items: Sequence[str],
    values: Mapping[tuple[str, str], float],
    texts: Mapping[tuple[str, str], str],
    sample: Sequence[AnswerLabel],
    unlabelled: str,
) -> list[_Variant]:
    said: dict[tuple[str, str], list[float]] = {}
    for label in sample:
        said.setdefault((label.item, label.answer), []).append(float(label.label or 0.0))
    made = []
    for name in variants:
        mine = [texts.get((name, item)) for item in items]
        rows = [
            said.get((item, text)) if text is not None else None
            for item, text in zip(items, mine, strict=True)
        ]
        found = np.array([np.nan if row is None else sum(row) / len(row) for row in rows])
        others = [{texts.get((other, item)) for other in variants if other != name} for item in items]
        answered = np.array([text is not None for text in mine], dtype=np.bool_)
        alone = np.array([text not in rest for text, rest in zip(mine, others, strict=True)], dtype=np.bool_)
        of_mine = [s for s in sample if s.variant == name or (s.variant is None and len(variants) == 1)]
        stale = sum(texts.get((name, s.item)) != s.answer for s in of_mine)
        made.append(
            _Variant(
                name=name,
                answered=answered,
                judged=np.array([values.get((name, item), np.nan) for item in items]),
                labels=found,
                n_missing=int((~answered).sum()),
                n_stale=stale,
                problem=_problem(found, answered, alone, stale, unlabelled),
            )
        )
    return made


def _problem(labels: Floats, answered: Bools, alone: Bools, stale: int, unlabelled: str) -> str | None:
    known = ~np.isnan(labels)
    n = int(known.sum())
    if not n and not stale:
        return unlabelled
    if stale > STALE * (n + stale):
        return (
            f"{stale} of {n + stale} labelled answers have changed since, and those that have not are no random "
            "sample; label again"
        )
    if n < FEWEST_LABELS:
        return f"{plural(n, 'label')} of a random sample are too few: it takes {FEWEST_LABELS}"
    mine, all_mine = int((known & alone).sum()), int((answered & alone).sum())
    if _chance_of_so_few(mine, n, all_mine, int(answered.sum())) < _UNLIKELY:
        return (
            f"the labels are no random sample of its answers: {mine} of the {all_mine} that it alone gave are "
            f"labelled, and {n - mine} of the {int(answered.sum()) - all_mine} that others gave too; label again"
        )
    return None


def _chance_of_so_few(drawn: int, draws: int, marked: int, everything: int) -> float:
    """Of at most ``drawn`` marked ones among so many draws without replacement (hypergeometric)."""

    def choose(n: int, k: int) -> float:
        return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    least = max(0, draws - (everything - marked))
    whole = choose(everything, draws)
    terms = [
        np.exp(choose(marked, k) + choose(everything - marked, draws - k) - whole)
        for k in range(least, drawn + 1)
    ]
    return float(sum(terms))


def _estimate(v: _Variant, cluster: Ints, unit: bool) -> JudgedEstimate:
    rows = v.answered
    known = rows & ~np.isnan(v.labels)
    raw = _mean(v.judged, rows & ~np.isnan(v.judged), cluster, unit, "the judge gave no value", missing=v)
    alone = _mean(v.labels, known, cluster, unit, v.problem or "")
    reason = v.problem or _too_little(v.labels[known], v.judged[rows], cluster[known], unit)
    made = None
    if reason is None:
        made = corrected_mean(v.labels[rows], v.judged[rows], cluster[rows], unit)
        alone, corrected = _told(made, rows, known, cluster, v.n_missing)
    else:
        corrected = no_estimate(reason, v.n_missing)
    return JudgedEstimate(
        variant=v.name,
        raw=raw,
        corrected=corrected,
        labels=alone,
        n_labels=int(known.sum()),
        n_stale=v.n_stale,
        power=made.power if made else None,
        worth=made.gain * int(known.sum()) if made else None,
        status="corrected" if made else "uncorrected",
        reason=reason,
    )


def _difference(v: _Variant, base: _Variant, cluster: Ints, unit: bool) -> JudgedDifference:
    """On the items that both answered; each side is corrected by its own labels."""
    rows = v.answered & base.answered
    either = [rows & ~np.isnan(side.labels) for side in (v, base)]
    both = either[0] & either[1]
    seen = rows & ~np.isnan(v.judged) & ~np.isnan(base.judged)
    missing = int((v.answered ^ base.answered).sum())
    raw = _mean(v.judged - base.judged, seen, cluster, unit, "no item was judged for both", signed=True)
    reason = None
    for side, known in zip((v, base), either, strict=True):
        why = side.problem or _too_little(side.labels[known], side.judged[rows], cluster[known], unit)
        reason = reason or (f"{side.name}: {why}" if why else None)
    made = None
    alone = _mean(v.labels - base.labels, both, cluster, unit, reason or "", signed=True)
    if reason is None:
        made = corrected_difference(
            (v.labels[rows], base.labels[rows]), (v.judged[rows], base.judged[rows]), cluster[rows], unit
        )
        alone, corrected = _told(made, rows, either[0] | either[1], cluster, missing)
    else:
        corrected = no_estimate(reason, missing)
    return JudgedDifference(
        variant=v.name,
        baseline=base.name,
        raw=raw,
        corrected=corrected,
        labels=alone,
        n_labels=int(both.sum()),
        power=made.power if made else None,
        worth=made.gain * min(int(known.sum()) for known in either) if made else None,
        status="corrected" if made else "uncorrected",
        reason=reason,
    )


def _mean(
    values: Floats,
    rows: Bools,
    cluster: Ints,
    unit: bool,
    why_empty: str,
    signed: bool = False,
    missing: _Variant | None = None,
) -> Estimate:
    made = mean_of(values[rows].tolist(), cluster[rows].tolist(), why_empty, signed=signed, bounded=unit)
    return made.model_copy(update={"n_missing": int((~rows).sum())}) if missing else made


def _too_little(labels: Floats, judged: Floats, cluster: Ints, unit: bool) -> str | None:
    if len(labels) < FEWEST_LABELS:
        return f"{plural(len(labels), 'label')} of a random sample are too few: it takes {FEWEST_LABELS}"
    clusters = len(np.unique(cluster))
    if clusters < FEWEST_CLUSTERS:
        return f"the labels are of {plural(clusters, 'cluster')}; it takes {FEWEST_CLUSTERS}"
    if np.isnan(judged).all():
        return "the judge gave no value"
    if not unit and np.ptp(labels) == 0:
        return "all labels are equal, so nothing shows their spread"
    return None


def _told(
    made: Corrected, rows: Bools, known: Bools, cluster: Ints, n_missing: int
) -> tuple[Estimate, Estimate]:
    """Labels alone, and corrected."""

    def estimate(value: float, low: float, high: float, used: Bools, missing: int, method: str) -> Estimate:
        return Estimate(
            value=value, low=low, high=high, n=int(used.sum()), n_missing=missing,
            n_clusters=len(np.unique(cluster[used])), method=method,
        )  # fmt: skip

    alone = estimate(*made.labels, known, 0, f"labels alone, {made.method}")
    ours = estimate(made.value, made.low, made.high, rows, n_missing, f"prediction-powered, {made.method}")
    return alone, ours
