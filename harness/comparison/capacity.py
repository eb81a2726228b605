"""From a measured sweep to what serving costs at any rate: the sustained rate, whole replicas, money. Pure.

Requests are taken to be spread at random over equal replicas, so that each of N sees a N-th of the rate (a thinned
Poisson stream is one again) and what one replica was measured to sustain holds for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, inf, log

import numpy as np
from scipy.optimize import isotonic_regression

from harness.comparison.table import Floats
from harness.comparison.utility import EXACT, HOURS_A_MONTH
from harness.types.capacity import Capacity, CapacityPoint, LoadCost, RateCost
from harness.types.economics import Economics
from harness.types.load import Level, LevelJudgement, LoadTerms

SECONDS_A_MONTH = HOURS_A_MONTH * 3600
CURVE_POINTS = 241
IDLE_DRAWN = 50
"""The curve goes down to the rate at which the best variant's replica is idle but for one part in so many."""
REPLICAS_DRAWN = 12
"""The curve goes up to the rate that so many of the best variant's replicas sustain."""


def capacity(
    levels: Sequence[Level], judged: Sequence[LevelJudgement], terms: LoadTerms, hardware: str
) -> Capacity:
    """The rate at which the share that keeps the limits falls through ``terms.attainment``.

    Between two measured rates the share is read off a line over the logarithm of the rate. More load does not
    help: shares are pooled into falling order (isotonic regression), a lower bound holds at all lower rates too and
    an upper bound at all higher ones. The rate's bounds are where these fall through.
    """
    points = _points(levels, judged)
    if not points:
        return _none(terms, hardware, (), "no rate was measured validly")
    rates = [p.rate for p in points]
    kept = isotonic_regression([p.kept for p in points], weights=[p.n for p in points], increasing=False).x
    below = np.maximum.accumulate([p.low for p in points][::-1])[::-1]
    above = np.minimum.accumulate([p.high for p in points])
    rate, low, high = (_crossing(rates, shares, terms.attainment) for shares in (kept, below, above))
    if rate == 0:
        return _none(terms, hardware, points, f"not even {rates[0]:.4g} requests/s were sustained")
    reason = None
    if high == inf:
        reason = f"the sweep ended at {rates[-1]:.4g} requests/s, before the server did"
    elif low == 0:
        reason = f"too few requests to be sure of {rates[0]:.4g} requests/s"
    return Capacity(
        rate=min(rate, rates[-1]),
        low=low if 0 < low < inf else rates[-1] if low == inf else None,
        high=high if high < inf else None,
        reason=reason,
        limits=terms.limits,
        attainment=terms.attainment,
        peak=terms.peak,
        hardware=hardware,
        points=points,
    )


def _none(terms: LoadTerms, hardware: str, points: tuple[CapacityPoint, ...], reason: str) -> Capacity:
    return Capacity(
        rate=None, low=None, high=None, reason=reason, limits=terms.limits, attainment=terms.attainment,
        peak=terms.peak, hardware=hardware, points=points,
    )  # fmt: skip


def _points(levels: Sequence[Level], judged: Sequence[LevelJudgement]) -> tuple[CapacityPoint, ...]:
    """Valid levels in growing order of rate, one for each rate."""
    verdicts = {j.offered_rate: j for j in judged}
    found = {}
    for level in levels:
        rate = level.offered_rate
        if rate is None or not level.valid or rate not in verdicts:
            continue
        good = level.request_goodput
        share = (good.share, good.share_low, good.share_high)
        behind = not verdicts[rate].sustained and (good.share is None or verdicts[rate].behind)
        kept, low, high = (0.0, 0.0, 0.0) if behind else (1.0, 1.0, 1.0) if None in share else share
        ttft, e2e = level.ttft.percentiles, level.e2e.percentiles
        found[rate] = CapacityPoint(
            rate=rate, kept=kept or 0.0, low=low or 0.0, high=high or 0.0, n=level.completed + level.failed,
            ttft_p50_s=ttft[0].value, e2e_p50_s=e2e[0].value,
            e2e_p95_s=next((p.value for p in e2e if p.q == 0.95), None),
        )  # fmt: skip
    return tuple(found[rate] for rate in sorted(found))


def _crossing(rates: Sequence[float], falling: Floats, wanted: float) -> float:
    """Where the falling line of shares meets ``wanted``; 0 for below the first rate, infinity for beyond."""
    under = np.nonzero(falling < wanted)[0]
    if not len(under):
        return inf
    i = int(under[0])
    if i == 0:
        return 0.0
    part = float((falling[i - 1] - wanted) / (falling[i - 1] - falling[i]))
    return exp(log(rates[i - 1]) + part * (log(rates[i]) - log(rates[i - 1])))


def replicas(rate: float, sustained: float, peak: float = 1.0) -> int:
    """Whole replicas for a mean ``rate`` whose busiest time is ``peak`` times as much; at least one."""
    return max(1, ceil(rate * peak / sustained - EXACT))


def cost_at(
    rate: float, found: Capacity, price_per_hour: float, success_rate: float | None, other: float = 0.0
) -> RateCost | None:
    """Money for requests at a steady ``rate``, ``other`` being what each costs beside machines.

    None where no rate was sustained.
    """
    if found.rate is None:
        return None

    def per_1000(n: int) -> float:
        return 1000 * (n * price_per_hour / 3600 / rate + other)

    n = replicas(rate, found.rate, found.peak)
    fewest = replicas(rate, found.high or found.rate, found.peak)
    most = replicas(rate, found.low, found.peak) if found.low else None
    return RateCost(
        rate=rate,
        replicas=n,
        replicas_low=fewest,
        replicas_high=most,
        per_1000=per_1000(n),
        low=per_1000(fewest),
        high=per_1000(most) if most else None,
        per_1000_successes=per_1000(n) / success_rate if success_rate else None,
    )


def mean_rate(monthly_requests: float) -> float:
    return monthly_requests / SECONDS_A_MONTH


def monthly_per_replica(found: Capacity, attempts: float) -> float | None:
    """Requests a month that one replica carries where each takes so many attempts."""
    return None if found.rate is None else found.rate / found.peak / attempts * SECONDS_A_MONTH


def paid_seconds(found: Capacity, monthly_requests: float) -> float | None:
    """Machine seconds that are paid for each request at a volume: whole replicas, day and night."""
    if found.rate is None:
        return None
    n = replicas(mean_rate(monthly_requests), found.rate, found.peak)
    return n * SECONDS_A_MONTH / monthly_requests


def load_costs(
    measured: Sequence[tuple[str, Capacity, float | None]], economics: Economics
) -> tuple[LoadCost, ...]:
    """Of variants with their capacity and success rate, all over the same rates."""
    best = max((c.rate for _, c, _ in measured if c.rate), default=None)
    if best is None:
        rates: list[float] = []
    else:
        stated = mean_rate(economics.monthly_requests)
        low, high = max(min(stated, best / 4), best / IDLE_DRAWN), max(2 * stated, REPLICAS_DRAWN * best)
        rates = [float(r) for r in np.geomspace(low, high, CURVE_POINTS)]
    price = economics.serving.price_per_hour
    monthly = mean_rate(economics.monthly_requests)
    return tuple(
        LoadCost(
            variant=name,
            capacity=found,
            monthly_rate=monthly,
            stated=cost_at(monthly, found, price, right),
            curve=tuple(c for r in rates if (c := cost_at(r, found, price, right))),
        )
        for name, found, right in measured
    )
