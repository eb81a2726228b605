"""Joint draws of what is not known exactly: means of the variants from their clusters, prices from their ranges.

A posterior that is not pulled together is right for what is compared with a price list (a cost and its
interval); what is compared between variants (quality, worth) is drawn from ``comparison.posterior``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparison.bootstrap import Resampler, cluster_sums, compact, stable_seed
from harness.comparison.model import COST, SUCCESS
from harness.comparison.posterior import sample_of
from harness.comparison.table import Floats, Matrix, Table, no_scores
from harness.types.decision import DecisionModel, DecisionTerms, VariantTerms
from harness.types.economics import Range, Ranges


@dataclass(frozen=True)
class PriceDraws:
    """(R,) each; all equal where no range is declared."""

    serving: Floats
    training: Floats
    utilisation: Floats

    @property
    def machine_second(self) -> Floats:
        return np.asarray(self.serving / self.utilisation / 3600, dtype=np.float64)

    def machine_money(self, v: VariantTerms, terms: DecisionTerms) -> Floats:
        """(R,) of a request. Under load the idle time was measured, so no assumption about it is drawn."""
        seconds = v.machine_s or 0.0
        if v.monthly_per_replica is None:
            return seconds * self.machine_second
        return np.asarray(seconds * self.serving / terms.utilisation / 3600, dtype=np.float64)


def price_draws(model: DecisionModel, ranges: Ranges, size: int, rng: np.random.Generator) -> PriceDraws:
    def drawn(stated: float, declared: Range | None) -> Floats:
        if declared is None:
            return np.full(size, stated)
        return np.asarray(rng.triangular(declared[0], stated, declared[1], size), dtype=np.float64)

    terms = model.terms
    return PriceDraws(
        serving=drawn(terms.serving_price_per_hour, ranges.serving_price),
        training=drawn(terms.training_price_per_hour, ranges.training_price),
        utilisation=drawn(terms.utilisation, ranges.utilisation),
    )


def generator(resampler: Resampler, purpose: str) -> np.random.Generator:
    return np.random.default_rng(stable_seed(resampler.seed, purpose, resampler.slice))


def fixed_draws(model: DecisionModel, rows: Sequence[int], prices: PriceDraws) -> Floats:
    """(V, R) money a month at any volume."""
    variants = [model.variants[row] for row in rows]
    months = model.terms.retraining_months
    return np.stack(
        [(v.training_hours * prices.training + v.other_once) / months + v.per_month for v in variants]
    )


def serving_draws(
    table: Table, model: DecisionModel, rows: Sequence[int], prices: PriceDraws, rng: np.random.Generator
) -> Floats:
    """(V, R) money of a request, normal about the model's; rows must have a known cost."""
    money = sample_of(table.metrics[COST], rows)
    noise = money.draws(len(prices.serving), rng) - money.mean[:, None]
    relative = 1 + np.divide(noise, money.mean[:, None], out=np.zeros_like(noise), where=noise != 0)
    variants = [model.variants[row] for row in rows]
    bill = np.stack([prices.machine_money(v, model.terms) + v.other_per_request for v in variants])
    return np.asarray(np.maximum(relative, 0.0) * bill, dtype=np.float64)


def latency_draws(matrix: Matrix, rows: Sequence[int], size: int, rng: np.random.Generator) -> Floats:
    """(V, R) medians of times drawn anew.

    The median of n draws is a quantile of the sample at a Beta((n+1)/2, (n+1)/2) share (David & Nagaraja 2003,
    section 2.3). All variants were timed on the same items, so they share the share.
    """
    values = [np.sort(row[~np.isnan(row)]) for row in matrix.values[list(rows)]]
    half = (min(len(row) for row in values) + 1) / 2
    share = rng.beta(half, half, size)
    return np.stack([np.quantile(row, share) for row in values])


def bootstrap_draws(table: Table, rows: Sequence[int], resampler: Resampler) -> tuple[Floats, Floats]:
    """(V, R) machine seconds relative to their mean and (V, R) success rates, from joint cluster resamples."""
    matrices = [table.metrics.get(name) or no_scores(table) for name in (COST, SUCCESS)]
    values = np.concatenate([m.values[list(rows)] for m in matrices])
    present = ~np.isnan(values)
    used = present.any(axis=0)
    cluster, width = compact(matrices[0].cluster[used])
    sums = cluster_sums(values[:, used], cluster, width)
    draws = resampler.ratios(sums, cluster_sums(present[:, used].astype(np.float64), cluster, width))
    money, success = draws[: len(rows)], draws[len(rows) :]
    mean = np.nanmean(values[: len(rows)], axis=1)[:, None]
    return np.divide(money, mean, out=np.ones_like(money), where=mean > 0), success
