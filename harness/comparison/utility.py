"""The arithmetic of the decision at any terms: plain closed forms, the same in the report's sliders.

For variant v with machine seconds m, other money a request o, training hours t, other money once e, money a
month f, success rate s, harm rate h, and terms volume V, serving price P and training price Q an hour,
utilisation u, retraining every M months, value of a success A, cost of a harm H:
(s', h' and quality' are ``expected_success``, ``expected_harm`` and ``expected_quality``)

    serving a request    c = m / 3600 * P / u + o
      measured under load  c = max(1, ceil(V / r)) * h * P / V + o   for r requests a month and replica and the h
                                                                     hours of a month
    once                 T = t * Q + e
    fixed a month        F = T / M + f
    a month              B = V * c + F
    1,000 requests       1000 * B / V
    1,000 successes      1000 * B / V / s                    (None where s is 0 or unknown)
    utility, money       V * (s' * A - h' * H) - B           (h' * H is 0 where H is 0)
    utility, weights     sum(w * clip((x - worst) / (best - worst), 0, 1)) / sum(w)
                         over x = quality', latency, cost of 1,000 requests, where a weight is stated
    break-even of a, b   V = (F_a / s_a - F_b / s_b) / (c_b / s_b - c_a / s_a)

A variant qualifies unless ``ruled_out`` says otherwise or 1,000 requests cost more than the limit (an unknown
cost cannot be shown to keep one). The ranking is by utility, highest first; without a utility the variants
that are not clearly worse than the best in quality come first, by cost, then the others by quality. Ties go
to the lower cost, then to the order of the model. What is unknown comes last.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import ceil, inf

from harness.figures import money
from harness.types.decision import (
    BreakEven,
    DecisionModel,
    DecisionTerms,
    Evaluation,
    Outcome,
    VariantTerms,
)
from harness.types.economics import Swing

HOURS_A_MONTH = 730.5
EXACT = 1e-9
"""Of a replica: less than the last bits of a volume that is just carried."""


def evaluate(model: DecisionModel, terms: DecisionTerms) -> Evaluation:
    """Costs, utilities, ranking and break-even volumes of all variants at ``terms``."""
    outcomes, ranking, tied = rank(model, terms)
    return Evaluation(
        outcomes=outcomes,
        ranking=ranking,
        tied=tied,
        recommended=ranking[0] if ranking else None,
        break_even=tuple(break_even(a, b, terms) for a, b in combinations(model.variants, 2)),
    )


def rank(
    model: DecisionModel, terms: DecisionTerms
) -> tuple[tuple[Outcome, ...], tuple[str, ...], tuple[str, ...]]:
    """Outcomes in the model's order, the qualifying variants best first, and those tied with the best."""
    outcomes = tuple(outcome(v, terms, model.currency) for v in model.variants)
    allowed = [k for k, found in enumerate(outcomes) if found.ruled_out is None]
    if not allowed:
        return outcomes, (), ()
    sign = -1.0 if model.higher_is_better else 1.0
    quality = [inf if v.quality is None else sign * v.quality for v in model.variants]
    price = [inf if o.per_1000 is None else o.per_1000 for o in outcomes]
    by_quality = sorted(allowed, key=lambda k: (quality[k], price[k], k))
    best = model.variants[by_quality[0]].variant
    tied = [k for k in by_quality if best not in model.variants[k].worse_than]
    if any(outcomes[k].utility is not None for k in allowed):
        worth = [-inf if o.utility is None else o.utility for o in outcomes]
        ranking = sorted(allowed, key=lambda k: (-worth[k], price[k], k))
    else:
        rest = [k for k in by_quality if k not in tied]
        ranking = sorted(tied, key=lambda k: (price[k], by_quality.index(k))) + rest

    def names(rows: Sequence[int]) -> tuple[str, ...]:
        return tuple(model.variants[k].variant for k in rows)

    return outcomes, names(ranking), names(tied)


def outcome(v: VariantTerms, terms: DecisionTerms, currency: str) -> Outcome:
    serving = serving_cost(v, terms)
    month = None if serving is None else terms.monthly_requests * serving + fixed_cost(v, terms)
    per_1000 = None if month is None else 1000 * month / terms.monthly_requests
    return Outcome(
        variant=v.variant,
        per_1000=per_1000,
        per_1000_successes=per_1000 / v.success_rate if per_1000 is not None and v.success_rate else None,
        per_month=month,
        utility=_utility(v, terms, month, per_1000),
        ruled_out=v.ruled_out or _over_limit(per_1000, terms.max_cost_per_1000, currency),
    )


