"""Break-even volumes with their intervals: the closed form of ``utility.break_even`` in every joint draw."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from harness.comparison.bootstrap import CONFIDENCE, Resampler
from harness.comparison.draws import bootstrap_draws, fixed_draws, generator, price_draws
from harness.comparison.table import Floats, Table
from harness.comparison.utility import break_even
from harness.types.decision import BreakEven, DecisionModel
from harness.types.economics import Ranges


def break_evens(
    table: Table, model: DecisionModel, ranges: Ranges, resampler: Resampler
) -> tuple[BreakEven, ...]:
    """One for each pair of variants, in the order of the model."""
    rows = [
        r
        for r, v in enumerate(model.variants)
        if v.machine_s is not None and v.success_rate and v.monthly_per_replica is None
    ]
    place = {row: k for k, row in enumerate(rows)}
    lines = _lines(table, model, rows, ranges, resampler) if rows else None
    found = []
    for a, b in combinations(range(len(model.variants)), 2):
        point = break_even(model.variants[a], model.variants[b], model.terms)
        if lines is not None and a in place and b in place:
            pair = (a, b) if point.cheaper_above == model.variants[a].variant else (b, a)
            slope, fixed = (each[[place[row] for row in pair]] for each in lines)
            point = point.model_copy(update=_interval(slope, fixed, model.terms.volume_range))
        found.append(point)
    return tuple(found)


def _lines(
    table: Table, model: DecisionModel, rows: list[int], ranges: Ranges, resampler: Resampler
) -> tuple[Floats, Floats]:
    """(V, R) serving a success, and money a month at any volume for a success of each request."""
    prices = price_draws(model, ranges, resampler.resamples, generator(resampler, "break-even"))
    relative, success = bootstrap_draws(table, rows, resampler)
    machine = np.array([model.variants[row].machine_s or 0.0 for row in rows])[:, None]
    other = np.array([model.variants[row].other_per_request for row in rows])[:, None]
    serving = relative * (machine * prices.machine_second + other)
    with np.errstate(divide="ignore", invalid="ignore"):
        return serving / success, fixed_draws(model, rows, prices) / success


def _interval(slope: Floats, fixed: Floats, within: tuple[float, float]) -> dict[str, float | None]:
    """(2, R) lines of a pair, the one that is cheaper above first.

    A draw in which it is cheaper at every volume crosses at 0, one in which it never is, at infinity; both lie
    out of range, so that the interval and the share without a break-even volume speak of the same draws.
    """
    (slope_a, slope_b), (fixed_a, fixed_b) = slope, fixed
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = (fixed_a - fixed_b) / (slope_b - slope_a)
    crossing = np.where(slope_a < slope_b, np.maximum(crossing, 0.0), np.inf)
    tail = (1 - CONFIDENCE) / 2
    # No interpolation: halfway to infinity is nowhere.
    bounds = np.quantile(crossing, [tail, 1 - tail], method="inverted_cdf")
    low, high = (float(bound) if within[0] <= bound <= within[1] else None for bound in bounds)
    outside = (crossing < within[0]) | (crossing > within[1])
    return {"low": low, "high": high, "share_never": float(outside.mean())}
