"""Scores in, one ``Comparison`` out: the whole stage on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

from harness.comparison.audit import build_audit
from harness.comparison.bootstrap import CONFIDENCE, Resampler
from harness.comparison.breakeven import break_evens
from harness.comparison.capacity import load_costs
from harness.comparison.cost import Bill, Costs, build_costs
from harness.comparison.decision import decide
from harness.comparison.differences import NOTHING, Evidence, Gap, weigh
from harness.comparison.differences import judged as with_verdicts
from harness.comparison.estimate import Rows, analytic_estimates, metric_rows, no_estimate, support_of
from harness.comparison.frontier import build_frontier, probability_dominated
from harness.comparison.model import LATENCY, Contest, build_model
from harness.comparison.paired import Square, difference_rows, find_squares, interaction_rows
from harness.comparison.seeds import Contrast, Seeds, read_seeds, seed_counts
from harness.comparison.table import Table, build_table, no_scores
from harness.comparison.utility import evaluate
from harness.comparison.variance import variance_parts
from harness.errors import InputError
from harness.protocols import Circumstances
from harness.types.answers import TrainingRecord, Usage
from harness.types.capacity import Capacity
from harness.types.data import Item
from harness.types.decision import DecisionModel
from harness.types.judged import JudgedMetric, Ranking
from harness.types.results import (
    Audit,
    Comparison,
    Estimate,
    FrontierPoint,
    Interaction,
    MetricInfo,
    Score,
    VarianceParts,
    VariantEstimate,
)
from harness.types.settings import Scenario

DIGITS = 6

Reading = tuple[list[VariantEstimate], list[Gap], list[Interaction]]


def build_comparison(
    scenario: Scenario,
    items: Sequence[Item],
    scores: Sequence[Score],
    metrics: Sequence[MetricInfo],
    trainings: Mapping[str, TrainingRecord],
    preview: bool,
    usage: Mapping[str, Usage] = MappingProxyType({}),
    circumstances: Circumstances | None = None,
    judged: Sequence[JudgedMetric] = (),
    rankings: Sequence[Ranking] = (),
) -> Comparison:
    """Compare ``scenario.variants`` on ``items``; ``trainings`` by adapter name, ``usage`` by variant.

    ``circumstances`` are what the comparability audit rests on; without it there is none. ``judged`` and
    ``rankings`` (``judged_metric``, ``rank_variants``) stand beside the rest and change none of it.

    Pure and deterministic: the same input in any order of items and scores gives the same bytes.
    """
    if scenario.choice.metric not in {metric.name for metric in metrics}:
        raise InputError(
            f"the choice rests on metric {scenario.choice.metric}, which is not among the metrics; add it "
            "under `metrics:` in scenario.yaml or name another under `choice:`"
        )
    variants = tuple(spec.name for spec in scenario.variants)
    table = build_table(variants, items, scores, scenario.slices)
    seeds = read_seeds(scenario, table, scores)
    read = {slice: _read_slice(scenario, table, slice, metrics, seeds) for slice in table.slices}
    # By metric, then slice, then variant: what belongs side by side in a report stands side by side.
    readings = [read[slice][metric.name] for metric in metrics for slice in table.slices]
    estimates = tuple(chain.from_iterable(reading[0] for reading in readings))
    whole = Resampler(scenario.seed, "all")
    contest = _contest(scenario, table, metrics, estimates)
    model = build_model(scenario, table, trainings, usage, contest)
    bill = Bill(scenario.economics, trainings, usage)
    costs = build_costs(table, scenario.variants, model, bill, whole)
    dominated = probability_dominated(contest, table, model, scenario.economics.ranges, whole)
    frontier = _frontier(scenario, metrics, estimates, costs, dominated)
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
            differences=with_verdicts(
                list(chain.from_iterable(reading[1] for reading in readings)), scenario
            ),
            variance=_variance(scenario, scores),
            interactions=tuple(chain.from_iterable(reading[2] for reading in readings)),
            costs=costs.variants,
            volumes=costs.volumes,
            break_even=break_evens(table, model, scenario.economics.ranges, whole),
            frontier=frontier,
            decision=decide(contest, table, model, scenario.economics, preview, whole),
            model=model,
            usage=dict(usage),
            load=load_costs(_capacities(model, usage), scenario.economics),
            evaluation=evaluate(model, model.terms),
            judged=tuple(judged),
            rankings=tuple(rankings),
        )
    )
    return made if circumstances is None else _with_audit(made, scenario, table, trainings, circumstances)


def _variance(scenario: Scenario, scores: Sequence[Score]) -> tuple[VarianceParts, ...]:
    variants = [v.name for v in scenario.variants]
    sampled = [v.name for v in scenario.variants if (v.decoding or scenario.decoding).temperature]
    return variance_parts(variants, seed_counts(scenario), sampled, scenario.choice.metric, scores)


def _capacities(model: DecisionModel, usage: Mapping[str, Usage]) -> list[tuple[str, Capacity, float | None]]:
    """Of the variants that were put under load, with their success rate."""
    return [
        (v.variant, found, v.success_rate)
        for v in model.variants
        if (used := usage.get(v.variant)) and (found := used.capacity)
    ]


def _with_audit(
    made: Comparison,
    scenario: Scenario,
    table: Table,
    trainings: Mapping[str, TrainingRecord],
    circumstances: Circumstances,
) -> Comparison:
    metric = next(m for m in made.metrics if m.name == scenario.choice.metric)
    audit = build_audit(scenario, table, metric, made.decision.choice, trainings, circumstances)
    return made.model_copy(update={"audit": Audit.model_validate(_round(audit.model_dump()))})


def _read_slice(
    scenario: Scenario, table: Table, slice: str, metrics: Sequence[MetricInfo], seeds: Seeds
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
    made_of: list[list[Contrast]] = [
        [{k: 1.0} for k in range(len(variants))],
        [{k: 1.0, row(base): -1.0} for k in others] if base in variants else [{k: 1.0} for k in others],
        [dict(zip(cell, (1.0, -1.0, -1.0, 1.0), strict=True)) for cell in cells],
    ]
    scored = [m.name for m in metrics if m.name in table.metrics for _ in made_of]
    found = iter(
        seeds.widen(name, table.slices[slice], rows, contrasts, analytic_estimates(rows))
        for name, rows, contrasts in zip(scored, batch, made_of * len(metrics), strict=False)
    )
    pairs = iter(batch[1::3])
    readings: dict[str, Reading] = {}
    for metric in metrics:
        nothing = no_estimate(f"no answer was scored by {metric.name}")
        values, gaps, effects = [nothing] * len(variants), [nothing] * len(others), [nothing] * len(squares)
        evidence = [NOTHING] * len(others)
        if metric.name in table.metrics:
            values, gaps, effects = next(found), next(found), next(found)
            evidence = weigh(next(pairs), gaps)
        if base not in variants:
            gaps = [no_estimate(f"the baseline {base} was not run")] * len(others)
            evidence = [NOTHING] * len(others)
        names = [variants[other] for other in others]
        readings[metric.name] = (
            _estimates(metric, slice, variants, values),
            _gaps(metric, slice, names, gaps, evidence),
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


def _gaps(
    metric: MetricInfo,
    slice: str,
    others: Sequence[str],
    gaps: Sequence[Estimate],
    evidence: Sequence[Evidence],
) -> list[Gap]:
    return [
        Gap(variant=other, metric=metric, slice=slice, estimate=gap, evidence=seen)
        for other, gap, seen in zip(others, gaps, evidence, strict=True)
    ]


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
    scenario: Scenario,
    metrics: Sequence[MetricInfo],
    estimates: Sequence[VariantEstimate],
    costs: Costs,
    dominated: Mapping[str, float],
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
    return build_frontier(figures, upward, dominated)


def _contest(
    scenario: Scenario, table: Table, metrics: Sequence[MetricInfo], estimates: Sequence[VariantEstimate]
) -> Contest:
    metric = next(m for m in metrics if m.name == scenario.choice.metric)
    matrix = table.metrics.get(metric.name) or no_scores(table)
    latency = _overall(estimates, LATENCY)
    return Contest(
        choice=scenario.choice,
        metric=metric,
        matrix=matrix,
        support=support_of(metric, matrix),
        quality=list(_overall(estimates, metric.name).values()),
        latency=[latency[name].value if name in latency else None for name in table.variants],
    )


def _rounded(comparison: Comparison) -> Comparison:
    """Six significant digits, at the very end: the last bits differ between machines and mean nothing.

    What went in stays as it was, and the evaluation is that of the rounded model, which the report holds.
    """
    data = _round(comparison.model_dump(exclude={"evaluation": True, "usage": True, "model": {"terms"}}))
    model = DecisionModel.model_validate(data["model"] | {"terms": comparison.model.terms})
    kept = {"usage": comparison.usage, "model": model, "evaluation": evaluate(model, model.terms)}
    return Comparison.model_validate(data | kept)


def _round(node: Any) -> Any:
    if isinstance(node, float):
        return float(f"{node:.{DIGITS}g}")
    if isinstance(node, dict):
        return {key: _round(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return tuple(_round(value) for value in node)
    return node
