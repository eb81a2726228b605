"""How sure the choice is: probability of being worth most, expected regret, and what more items would be worth.

The worth of a variant is its utility; where none is stated, its quality. Values of information are
preposterior (Raiffa & Schlaifer 1961, chapter 5): with m more items the belief will have moved about its mean
by the share of today's uncertainty that they resolve, and the choice will follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.comparison.bootstrap import CONFIDENCE, Resampler
from harness.comparison.draws import (
    PriceDraws,
    fixed_draws,
    generator,
    latency_draws,
    price_draws,
    serving_draws,
)
from harness.comparison.model import HARM, LATENCY, SUCCESS, Contest, common
from harness.comparison.posterior import Sample, posterior, resolved, sample_of
from harness.comparison.sentences import Stake, testing_sentence
from harness.comparison.table import Floats, Table
from harness.types.decision import DecisionModel, MoreData, Outcome, VariantWorth, Worth
from harness.types.economics import Ranges, Swing

MORE = (100, 300, 1000)
NEGLIGIBLE = 1e-4
"""Share of the worth below which a gain is none."""


@dataclass(frozen=True)
class Belief:
    """What is believed of the worth of the variants that qualify and have one."""

    unit: Literal["money", "score", "quality"]
    rows: tuple[int, ...]
    """Rows of the model."""
    draws: Floats
    """(V, R), larger is better, about ``centre``."""
    centre: tuple[float, ...]
    """(V,), the worth at the terms as they are stated."""
    sample: Sample
    """Where the differences in quality come from."""
    n_items: int
    sign: float = 1.0
    """-1 where the worth is a quality of which less is better."""


def believe(
    contest: Contest,
    table: Table,
    model: DecisionModel,
    outcomes: Sequence[Outcome],
    ranges: Ranges,
    resampler: Resampler,
) -> Belief | None:
    """None where no variant qualifies."""
    allowed = [row for row, o in enumerate(outcomes) if o.ruled_out is None]
    if not allowed:
        return None
    rng = generator(resampler, "worth")
    prices = price_draws(model, ranges, resampler.resamples, rng)
    valued = [row for row in allowed if outcomes[row].utility is not None]
    if not valued:
        sample = sample_of(common(contest.matrix, allowed), allowed)
        sign = 1.0 if model.higher_is_better else -1.0
        centre = tuple(model.variants[row].expected_quality or 0.0 for row in allowed)
        draws = sign * _about(sample, centre, resampler, rng)
        return Belief("quality", tuple(allowed), draws, centre, sample, _n_items(contest, allowed), sign)
    rows, centre = tuple(valued), tuple(outcomes[row].utility or 0.0 for row in valued)
    if model.terms.value_of_success is not None:
        draws, sample = _money(table, model, rows, prices, resampler, rng)
        return Belief("money", rows, draws, centre, sample, _n_items(contest, rows))
    draws, sample = _scores(contest, table, model, rows, prices, resampler, rng)
    return Belief("score", rows, draws, centre, sample, _n_items(contest, rows))


def _about(sample: Sample, centre: Sequence[float], resampler: Resampler, rng: np.random.Generator) -> Floats:
    """Draws from the posterior of ``sample``, moved to the means that the model states."""
    believed = posterior(sample)
    draws = believed.draws(resampler.resamples, rng)
    return np.asarray(draws + (np.array(centre, dtype=np.float64) - believed.mean)[:, None], dtype=np.float64)


def _n_items(contest: Contest, rows: Sequence[int]) -> int:
    return int(np.isfinite(contest.matrix.values[list(rows)]).any(axis=0).sum())


def _money(
    table: Table,
    model: DecisionModel,
    rows: Sequence[int],
    prices: PriceDraws,
    resampler: Resampler,
    rng: np.random.Generator,
) -> tuple[Floats, Sample]:
    """(V, R) money a month."""
    terms = model.terms
    assert terms.value_of_success is not None
    gain = terms.value_of_success * sample_of(table.metrics[SUCCESS], rows)
    if terms.cost_of_harm > 0:
        gain = gain + -terms.cost_of_harm * sample_of(table.metrics[HARM], rows)
    variants = [model.variants[row] for row in rows]
    centre = [
        (v.expected_success or 0.0) * terms.value_of_success - (v.expected_harm or 0.0) * terms.cost_of_harm
        for v in variants
    ]
    gains = _about(gain, centre, resampler, rng)
    serving = serving_draws(table, model, rows, prices, rng)
    return terms.monthly_requests * (gains - serving) - fixed_draws(model, rows, prices), gain


def _scores(
    contest: Contest,
    table: Table,
    model: DecisionModel,
    rows: Sequence[int],
    prices: PriceDraws,
    resampler: Resampler,
    rng: np.random.Generator,
) -> tuple[Floats, Sample]:
    """(V, R) weighted scores."""
    stated = model.terms.weights
    assert stated is not None
    sample = sample_of(common(contest.matrix, rows), rows)
    centre = [model.variants[row].expected_quality or 0.0 for row in rows]
    quality = _about(sample, centre, resampler, rng)
    total, score = stated.quality.weight, stated.quality.weight * _scored(stated.quality, quality)
    if stated.latency is not None:
        times = latency_draws(table.metrics[LATENCY], rows, resampler.resamples, rng)
        total, score = (
            total + stated.latency.weight,
            score + stated.latency.weight * _scored(stated.latency, times),
        )
    if stated.cost is not None:
        bill = serving_draws(table, model, rows, prices, rng)
        bill = 1000 * (bill + fixed_draws(model, rows, prices) / model.terms.monthly_requests)
        total, score = total + stated.cost.weight, score + stated.cost.weight * _scored(stated.cost, bill)
    return score / total, sample


def _scored(swing: Swing, figures: Floats) -> Floats:
    return np.clip((figures - swing.worst) / (swing.best - swing.worst), 0.0, 1.0)


def probability_best(belief: Belief) -> list[float]:
    """By row of the belief; equal winners share a draw."""
    # Twelve digits of the largest: twins differ in the bits below.
    scale = float(np.abs(belief.draws).max()) or 1.0
    draws = np.round(belief.draws / scale, 12)
    top = draws == draws.max(axis=0)
    return [float(share) for share in (top / top.sum(axis=0)).mean(axis=1)]


def regret(belief: Belief) -> list[float]:
    """Expected distance to the truly best, by row of the belief."""
    lost = belief.draws.max(axis=0) - belief.draws
    return [float(mean) for mean in lost.mean(axis=1)]


def information(belief: Belief, items: int) -> float:
    """Expected gain in worth of choosing again after ``items`` more held-out items.

    Items are taken to come clustered as those at hand.
    """
    share = resolved(belief.sample, posterior(belief.sample), 1 + items / belief.n_items)
    mean = belief.draws.mean(axis=1, keepdims=True)
    later = mean + np.sqrt(max(share, 0.0)) * (belief.draws - mean)
    return max(0.0, float(later.max(axis=0).mean() - mean.max()))


def weigh(belief: Belief, names: Sequence[str], choice: str, terms: Stake) -> Worth:
    """``names`` by row of the model."""
    more = tuple(MoreData(items=m, value=information(belief, m)) for m in MORE)
    size = float(np.abs(belief.draws.mean(axis=1)).max())
    settled = more[-1].value <= NEGLIGIBLE * size
    buy = None
    if belief.unit == "money" and not settled:
        gains = {m.items: m.value * terms.horizon_months - m.items * terms.item_price for m in more}
        best = max(gains, key=lambda items: gains[items])
        buy = best if gains[best] > 0 else None
    return Worth(
        unit=belief.unit,
        variants=_variants(belief, names),
        more_data=more,
        buy_items=buy,
        sentence=testing_sentence(belief.unit, more, settled, buy, choice, terms),
    )


def _variants(belief: Belief, names: Sequence[str]) -> tuple[VariantWorth, ...]:
    tail = (1 - CONFIDENCE) / 2
    bounds = np.quantile(belief.draws, [tail, 1 - tail], axis=1)
    sign = belief.sign
    return tuple(
        VariantWorth(
            variant=names[row],
            value=value,
            low=min(sign * float(low), sign * float(high)),
            high=max(sign * float(low), sign * float(high)),
            regret=lost,
        )
        for row, value, low, high, lost in zip(
            belief.rows, belief.centre, bounds[0], bounds[1], regret(belief), strict=True
        )
    )
