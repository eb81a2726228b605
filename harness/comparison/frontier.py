"""The Pareto frontier over quality, latency and cost: which variants nobody should choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.comparison.bootstrap import Resampler
from harness.comparison.draws import fixed_draws, generator, latency_draws, price_draws, serving_draws
from harness.comparison.model import COST, LATENCY, Contest, common
from harness.comparison.posterior import posterior, sample_of
from harness.comparison.table import Floats, Table
from harness.types.decision import DecisionModel
from harness.types.economics import Ranges
from harness.types.results import FrontierPoint

Figures = tuple[float | None, float | None, float | None]
"""Quality, median latency in seconds, cost of 1,000 requests."""


def build_frontier(
    figures: dict[str, Figures],
    higher_is_better: bool = True,
    dominated: Mapping[str, float] | None = None,
) -> tuple[FrontierPoint, ...]:
    """Points in the order of ``figures``; ``dominated`` are the probabilities of ``probability_dominated``.

    A figure that no variant has is left out of the question. Where only some have it, a variant without it
    neither dominates nor is dominated: what is not known is neither good nor bad.
    """
    measured = [axis for axis in range(3) if any(point[axis] is not None for point in figures.values())]
    signs = (1.0 if higher_is_better else -1.0, -1.0, -1.0)

    def goodness(point: Figures) -> list[float] | None:
        pairs = zip(signs, point, strict=True)
        known = [sign * value for sign, value in pairs if value is not None]
        return known if len(known) == len(measured) else None

    good = {variant: goodness(point) for variant, point in figures.items()}
    return tuple(
        FrontierPoint(
            variant=variant,
            quality=point[0],
            latency_s=point[1],
            cost_per_1000=point[2],
            probability_dominated=None if dominated is None else dominated.get(variant),
            dominated_by=tuple(other for other in figures if _dominates(good[other], good[variant])),
        )
        for variant, point in figures.items()
    )


def _dominates(one: Sequence[float] | None, other: Sequence[float] | None) -> bool:
    """At least as good on all and better on one."""
    if not one or not other:
        return False
    return all(a >= b for a, b in zip(one, other, strict=True)) and list(one) != list(other)


def probability_dominated(
    contest: Contest, table: Table, model: DecisionModel, ranges: Ranges, resampler: Resampler
) -> dict[str, float]:
    """Share of joint draws in which some other variant dominates; only of variants with every measured figure."""
    timed, costed = table.metrics.get(LATENCY), table.metrics.get(COST)
    rows = [
        row
        for row, v in enumerate(model.variants)
        if contest.quality[row].value is not None
        and (timed is None or v.latency_s is not None)
        and (costed is None or v.machine_s is not None)
    ]
    if not rows:
        return {}
    rng, size = generator(resampler, "frontier"), resampler.resamples
    quality = posterior(sample_of(common(contest.matrix, rows), rows)).draws(size, rng)
    axes = [quality if model.higher_is_better else -quality]
    if timed is not None:
        axes.append(-latency_draws(timed, rows, size, rng))
    if costed is not None:
        prices = price_draws(model, ranges, size, rng)
        fixed = fixed_draws(model, rows, prices) / model.terms.monthly_requests
        axes.append(-serving_draws(table, model, rows, prices, rng) - fixed)
    shares = _share_dominated(np.stack(axes))
    return {model.variants[row].variant: float(share) for row, share in zip(rows, shares, strict=True)}


def _share_dominated(goodness: Floats) -> Floats:
    """(axes, V, R) draws, larger is better, give (V,)."""
    scale = np.abs(goodness).max(axis=(1, 2), keepdims=True)
    # Twins differ in the last bits of a draw and not otherwise.
    rounded = np.round(goodness / np.where(scale > 0, scale, 1), 9)
    beaten = np.zeros(goodness.shape[1:], dtype=np.bool_)
    for other in range(goodness.shape[1]):
        gap = rounded[:, [other]] - rounded
        beaten |= (gap >= 0).all(axis=0) & (gap > 0).any(axis=0)
    return np.asarray(beaten.mean(axis=1), dtype=np.float64)
