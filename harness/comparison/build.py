"""Scores in, one ``Comparison`` out: the whole stage on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from harness.comparison.audit import Evidence, build_audit
from harness.comparison.bootstrap import CONFIDENCE, Resampler
from harness.comparison.cost import Costs, build_costs
from harness.comparison.decision import Contest, decide
from harness.comparison.estimate import Rows, estimate_all, metric_rows, no_estimate, support_of
from harness.comparison.frontier import build_frontier
from harness.comparison.paired import Square, difference_rows, find_squares, interaction_rows, verdict
from harness.comparison.table import Table, build_table
from harness.errors import InputError
from harness.types.answers import TrainingRecord
from harness.types.data import Item
from harness.types.results import (
    Audit,
    Comparison,
    Decision,
    Difference,
    Estimate,
    FrontierPoint,
    Interaction,
    MetricInfo,
    Score,
    VariantEstimate,
)
from harness.types.settings import Scenario

LATENCY = "latency"
DIGITS = 6

Reading = tuple[list[VariantEstimate], list[Difference], list[Interaction]]


def build_comparison(
    scenario: Scenario,
    items: Sequence[Item],
    scores: Sequence[Score],
    metrics: Sequence[MetricInfo],
    trainings: Mapping[str, TrainingRecord],
    preview: bool,
    evidence: Evidence | None = None,
) -> Comparison:
    """Compare ``scenario.variants`` on ``items``; ``trainings`` by adapter name.

    ``evidence`` is what the comparability audit rests on; without it there is none.

    Pure and deterministic: the same input in any order of items and scores gives the same bytes.
    """
    if scenario.choice.metric not in {metric.name for metric in metrics}:
        raise InputError(
            f"the choice rests on metric {scenario.choice.metric}, which is not among the metrics; add it "
            "under `metrics:` in scenario.yaml or name another under `choice:`"
        )
    variants = tuple(spec.name for spec in scenario.variants)
    table = build_table(variants, items, scores, scenario.slices)
    read = {slice: _read_slice(scenario, table, slice, metrics) for slice in table.slices}
    # By metric, then slice, then variant: what belongs side by side in a report stands side by side.
    readings = [read[slice][metric.name] for metric in metrics for slice in table.slices]
    estimates = tuple(chain.from_iterable(reading[0] for reading in readings))
    whole = Resampler(scenario.seed, "all")
    costs = build_costs(table, scenario.variants, trainings, scenario.economics, whole)
    frontier = _frontier(scenario, metrics, estimates, costs)
    made = _rounded(
        Comparison(
            scenario=scenario.name,
            preview=preview,
            baseline=scenario.baseline,
            variants=variants,
            n_items=len(table.items),
            n_clusters=table.n_clusters,
            seed=scenario.seed,
            confidence=CONFIDENCE,
            currency=scenario.economics.currency,
            metrics=tuple(metrics),
            estimates=estimates,
            differences=tuple(chain.from_iterable(reading[1] for reading in readings)),
            interactions=tuple(chain.from_iterable(reading[2] for reading in readings)),
            costs=costs.variants,
            volumes=costs.volumes,
            break_even=costs.break_even,
            frontier=frontier,
            decision=_decision(scenario, table, metrics, estimates, frontier, whole, preview),
        )
    )
    return made if evidence is None else _with_audit(made, scenario, table, trainings, evidence)


def _with_audit(
    made: Comparison,
    scenario: Scenario,
    table: Table,
    trainings: Mapping[str, TrainingRecord],
    evidence: Evidence,
) -> Comparison:
    metric = next(m for m in made.metrics if m.name == scenario.choice.metric)
    audit = build_audit(scenario, table, metric, made.decision.choice, trainings, evidence)
    return made.model_copy(update={"audit": Audit.model_validate(_round(audit.model_dump()))})


def _read_slice(
    scenario: Scenario, table: Table, slice: str, metrics: Sequence[MetricInfo]
) -> dict[str, Reading]:
    """Estimates, differences to the baseline and interactions of each metric in one slice."""
    variants, base, row = table.variants, scenario.baseline, table.variants.index
    others = [number for number, name in enumerate(variants) if name != base]
    squares = find_squares(scenario.variants)
    cells = [(row(s.base), row(s.retrieval), row(s.tuned), row(s.both)) for s in squares]
    batch: list[Rows] = []
    for metric in metrics:
        matrix = table.matrix(metric.name, slice)
        if matrix is None:
            continue
        support = support_of(metric, table.metrics[metric.name])
        batch.append(metric_rows(metric, matrix, support))
        batch.append(difference_rows(metric, matrix, support, others, row(base) if base in variants else 0))
        batch.append(interaction_rows(metric, matrix, support, cells))
    # The draws live as long as their slice: those of all slices at once would fill hundreds of megabytes.
    found = iter(estimate_all(batch, Resampler(scenario.seed, slice)))
    readings: dict[str, Reading] = {}
    for metric in metrics:
        nothing = no_estimate(f"no answer was scored by {metric.name}")
        values, gaps, effects = [nothing] * len(variants), [nothing] * len(others), [nothing] * len(squares)
        if metric.name in table.metrics:
            values, gaps, effects = next(found), next(found), next(found)
        if base not in variants:
            gaps = [no_estimate(f"the baseline {base} was not run")] * len(others)
        names = [variants[other] for other in others]
        readings[metric.name] = (
            _estimates(metric, slice, variants, values),
            _differences(metric, slice, base, names, gaps),
            _interactions(metric, slice, squares, effects),
        )
    return readings


def _estimates(
    metric: MetricInfo, slice: str, variants: Sequence[str], values: Sequence[Estimate]
) -> list[VariantEstimate]:
    return [
        VariantEstimate(variant=variant, metric=metric.name, slice=slice, estimate=estimate)
        for variant, estimate in zip(variants, values, strict=True)
    ]


def _differences(
    metric: MetricInfo, slice: str, base: str, others: Sequence[str], gaps: Sequence[Estimate]
) -> list[Difference]:
    return [
        Difference(
            variant=other, baseline=base, metric=metric.name, slice=slice, estimate=gap,
            verdict=verdict(gap, metric.higher_is_better),
        )
        for other, gap in zip(others, gaps, strict=True)
    ]  # fmt: skip


def _interactions(
    metric: MetricInfo, slice: str, squares: Sequence[Square], effects: Sequence[Estimate]
) -> list[Interaction]:
    return [
        Interaction(
            metric=metric.name, slice=slice, base=s.base, retrieval=s.retrieval, tuned=s.tuned, both=s.both,
            estimate=effect,
        )
        for s, effect in zip(squares, effects, strict=True)
    ]  # fmt: skip


def _overall(estimates: Sequence[VariantEstimate], metric: str) -> dict[str, Estimate]:
    return {e.variant: e.estimate for e in estimates if e.metric == metric and e.slice == "all"}


def _frontier(
    scenario: Scenario, metrics: Sequence[MetricInfo], estimates: Sequence[VariantEstimate], costs: Costs
) -> tuple[FrontierPoint, ...]:
    quality, latency = _overall(estimates, scenario.choice.metric), _overall(estimates, LATENCY)
    figures = {
        cost.variant: (
            quality[cost.variant].value,
            latency[cost.variant].value if latency else None,
            cost.per_1000.value,
        )
        for cost in costs.variants
    }
    upward = next(m.higher_is_better for m in metrics if m.name == scenario.choice.metric)
    return build_frontier(figures, upward)


def _decision(
    scenario: Scenario,
    table: Table,
    metrics: Sequence[MetricInfo],
    estimates: Sequence[VariantEstimate],
    frontier: Sequence[FrontierPoint],
    resampler: Resampler,
    preview: bool,
) -> Decision:
    metric = next(m for m in metrics if m.name == scenario.choice.metric)
    matrix = table.metrics.get(metric.name)
    if matrix is None:
        why = dict.fromkeys(table.variants, f"no answer was scored by {metric.name}")
        return Decision(
            choice=None, runner_up=None, probability_best={}, ruled_out=why, tied=(), lead=None,
            reason=f"No variant qualifies: no answer was scored by {metric.name}, which the choice rests on.",
        )  # fmt: skip
    contest = Contest(
        choice=scenario.choice,
        metric=metric,
        matrix=matrix,
        support=support_of(metric, matrix),
        quality=list(_overall(estimates, metric.name).values()),
        points=frontier,
        currency=scenario.economics.currency,
        preview=preview,
    )
    return decide(contest, resampler)


def _rounded(comparison: Comparison) -> Comparison:
    """Six significant digits, at the very end: the last bits differ between machines and mean nothing."""
    return Comparison.model_validate(_round(comparison.model_dump()))


def _round(node: Any) -> Any:
    if isinstance(node, float):
        return float(f"{node:.{DIGITS}g}")
    if isinstance(node, dict):
        return {key: _round(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return tuple(_round(value) for value in node)
    return node
