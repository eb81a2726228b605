"""What a variant costs at the scenario's volume, what a success costs, and where two variants break even.

Serving comes from the scores of metric ``cost`` (money per request, one per item); training is paid once per
retraining interval and spread over the requests of that interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from harness.comparison.bootstrap import Resampler, cluster_sums, compact, percentile_interval
from harness.comparison.capacity import cost_at, mean_rate
from harness.comparison.draws import bootstrap_draws, fixed_draws, generator, price_draws
from harness.comparison.estimate import FEW, MIN_CLUSTERS, Rows, analytic_estimates, no_estimate
from harness.comparison.intervals import ratio_from_bounds
from harness.comparison.ledger import ledger
from harness.comparison.model import COST, SUCCESS, loaded_seconds, machine_seconds, training_of
from harness.comparison.table import Floats, Table
from harness.comparison.utility import fixed_cost, outcome, training_cost
from harness.types.answers import TrainingRecord, Usage
from harness.types.capacity import Capacity
from harness.types.decision import DecisionModel, DecisionTerms
from harness.types.economics import Economics, Ranges
from harness.types.results import Estimate, VariantCost
from harness.types.settings import VariantSpec

CURVE_POINTS = 41
RATIO_BOOTSTRAP = "ratio, cluster bootstrap"


@dataclass(frozen=True)
class Costs:
    variants: tuple[VariantCost, ...]
    volumes: tuple[float, ...]


@dataclass(frozen=True)
class Bill:
    """What costs rest on besides the scores."""

    economics: Economics
    trainings: Mapping[str, TrainingRecord]
    """By adapter."""
    usage: Mapping[str, Usage]
    """By variant; one that is not there has a ledger without tokens and retries."""


def build_costs(
    table: Table, specs: Sequence[VariantSpec], model: DecisionModel, bill: Bill, resampler: Resampler
) -> Costs:
    """Costs of all variants in the order of ``specs``, which is that of the model and of the table's rows."""
    volumes = tuple(float(v) for v in np.geomspace(*model.terms.volume_range, CURVE_POINTS))
    costs = [
        _variant_cost(table, row, spec, model, bill, volumes, resampler) for row, spec in enumerate(specs)
    ]
    if bill.economics.ranges != Ranges():
        ranges = bill.economics.ranges
        costs = [_with_ranges(cost, table, row, model, ranges, resampler) for row, cost in enumerate(costs)]
    return Costs(tuple(costs), volumes)


def _variant_cost(
    table: Table,
    row: int,
    spec: VariantSpec,
    model: DecisionModel,
    bill: Bill,
    volumes: tuple[float, ...],
    resampler: Resampler,
) -> VariantCost:
    v, terms = model.variants[row], model.terms
    money = _rows(table, COST, row, "no request was costed")
    if spec.weights.startswith("precomputed:"):
        money = replace(money, why_empty=("the answers were made elsewhere, so their cost is unknown",))
    money = replace(money, values=money.values * _measured_by_assumed(table, row, spec, bill))
    wins = _rows(table, SUCCESS, row, f"no item has a value of {SUCCESS}")
    serving = analytic_estimates(replace(money, values=money.values * 1000))[0]
    usage = bill.usage.get(v.variant)
    if serving.value is not None and v.monthly_per_replica and usage and usage.capacity:
        serving = _of_replicas(usage.capacity, usage.attempts, terms, serving)
    success = analytic_estimates(wins)[0]
    share = fixed_cost(v, terms) / terms.monthly_requests
    at = [terms.model_copy(update={"monthly_requests": volume}) for volume in volumes]
    return VariantCost(
        variant=v.variant,
        serving_per_1000=serving,
        training_once=training_cost(v, terms),
        per_1000=_shift(serving, 1000 * share),
        per_1000_successes=cost_per_success(money, wins, serving, success, share, resampler),
        curve=tuple(outcome(v, there, model.currency).per_1000_successes for there in at),
        ledger=ledger(v, terms, bill.economics, usage, training_of(spec, bill.trainings)),
    )


def _of_replicas(found: Capacity, attempts: float, terms: DecisionTerms, scored: Estimate) -> Estimate:
    """Serving 1,000 requests with whole replicas; the interval is that of the rate which one sustains."""
    rate = mean_rate(terms.monthly_requests) * attempts
    cost = cost_at(rate, found, terms.serving_price_per_hour, None)
    assert cost is not None
    return scored.model_copy(
        update={
            "value": cost.per_1000 * attempts,
            "low": cost.low * attempts,
            "high": None if cost.high is None else cost.high * attempts,
            "method": "whole replicas at the rate sustained under load",
            "reason": found.reason,
        }
    )


def _measured_by_assumed(table: Table, row: int, spec: VariantSpec, bill: Bill) -> float:
    """What the money of a request, as scored, is to be multiplied by where the variant was put under load."""
    usage = bill.usage.get(spec.name)
    paid = loaded_seconds(spec, bill.economics, usage)
    assumed = machine_seconds(table, row, spec, bill.economics, None)
    return paid * bill.economics.utilisation / assumed if paid is not None and assumed else 1.0