def serving_cost(v: VariantTerms, terms: DecisionTerms) -> float | None:
    """Money of one request; None where its machine time is unknown."""
    if v.machine_s is None:
        return None
    if v.monthly_per_replica is not None:
        replicas = max(1, ceil(terms.monthly_requests / v.monthly_per_replica - EXACT))
        return (
            replicas * HOURS_A_MONTH * terms.serving_price_per_hour / terms.monthly_requests
            + v.other_per_request
        )
    return v.machine_s / 3600 * terms.serving_price_per_hour / terms.utilisation + v.other_per_request


def training_cost(v: VariantTerms, terms: DecisionTerms) -> float:
    """Money of one training with all that is paid along with it."""
    return v.training_hours * terms.training_price_per_hour + v.other_once


def fixed_cost(v: VariantTerms, terms: DecisionTerms) -> float:
    """Money a month that does not depend on the volume."""
    return training_cost(v, terms) / terms.retraining_months + v.per_month


def _over_limit(per_1000: float | None, limit: float | None, currency: str) -> str | None:
    if limit is None:
        return None
    said = f"the limit of {money(limit, currency, 6)} per 1,000 requests"
    if per_1000 is None:
        return f"its cost is unknown, so {said} cannot be checked"
    return f"costs {money(per_1000, currency)}, above {said}" if per_1000 > limit else None


def _utility(
    v: VariantTerms, terms: DecisionTerms, month: float | None, per_1000: float | None
) -> float | None:
    if terms.value_of_success is not None:
        unmeasured = terms.cost_of_harm > 0 and v.expected_harm is None
        if v.expected_success is None or month is None or unmeasured:
            return None
        harm = (v.expected_harm or 0.0) * terms.cost_of_harm
        return terms.monthly_requests * (v.expected_success * terms.value_of_success - harm) - month
    if terms.weights is None:
        return None
    stated = terms.weights
    pairs = ((stated.quality, v.expected_quality), (stated.latency, v.latency_s), (stated.cost, per_1000))
    total = score = 0.0
    for swing, figure in pairs:
        if swing is None:
            continue
        if figure is None:
            return None
        total += swing.weight
        score += swing.weight * _scored(swing, figure)
    return score / total


def _scored(swing: Swing, figure: float) -> float:
    return min(max((figure - swing.worst) / (swing.best - swing.worst), 0.0), 1.0)


def break_even(a: VariantTerms, b: VariantTerms, terms: DecisionTerms) -> BreakEven:
    """Monthly volume at which a success costs the same; two such curves cross at most once."""
    serving = serving_cost(a, terms), serving_cost(b, terms)
    for v, each in zip((a, b), serving, strict=True):
        if each is None or not v.success_rate:
            lack = "cost is unknown" if each is None else "successes are none or unknown"
            return _never(a, b, f"not defined: the {lack} for {v.variant}")
    for v in (a, b):
        if v.monthly_per_replica is not None:
            return _never(
                a, b, f"not one volume: {v.variant} is served by whole replicas, see cost under load"
            )
    (slope_a, fixed_a), (slope_b, fixed_b) = _line(a, terms), _line(b, terms)
    # First the one that is cheaper in the long run; at equal serving cost, the one with less to pay up front.
    if (slope_b, fixed_b) < (slope_a, fixed_a):
        (a, slope_a, fixed_a), (b, slope_b, fixed_b) = (b, slope_b, fixed_b), (a, slope_a, fixed_a)
    low, high = terms.volume_range
    if (slope_a, fixed_a) == (slope_b, fixed_b):
        return _never(a, b, "never in range: both cost the same at every volume")
    if fixed_a <= fixed_b:
        return _never(a, b, f"never in range: {a.variant} is cheaper at every volume")
    crossing = (fixed_a - fixed_b) / (slope_b - slope_a) if slope_b > slope_a else inf
    if crossing < low:
        return _never(a, b, f"never in range: {a.variant} is cheaper from {low:,.0f} requests a month on")
    if crossing > high:
        where = f"up to {high:,.0f} requests a month {b.variant} is cheaper"
        return _never(a, b, f"never in range: {where}")
    return BreakEven(cheaper_above=a.variant, other=b.variant, monthly_requests=crossing)


def _line(v: VariantTerms, terms: DecisionTerms) -> tuple[float, float]:
    """Per success: serving, and what a month costs at any volume."""
    serving = serving_cost(v, terms)
    assert serving is not None
    assert v.success_rate
    return serving / v.success_rate, fixed_cost(v, terms) / v.success_rate


def _never(a: VariantTerms, b: VariantTerms, reason: str) -> BreakEven:
    return BreakEven(cheaper_above=a.variant, other=b.variant, monthly_requests=None, reason=reason)
