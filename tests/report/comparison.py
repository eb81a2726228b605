"""The comparison of the synthetic run: costs, break-even volumes, frontier and decision."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from harness.comparison.utility import evaluate
from harness.types.data import Item
from harness.types.decision import (
    BreakEven,
    DecisionModel,
    DecisionTerms,
    MoreData,
    Sweep,
    VariantTerms,
    VariantWorth,
    Worth,
)
from harness.types.results import (
    Comparison,
    Decision,
    Estimate,
    FrontierPoint,
    Interaction,
    LedgerLine,
    Score,
    VariantCost,
)

from .figures import METRICS, STRENGTHS, make_differences, make_estimates, missing


def _costs(success: dict[str, float], volumes: Sequence[float]) -> list[VariantCost]:
    found = []
    for name, (_, _, seconds, training) in STRENGTHS.items():
        if not seconds:
            none = missing("precomputed: its cost is not known")
            found.append(
                VariantCost(
                    variant=name,
                    serving_per_1000=none,
                    training_once=0.0,
                    per_1000=none,
                    per_1000_successes=none,
                    curve=tuple(None for _ in volumes),
                    ledger=(),
                )
            )
            continue
        serving, trained = seconds * 0.055, training * 40
        total = serving + trained / 3 / 20
        curve = tuple((serving + trained / 3 / (v / 1000)) / success[name] for v in volumes)
        found.append(
            VariantCost(
                variant=name,
                serving_per_1000=_around(serving),
                training_once=trained,
                per_1000=_around(total),
                per_1000_successes=_around(total / success[name]),
                curve=curve,
                ledger=_ledger(serving, trained),
            )
        )
    return found


def _ledger(serving: float, trained: float) -> tuple[LedgerLine, ...]:
    """At 20,000 requests a month, trained every three."""
    lines = [
        LedgerLine(
            what="Serving",
            paid="each request",
            quantity=serving / 1000 / 0.096,
            unit="machine hours",
            unit_price=0.096,
            amount=serving / 1000,
            per_month=serving * 20,
            source="measured; list price, 2026-11-01",
        )
    ]
    if trained:
        lines.append(
            LedgerLine(
                what="Training",
                paid="each training",
                quantity=trained / 0.096,
                unit="machine hours",
                unit_price=0.096,
                amount=trained,
                per_month=trained / 3,
                source="measured; list price, 2026-11-01",
            )
        )
    return tuple(lines)


def _around(value: float) -> Estimate:
    return Estimate(
        value=value,
        low=value * 0.93,
        high=value * 1.08,
        n=240,
        n_missing=0,
        n_clusters=200,
        method="mean, bootstrap",
    )


def dominated(name: str, success: dict[str, float], costs: dict[str, VariantCost]) -> tuple[str, ...]:
    def point(v: str) -> tuple[float, ...]:
        cost = costs[v].per_1000.value
        return (-success[v], STRENGTHS[v][2] or 9.0, 9.0 if cost is None else cost)

    others = [v for v in STRENGTHS if v != name and point(v) != point(name)]
    return tuple(v for v in others if all(a <= b for a, b in zip(point(v), point(name), strict=True)))


def break_evens(costs: Sequence[VariantCost], volumes: Sequence[float]) -> list[BreakEven]:
    """Where two curves cross, to the nearest drawn volume."""
    found = []
    for k, one in enumerate(costs):
        for other in costs[k + 1 :]:
            pairs = [(x - y, v) for x, y, v in zip(one.curve, other.curve, volumes, strict=True) if x and y]
            turns = [v for (d, _), (e, v) in pairwise(pairs) if d * e < 0]
            above = one if pairs and pairs[-1][0] < 0 else other
            below = other if above is one else one
            found.append(
                BreakEven(
                    cheaper_above=above.variant,
                    other=below.variant,
                    monthly_requests=turns[0] if turns else None,
                    reason=None
                    if turns
                    else "one costs less at every volume drawn"
                    if pairs
                    else "a cost is not known",
                )
            )
    return found


def make_model(success: dict[str, float]) -> DecisionModel:
    """What the costs above come from: a machine at 0.096 an hour, busy half of the time."""
    return DecisionModel(
        currency="USD",
        quality_metric="success",
        higher_is_better=True,
        variants=tuple(
            VariantTerms(
                variant=name,
                quality=success[name],
                success_rate=success[name],
                harm_rate=(1 - success[name]) / 4,
                expected_quality=success[name],
                expected_success=success[name],
                expected_harm=(1 - success[name]) / 4,
                machine_s=seconds * 1.03125 if seconds else None,
                other_per_request=0.0,
                training_hours=training * 40 / 0.096,
                other_once=0.0,
                per_month=0.0,
                latency_s=seconds or None,
                ruled_out=None if seconds else "its cost and latency are not known",
                worse_than=() if name == "raft" else ("raft",),
            )
            for name, (_, _, seconds, training) in STRENGTHS.items()
        ),
        terms=DecisionTerms(
            monthly_requests=20_000,
            serving_price_per_hour=0.096,
            training_price_per_hour=0.096,
            utilisation=0.5,
            retraining_months=3,
            value_of_success=None,
            cost_of_harm=0.0,
            weights=None,
            max_cost_per_1000=None,
            volume_range=(100, 10_000_000),
        ),
    )


def make_comparison(
    items: Sequence[Item], scores: Sequence[Score], rng: random.Random, preview: bool
) -> Comparison:
    n_items = len(items)
    estimates = make_estimates(items, scores, rng)
    success = {
        e.variant: e.estimate.value or 0.01 for e in estimates if e.metric == "success" and e.slice == "all"
    }
    volumes = tuple(100 * 10 ** (i / 5) for i in range(26))
    costs = _costs(success, volumes)
    of = {c.variant: c for c in costs}
    interaction = Estimate(
        value=-0.31,
        low=-0.41,
        high=-0.2,
        n=n_items,
        n_missing=0,
        n_clusters=n_items // 2,
        method="cluster bootstrap",
    )
    return Comparison(
        scenario="help-desk",
        preview=preview,
        baseline="prompt",
        variants=tuple(STRENGTHS),
        n_items=n_items,
        n_clusters=n_items // 2,
        seed=0,
        confidence=0.95,
        currency="USD",
        metrics=METRICS,
        estimates=tuple(estimates),
        differences=tuple(make_differences(estimates)),
        interactions=tuple(
            Interaction(
                metric="success",
                slice=place,
                base="prompt",
                retrieval="rag",
                tuned="lora",
                both="lora-rag",
                estimate=interaction,
            )
            for place in ("all", "knowledge=trained")
        ),
        costs=tuple(costs),
        volumes=volumes,
        break_even=tuple(break_evens(costs, volumes)),
        frontier=tuple(
            FrontierPoint(
                variant=n,
                quality=success[n],
                latency_s=STRENGTHS[n][2] or None,
                cost_per_1000=of[n].per_1000.value,
                dominated_by=dominated(n, success, of),
                probability_dominated=1.0 if dominated(n, success, of) else 0.1,
            )
            for n in STRENGTHS
        ),
        decision=Decision(
            choice="raft",
            runner_up="lora-rag",
            probability_best={
                "prompt": 0.0,
                "few-shot": 0.0,
                "rag": 0.0,
                "lora": 0.0,
                "lora-rag": 0.02,
                "raft": 0.98,
            },
            ruled_out={"vendor": "its cost and latency are not known"},
            tied=("raft",),
            lead=Estimate(
                value=0.088,
                low=0.029,
                high=0.146,
                n=n_items,
                n_missing=0,
                n_clusters=n_items // 2,
                method="paired mean, cluster bootstrap",
            ),
            worth=Worth(
                unit="quality",
                variants=tuple(
                    VariantWorth(
                        variant=name,
                        value=success[name],
                        low=success[name] - 0.05,
                        high=success[name] + 0.05,
                        regret=success["raft"] - success[name],
                    )
                    for name in success
                    if name != "vendor"
                ),
                more_data=(
                    MoreData(items=100, value=0.0001),
                    MoreData(items=300, value=0.0002),
                    MoreData(items=1000, value=0.0004),
                ),
                buy_items=None,
                sentence="More testing could still change which variant is best.",
            ),
            sweeps=(
                Sweep(
                    term="monthly_requests",
                    low=100,
                    high=10_000_000,
                    choices=("rag", "raft"),
                    switches=(41_000.0,),
                    sentence="rag until 41,000 requests a month, then raft.",
                ),
            ),
            reason="raft has the highest success of the variants that qualify.",
        ),
        model=make_model(success),
        usage={},
        evaluation=evaluate(make_model(success), make_model(success).terms),
    )
