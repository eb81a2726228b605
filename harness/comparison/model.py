"""From scores and settings to the ``DecisionModel``: what each variant does and uses, before any price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparison.capacity import monthly_per_replica, paid_seconds
from harness.comparison.estimate import Support, analytic_estimates
from harness.comparison.paired import difference_rows, verdict
from harness.comparison.posterior import posterior, sample_of
from harness.comparison.table import Matrix, Table
from harness.errors import HarnessError
from harness.types.answers import TrainingRecord, Usage
from harness.types.decision import DecisionModel, DecisionTerms, VariantTerms
from harness.types.economics import Economics
from harness.types.results import Estimate, MetricInfo
from harness.types.settings import Choice, Scenario, VariantSpec

COST = "cost"
SUCCESS = "success"
HARM = "harm"
LATENCY = "latency"


@dataclass(frozen=True)
class Contest:
    """What the variants are chosen by; rows of ``matrix`` and all sequences are in the order of the variants."""

    choice: Choice
    metric: MetricInfo
    matrix: Matrix
    """The choice metric on all items."""
    support: Support
    quality: Sequence[Estimate]
    latency: Sequence[float | None]
    """Median, in seconds."""


def build_model(
    scenario: Scenario,
    table: Table,
    trainings: Mapping[str, TrainingRecord],
    usage: Mapping[str, Usage],
    contest: Contest,
) -> DecisionModel:
    ruled_out = [_broken_limit(contest, row) for row in range(len(table.variants))]
    rows = [row for row, why in enumerate(ruled_out) if why is None]
    shared = common(contest.matrix, rows)
    quality = {row: _mean(shared, row) for row in rows}
    expected = (
        _expected(shared, rows),
        _expected(table.metrics.get(SUCCESS), rows),
        _expected(table.metrics.get(HARM), rows),
    )
    variants = tuple(
        _variant(
            scenario.economics, table, row, spec, training_of(spec, trainings), usage.get(spec.name),
            quality=quality.get(row), expected=tuple(each.get(row) for each in expected),
            latency_s=contest.latency[row], ruled_out=ruled_out[row],
            worse_than=_worse_than(contest, row, table.variants),
        )
        for row, spec in enumerate(scenario.variants)
    )  # fmt: skip
    return DecisionModel(
        currency=scenario.economics.currency,
        quality_metric=contest.metric.name,
        higher_is_better=contest.metric.higher_is_better,
        variants=variants,
        terms=terms_of(scenario.economics, contest.choice),
    )


def terms_of(economics: Economics, choice: Choice) -> DecisionTerms:
    low, high = economics.volume_range
    return DecisionTerms(
        monthly_requests=economics.monthly_requests,
        serving_price_per_hour=economics.serving.price_per_hour,
        training_price_per_hour=economics.training.price_per_hour,
        utilisation=economics.utilisation,
        retraining_months=economics.retraining_months,
        value_of_success=economics.value_of_success,
        cost_of_harm=economics.cost_of_harm or 0.0,
        weights=economics.weights if economics.value_of_success is None else None,
        max_cost_per_1000=choice.max_cost_per_1000,
        volume_range=(low, max(low, high)),
    )


def _variant(
    economics: Economics,
    table: Table,
    row: int,
    spec: VariantSpec,
    training: TrainingRecord | None,
    usage: Usage | None,
    *,
    quality: float | None,
    expected: tuple[float | None, ...],
    latency_s: float | None,
    ruled_out: str | None,
    worse_than: tuple[str, ...],
) -> VariantTerms:
    seconds = (training.seconds if training else 0.0) + ((usage.index_s or 0.0) if usage else 0.0)
    people = economics.people_hours_per_month.get(spec.name, 0.0) * economics.people_price_per_hour
    return VariantTerms(
        variant=spec.name,
        quality=quality,
        success_rate=_mean(table.metrics.get(SUCCESS), row),
        harm_rate=_mean(table.metrics.get(HARM), row),
        expected_quality=expected[0],
        expected_success=expected[1],
        expected_harm=expected[2],
        machine_s=machine_seconds(table, row, spec, economics, usage),
        monthly_per_replica=_carried(spec, economics, usage),
        other_per_request=_token_money(table, row, spec, economics),
        training_hours=seconds / 3600,
        other_once=training.examples * economics.example_price if training else 0.0,
        per_month=people,
        latency_s=latency_s,
        ruled_out=ruled_out,
        worse_than=worse_than,
    )


def training_of(spec: VariantSpec, trainings: Mapping[str, TrainingRecord]) -> TrainingRecord | None:
    """None for a variant without an adapter."""
    if not spec.weights.startswith("adapter:"):
        return None
    name = spec.weights.removeprefix("adapter:")
    if name not in trainings:
        raise HarnessError(
            f"variant {spec.name} uses adapter {name}, of which there is no training record, so its cost is "
            "unknown; train it again with --fresh"
        )
    return trainings[name]


def _token_money(table: Table, row: int, spec: VariantSpec, economics: Economics) -> float:
    """Mean over the requests of a variant that is priced by tokens."""
    return (_mean(table.metrics.get(COST), row) or 0.0) if spec.name in economics.tokens else 0.0


def machine_seconds(
    table: Table, row: int, spec: VariantSpec, economics: Economics, usage: Usage | None
) -> float | None:
    """Of a request, as if the machine were never idle.

    Where the variant was put under load, such that at the scenario's volume and utilisation the replicas are paid
    that it needs there; elsewhere the mean over the requests, whose money at the scenario's price and utilisation
    is in the scores.
    """
    money = _mean(table.metrics.get(COST), row)
    paid = loaded_seconds(spec, economics, usage)
    if money is not None and paid is not None:
        return paid * economics.utilisation
    if money is None or spec.name in economics.tokens:
        return None if money is None else 0.0
    price = economics.serving.price_per_hour
    return money * 3600 * economics.utilisation / price if price else 0.0


def _carried(spec: VariantSpec, economics: Economics, usage: Usage | None) -> float | None:
    if usage is None or usage.capacity is None or spec.name in economics.tokens:
        return None
    return monthly_per_replica(usage.capacity, usage.attempts)


def loaded_seconds(spec: VariantSpec, economics: Economics, usage: Usage | None) -> float | None:
    """Machine seconds paid for a request, as measured under load; None where they are not known or not paid."""
    if usage is None or usage.capacity is None or spec.name in economics.tokens:
        return None
    each = paid_seconds(usage.capacity, economics.monthly_requests * usage.attempts)
    return None if each is None else each * usage.attempts


def _mean(matrix: Matrix | None, row: int) -> float | None:
    """Without the last bits, so that the order in which equal values are added makes no winner."""
    if matrix is None:
        return None
    values = matrix.values[row][np.isfinite(matrix.values[row])]
    return round(float(values.sum() / len(values)), 12) if len(values) else None


def _expected(matrix: Matrix | None, rows: Sequence[int]) -> dict[int, float]:
    """Posterior means of the ``rows`` that have values, by row."""
    if matrix is None:
        return {}
    known = [row for row in rows if np.isfinite(matrix.values[row]).any()]
    if not known:
        return {}
    means = posterior(sample_of(matrix, known)).mean
    return {row: round(float(mean), 12) for row, mean in zip(known, means, strict=True)}


def _broken_limit(contest: Contest, row: int) -> str | None:
    """The first limit that a variant breaks, or cannot be shown to keep, whatever the prices."""
    limit, latency, quality = contest.choice.max_latency_s, contest.latency[row], contest.quality[row]
    if quality.value is None:
        return f"has no value of {contest.metric.name} ({quality.reason})"
    if quality.n_missing > quality.n:
        # What it did answer is a selection, and too small a part to compare the others on.
        return f"answered only {quality.n} of {quality.n + quality.n_missing} items"
    if limit is not None and latency is None:
        return f"latency was not measured, so the limit of {limit:g} s cannot be checked"
    if limit is not None and latency is not None and latency > limit:
        return f"median latency of {latency:.3g} s is above the limit of {limit:g} s"
    return None


def common(matrix: Matrix, rows: Sequence[int]) -> Matrix:
    """The items that all of these answered, so that failing on hard ones gains nothing; if none, all."""
    if not rows:
        return matrix
    answered = np.isfinite(matrix.values[list(rows)])
    both = np.asarray(answered.all(axis=0), dtype=np.bool_)
    return matrix.take(both) if both.any() else matrix


def _worse_than(contest: Contest, row: int, names: Sequence[str]) -> tuple[str, ...]:
    """An unknown difference is not a clear one: who might be the best stays in the race."""
    others = [other for other in range(len(names)) if other != row]
    if not others:
        return ()
    upward = contest.metric.higher_is_better
    gaps = difference_rows(contest.metric, contest.matrix, contest.support, others, row)
    return tuple(
        names[other]
        for other, gap in zip(others, analytic_estimates(gaps), strict=True)
        if verdict(gap, upward) == "better"
    )
