"""What a variant costs at the scenario's volume, what a success costs, and where two variants break even.

Serving comes from the scores of metric ``cost`` (money per request, one per item); training is paid once per
retraining interval and spread over the requests of that interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import isfinite

import numpy as np

from harness.comparison.bootstrap import Resampler, cluster_sums, compact, percentile_interval
from harness.comparison.estimate import FEW, MIN_CLUSTERS, Rows, analytic_estimates, no_estimate
from harness.comparison.intervals import ratio_from_bounds
from harness.comparison.table import Table
from harness.errors import HarnessError
from harness.types.answers import TrainingRecord
from harness.types.results import BreakEven, Estimate, VariantCost
from harness.types.settings import Economics, VariantSpec

COST = "cost"
SUCCESS = "success"
CURVE_POINTS = 41


@dataclass(frozen=True)
class Price:
    """The point values that curves and break-even points are drawn from."""

    variant: str
    per_request: float | None
    training_once: float
    success_rate: float | None


@dataclass(frozen=True)
class Costs:
    variants: tuple[VariantCost, ...]
    volumes: tuple[float, ...]
    break_even: tuple[BreakEven, ...]


def build_costs(
    table: Table,
    specs: Sequence[VariantSpec],
    trainings: Mapping[str, TrainingRecord],
    economics: Economics,
    resampler: Resampler,
) -> Costs:
    """Costs of all variants in the order of ``specs``, which is the order of the table's rows."""
    low, high = volume_range(economics)
    volumes = tuple(float(v) for v in np.geomspace(low, high, CURVE_POINTS))
    costs, prices = [], []
    for row, spec in enumerate(specs):
        once = training_cost(spec, trainings, economics)
        cost, price = _variant_cost(table, row, spec, once, economics, volumes, resampler)
        costs.append(cost)
        prices.append(price)
    pairs = tuple(break_even(a, b, economics) for a, b in combinations(prices, 2))
    return Costs(tuple(costs), volumes, pairs)


def volume_range(economics: Economics) -> tuple[float, float]:
    low, high = economics.volume_range
    return float(max(1, low)), float(max(1, low, high))


def training_cost(spec: VariantSpec, trainings: Mapping[str, TrainingRecord], economics: Economics) -> float:
    """Money for one training: machine time and the labelled examples. 0 for a variant without an adapter."""
    if not spec.weights.startswith("adapter:"):
        return 0.0
    name = spec.weights.removeprefix("adapter:")
    record = trainings.get(name)
    if record is None:
        raise HarnessError(
            f"variant {spec.name} uses adapter {name}, of which there is no training record, so its cost is "
            "unknown; train it again with --fresh"
        )
    machine = record.seconds / 3600 * economics.training.price_per_hour
    return machine + record.examples * economics.example_price


def _variant_cost(
    table: Table,
    row: int,
    spec: VariantSpec,
    once: float,
    economics: Economics,
    volumes: tuple[float, ...],
    resampler: Resampler,
) -> tuple[VariantCost, Price]:
    money = _rows(table, COST, row, "no request was costed")
    if spec.weights.startswith("precomputed:"):
        money = replace(money, why_empty=("the answers were made elsewhere, so their cost is unknown",))
    wins = _rows(table, SUCCESS, row, f"no item has a value of {SUCCESS}")
    serving = analytic_estimates(replace(money, values=money.values * 1000))[0]
    success = analytic_estimates(wins)[0]
    share = once / (economics.monthly_requests * economics.retraining_months)
    price = Price(spec.name, None if serving.value is None else serving.value / 1000, once, success.value)
    record = VariantCost(
        variant=spec.name,
        serving_per_1000=serving,
        training_once=once,
        per_1000=_shift(serving, 1000 * share),
        per_1000_successes=cost_per_success(money, wins, serving, success, share, resampler),
        curve=tuple(_success_cost(price, volume, economics) for volume in volumes),
    )
    return record, price


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
    method = "ratio, cluster bootstrap"
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


def _success_cost(price: Price, volume: float, economics: Economics) -> float | None:
    if price.per_request is None or not price.success_rate:
        return None
    training = price.training_once / (volume * economics.retraining_months)
    return 1000 * (price.per_request + training) / price.success_rate


def break_even(a: Price, b: Price, economics: Economics) -> BreakEven:
    """Monthly volume at which a success costs the same, in closed form.

    Per success a variant costs s/p + T/(p m V): s serving per request, p success rate, T one training, m
    months between trainings, V requests a month. Two such curves cross at most once.
    """
    for price in (a, b):
        if price.per_request is None or not price.success_rate:
            lack = "cost is unknown" if price.per_request is None else "successes are none or unknown"
            return BreakEven(
                cheaper_above=a.variant, other=b.variant, monthly_requests=None,
                reason=f"not defined: the {lack} for {price.variant}",
            )  # fmt: skip

    def slope_and_fixed(price: Price) -> tuple[float, float]:
        assert price.per_request is not None
        assert price.success_rate
        fixed = price.training_once / (price.success_rate * economics.retraining_months)
        return price.per_request / price.success_rate, fixed

    (s_a, t_a), (s_b, t_b) = slope_and_fixed(a), slope_and_fixed(b)
    # First the one that is cheaper in the long run; at equal serving cost, the one with less training.
    if (s_b, t_b) < (s_a, t_a):
        (a, s_a, t_a), (b, s_b, t_b) = (b, s_b, t_b), (a, s_a, t_a)
    low, high = volume_range(economics)
    if (s_a, t_a) == (s_b, t_b):
        return _never(a, b, "never in range: both cost the same at every volume")
    if t_a <= t_b:
        return _never(a, b, f"never in range: {a.variant} is cheaper at every volume")
    crossing = (t_a - t_b) / (s_b - s_a) if s_b > s_a else float("inf")
    if crossing < low:
        return _never(a, b, f"never in range: {a.variant} is cheaper from {low:,.0f} requests a month on")
    if crossing > high:
        where = f"up to {high:,.0f} requests a month {b.variant} is cheaper"
        return _never(a, b, f"never in range: {where}")
    return BreakEven(cheaper_above=a.variant, other=b.variant, monthly_requests=crossing)


def _never(a: Price, b: Price, reason: str) -> BreakEven:
    return BreakEven(cheaper_above=a.variant, other=b.variant, monthly_requests=None, reason=reason)