def _with_ranges(
    cost: VariantCost, table: Table, row: int, model: DecisionModel, ranges: Ranges, resampler: Resampler
) -> VariantCost:
    """The same with intervals over joint draws of items and of the figures that are declared uncertain."""
    v = model.variants[row]
    if v.machine_s is None or v.monthly_per_replica is not None:
        return cost
    prices = price_draws(model, ranges, resampler.resamples, generator(resampler, "cost"))
    relative, success = bootstrap_draws(table, [row], resampler)
    serving = relative[0] * (v.machine_s * prices.machine_second + v.other_per_request)
    total = serving + fixed_draws(model, [row], prices)[0] / model.terms.monthly_requests
    found = {"serving_per_1000": serving, "per_1000": total}
    if cost.per_1000_successes.method == RATIO_BOOTSTRAP:  # rare successes keep the interval that bears them
        with np.errstate(divide="ignore"):
            found["per_1000_successes"] = total / success[0]
    return cost.model_copy(update={name: _over(getattr(cost, name), 1000 * d) for name, d in found.items()})


def _over(estimate: Estimate, draws: Floats) -> Estimate:
    low, high = percentile_interval(draws, max(estimate.n_clusters, 2))
    known = {"low": low, "high": high if isfinite(high) else None, "reason": None}
    return estimate.model_copy(update=known | {"method": "Monte Carlo over items and declared ranges"})


def _rows(table: Table, metric: str, row: int, lack: str) -> Rows:
    matrix = table.metrics.get(metric)
    n_items = len(table.items)
    return Rows(
        values=np.full((1, n_items), np.nan) if matrix is None else matrix.values[[row]],
        cluster=np.arange(n_items) if matrix is None else matrix.cluster,
        n_missing=(0 if matrix is None else int(matrix.missing[row].sum()),),
        why_empty=(lack if matrix is None else matrix.why_empty(row),),
        statistic="mean",
        support="unit" if metric == SUCCESS else "unbounded",
    )


def _shift(estimate: Estimate, by: float) -> Estimate:
    """Training is a known amount: it moves the interval and does not widen it."""

    def moved(number: float | None) -> float | None:
        return None if number is None else number + by

    moved_to = {field: moved(getattr(estimate, field)) for field in ("value", "low", "high")}
    return estimate.model_copy(update=moved_to)


def cost_per_success(
    money: Rows, wins: Rows, serving: Estimate, success: Estimate, share: float, resampler: Resampler
) -> Estimate:
    """Money for 1,000 successes: (mean cost + training share) / success rate.

    ``money`` and ``wins`` are one row each on the same items, ``serving`` (per 1,000) and ``success`` their
    estimates, ``share`` the training money that each request carries.
    """
    if serving.value is None or success.value is None:
        unknown = serving if serving.value is None else success
        return no_estimate(unknown.reason or "unknown", unknown.n_missing)
    if success.value <= 0:
        return no_estimate("no successes, so the cost of one has no upper bound", success.n_missing)
    known = success.model_copy(update={
        "value": (serving.value + 1000 * share) / success.value, "low": None, "high": None, "method": "ratio",
    })  # fmt: skip
    bounds = _resampled_bounds(money, wins, share, resampler)
    method = RATIO_BOOTSTRAP
    if bounds is None:
        spent = _shift(serving, 1000 * share)
        if spent.value is None or spent.low is None or spent.high is None:
            return known.model_copy(update={"reason": serving.reason})
        if success.low is None or success.high is None:
            return known.model_copy(update={"reason": success.reason})
        below = (success.value, success.low, success.high)
        bounds = ratio_from_bounds((spent.value, spent.low, spent.high), below)
        method = "ratio, MOVER-R of both intervals"
    low, high = bounds
    if not isfinite(high):
        reason = "successes are so rare that the cost of one has no upper bound"
        return known.model_copy(update={"low": low, "method": method, "reason": reason})
    return known.model_copy(update={"low": low, "high": high, "method": method})


def _resampled_bounds(
    money: Rows, wins: Rows, share: float, resampler: Resampler
) -> tuple[float, float] | None:
    """Joint cluster bootstrap of the ratio, because hard questions are often long ones too.

    None where few clusters hold a success or a failure: resamples then miss what few there are.
    """
    stacked = np.concatenate([money.values, wins.values])
    present = ~np.isnan(stacked)
    used = present.any(axis=0)
    cluster, width = compact(money.cluster[used])
    totals = cluster_sums(stacked[:, used], cluster, width)
    sizes = cluster_sums(present[:, used].astype(np.float64), cluster, width)
    clusters = int((sizes[1] > 0).sum())
    events = min(int((totals[1] > 0).sum()), int((totals[1] < sizes[1]).sum()))
    if clusters < MIN_CLUSTERS or int((sizes[0] > 0).sum()) < MIN_CLUSTERS or events < min(FEW, clusters):
        return None
    draws = resampler.ratios(totals, sizes)
    with np.errstate(divide="ignore"):
        return percentile_interval(1000 * (draws[0] + share) / draws[1], clusters)
