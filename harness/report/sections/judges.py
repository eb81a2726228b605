"""Each judge: whether it can be trusted, what its scores are once corrected, and where it errs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.figures import Figure, count, duration, joined, money, number, plural
from harness.report.judge_text import signed, slope_words
from harness.report.view import Inputs
from harness.types.agreement import AnswerValidation, Confusion, PairValidation, Slope
from harness.types.judge_record import JudgeRecord, JudgeUsage, ReadCase, RewardFit
from harness.types.judged import JudgedDifference, JudgedEstimate, JudgedMetric, Ranking
from harness.types.results import Unit

_CASES = 12
"""Disagreements to read; all stand in ``judges.json``."""
_KINDS = {
    "reward": "a reward learnt from preference pairs",
    "reference": "a model that passes or fails an answer against the reference",
    "rubric": "a model that rates answers from 1 to 5",
    "pairwise": "a model that prefers one of two answers, asked in both orders",
}
_SIDES = {"a": "the first", "b": "the second", "tie": "a tie"}


def shown(view: Inputs) -> bool:
    return bool(view.judges)


def data(view: Inputs) -> dict[str, Any]:
    judged = view.comparison.judged
    rankings = {r.judge: r for r in view.comparison.rankings}
    return {
        "judges": [
            _judge(view, r, [m for m in judged if m.metric in r.metrics], rankings.get(r.name))
            for r in view.judges
        ],
        "baseline": view.comparison.baseline,
    }


def _judge(
    view: Inputs, record: JudgeRecord, metrics: Sequence[JudgedMetric], ranking: Ranking | None
) -> dict[str, Any]:
    trust = record.trust
    return {
        "name": record.name,
        "what": f"{_KINDS[record.kind]}, {'with' if record.reference else 'without'} the reference in view",
        "model": record.model,
        "status": trust.status if trust else "not validated",
        "sentence": trust.sentence if trust else "No label says whether it is right, so it decides nothing.",
        "warnings": [*_diagnoses(record), *_warnings(record, metrics)],
        "metrics": [_metric(view, m) for m in metrics],
        "ranking": _ranking(view, ranking) if ranking else None,
        "pairs": _pairs(view, record.pairs) if record.pairs else None,
        "answers": [_answers(view, a) for a in record.answers],
        "noise": view.figure(record.noise.changed, "rate") if record.noise else None,
        "replicates": record.noise.replicates if record.noise else 1,
        "fit": _fit(view, record.fit) if record.fit else None,
        "usage": _usage(view, record.usage),
        "failures": [f"{n} {kind}" for kind, n in record.failures.items()],
        "n_scores": record.n_scores,
        "cases": [_case(c) for c in record.cases[:_CASES]],
        "more": max(0, len(record.cases) - _CASES),
    }


def _diagnoses(record: JudgeRecord) -> list[str]:
    found = [d for v in (record.pairs, *record.answers) if v for d in v.diagnoses]
    return list(dict.fromkeys(found))


def _warnings(record: JudgeRecord, metrics: Sequence[JudgedMetric]) -> list[str]:
    found = []
    if any(m.kept_out for m in metrics):
        found.append("It is kept out of verdict and gate.")
    if record.relatives:
        found.append(
            f"It is of the same family ({record.family}) as {joined(record.relatives)} and may favour "
            f"{'it' if len(record.relatives) == 1 else 'them'}."
        )
    return found


def _metric(view: Inputs, metric: JudgedMetric) -> dict[str, Any]:
    unit: Unit = "rate" if metric.criterion == "pass" else "score"
    return {
        "criterion": metric.criterion,
        "labels_by": _by(metric.labels_by) if metric.labels_by else None,
        "rows": [_row(view, e, unit) for e in metric.estimates],
        "differences": [_difference(view, d, unit) for d in metric.differences],
        "reasons": list(dict.fromkeys(e.reason for e in metric.estimates if e.reason)),
    }


def _row(view: Inputs, e: JudgedEstimate, unit: Unit) -> dict[str, Any]:
    return {
        "name": e.variant,
        "colour": view.colour(e.variant),
        "chosen": e.variant == view.comparison.decision.choice,
        "raw": view.figure(e.raw, unit),
        "corrected": view.figure(e.corrected, unit),
        "labels": view.figure(e.labels, unit),
        "n_labels": e.n_labels,
        "worth": None if e.worth is None else number(e.worth),
    }


def _difference(view: Inputs, d: JudgedDifference, unit: Unit) -> dict[str, Any]:
    return {
        "name": d.variant,
        "colour": view.colour(d.variant),
        "raw": view.figure(d.raw, unit, signed=True),
        "corrected": view.figure(d.corrected, unit, signed=True),
        "n_labels": d.n_labels,
    }


def _ranking(view: Inputs, ranking: Ranking) -> dict[str, Any]:
    return {
        "reason": ranking.reason,
        "method": ranking.method,
        "n": f"{ranking.n_duels:,}",
        "rows": [
            {
                "name": s.variant,
                "colour": view.colour(s.variant),
                "strength": view.figure(s.strength, "score", signed=True),
                "wins": number(s.wins),
                "n": f"{s.n_duels:,}",
                "best": f"{s.best:.0%}",
            }
            for s in ranking.strengths
        ],
    }


def _confusion(confusion: Confusion) -> dict[str, Any]:
    return {"judged": confusion.judged, "rows": list(zip(confusion.labels, confusion.counts, strict=True))}


def _pairs(view: Inputs, v: PairValidation) -> dict[str, Any]:
    probes: list[tuple[str, Figure | str]] = [
        ("Right on pairs where one is better", view.figure(v.decided, "rate")),
        ("Agreement beyond chance (Cohen's kappa)", view.figure(v.kappa, "score")),
        ("Same choice in both orders", view.figure(v.position.consistency, "rate")),
        ("Choices for the answer shown first", view.figure(v.position.first, "rate")),
        ("Pull of length", _slope(v.length.judge)),
        ("Pull of length in the labels themselves", _slope(v.length.label)),
    ]
    if v.self_preference:
        probes.append(
            ("Preference for its own text", view.figure(v.self_preference.difference, "rate", signed=True))
        )
    if v.people:
        probes += [
            ("Two people agree", view.figure(v.people.between, "rate")),
            ("The judge agrees with a person", view.figure(v.people.judge, "rate")),
        ]
    return {
        "n": v.n_labelled,
        "failed": v.n_failed,
        "by": _by(v.labels_by),
        "accuracy": view.figure(v.accuracy, "rate"),
        "confusion": _confusion(v.confusion),
        "probes": probes,
        "slices": [(s.slice, view.figure(s.accuracy, "rate")) for s in v.slices],
    }


def _answers(view: Inputs, v: AnswerValidation) -> dict[str, Any]:
    unit: Unit = "rate" if v.criterion == "pass" else "score"
    return {
        "criterion": v.criterion,
        "n": v.n_labels,
        "by": _by(v.labels_by),
        "confusion": _confusion(v.confusion),
        "probes": [
            ("Judged as labelled", view.figure(v.accuracy, "rate")),
            ("Agreement beyond chance (Cohen's kappa)", view.figure(v.kappa, "score")),
            ("Good answers judged good", view.figure(v.sensitivity, "rate")),
            ("Bad answers judged bad", view.figure(v.specificity, "rate")),
            ("Judged minus labelled", view.figure(v.bias, unit, signed=True)),
        ],
    }


def _by(by: str) -> str:
    return {
        "author": "the scenario's author",
        "people": "people",
        "author and people": "the scenario's author and people",
        "unnamed": "raters that the file does not name",
    }[by]


def _slope(slope: Slope) -> str:
    words = slope_words(slope)
    return words if slope.value is None else f"{words} log-odds for twice the length, n {slope.n}"


def _fit(view: Inputs, fit: RewardFit) -> dict[str, Any]:
    return {
        "n_train": f"{fit.n_train:,}",
        "n_dev": f"{fit.n_dev:,}",
        "train": f"{fit.train_accuracy:.0%}",
        "dev": view.figure(fit.dev_accuracy, "rate"),
        "weights": [(w.feature, signed(w.weight)) for w in fit.weights[:8]],
    }


def _usage(view: Inputs, usage: JudgeUsage) -> str:
    parts = [f"{duration(usage.seconds)} of wall time"]
    if usage.requests:
        parts.append(plural(usage.requests, "reply", "replies"))
    if usage.prompt_tokens is not None and usage.output_tokens is not None:
        parts.append(f"{count(usage.prompt_tokens)} + {count(usage.output_tokens)} tokens")
    price = "n/a" if usage.money is None else money(usage.money, view.currency)
    return f"{joined(parts)}; {price} ({usage.money_source}). A cost of the evaluation, not of serving."


def _case(case: ReadCase) -> dict[str, Any]:
    def said(value: Any) -> str:
        if value is None:
            return f"nothing ({case.failure or 'no judgement'})"
        return _SIDES.get(value, value) if isinstance(value, str) else f"{value:g}"

    return {
        "id": case.id,
        "input": case.input,
        "a": case.a,
        "b": case.b,
        "reference": case.reference,
        "label": said(case.label),
        "judged": said(case.judged),
        "reasons": case.reasons,
        "flaw": joined([f"{k}: {v}" for k, v in case.slices.items() if k != "cluster"]),
    }
