from __future__ import annotations

from math import erf, exp, pi, sqrt
from typing import Any

import numpy as np
import pytest

from harness.comparison.draws import price_draws, serving_draws
from harness.comparison.posterior import Sample, posterior
from harness.comparison.table import Table, build_table
from harness.comparison.utility import rank
from harness.comparison.worth import Belief, believe, information, probability_best, regret
from harness.types.decision import DecisionModel
from harness.types.economics import Economics, Ranges, Swing, Weights
from harness.types.settings import VariantSpec

from .factories import WHOLE, contest_of, economics, items, model_of, scenario, scores

NAMES = ("cheap", "dear")


def setting(terms: Economics, n: int = 200) -> tuple[Table, DecisionModel, Any]:
    """cheap: 40% right, none harmful, 1 a thousand. dear: 55% right, 10% harmful, 6 a thousand."""
    rng = np.random.default_rng(0)
    given = scenario([VariantSpec(name=name) for name in NAMES], economics=terms)
    place = rng.permutation(n)
    rows = scores("success", {"cheap": (place < 0.4 * n).astype(float).tolist()})
    rows += scores("success", {"dear": (rng.permutation(n) < 0.55 * n).astype(float).tolist()})
    rows += scores(
        "harm", {"cheap": [0.0] * n, "dear": (rng.permutation(n) < 0.1 * n).astype(float).tolist()}
    )
    rows += scores(
        "cost",
        {name: (m * rng.uniform(0.5, 1.5, n)).tolist() for name, m in zip(NAMES, (1e-3, 6e-3), strict=True)},
    )
    rows += scores("latency", {"cheap": [1.0] * 5 + [2.0] * 6, "dear": [3.0] * 11})
    table = build_table(NAMES, items(n), rows, ())
    latency = {"cheap": 2.0, "dear": 3.0}
    return table, model_of(given, table, {}, None, latency), contest_of(given, table, None, latency)


def belief_of(terms: Economics, ranges: Ranges | None = None) -> tuple[Belief, DecisionModel]:
    table, model, contest = setting(terms)
    found = believe(contest, table, model, rank(model, model.terms)[0], ranges or Ranges(), WHOLE)
    assert found is not None
    return found, model


def test_money_draws_lie_about_the_utility_and_spread_as_the_items_say() -> None:
    found, model = belief_of(economics(value_of_success=1.0, cost_of_harm=0.5))
    utility = [o.utility for o in rank(model, model.terms)[0]]
    assert found.unit == "money"
    assert found.centre == tuple(utility)
    assert found.draws.mean(axis=1) == pytest.approx(utility, rel=0.02)
    # Dear gains 0.15 success less 0.05 of harm less 0.005 of cost, pulled together a little.
    gap = found.draws[1] - found.draws[0]
    assert 0.6 * 950 < gap.mean() < 950
    sd = 10_000 * sqrt((0.55 * 0.45 + 0.4 * 0.6) / 200 + 0.25 * 0.09 / 200)
    assert gap.std() == pytest.approx(sd, rel=0.15)
    best = probability_best(found)
    assert sum(best) == pytest.approx(1)
    assert best[1] == pytest.approx(
        0.5 * (1 + erf(gap.mean() / gap.std() / sqrt(2))), abs=0.03
    )  # a mixture of normals


def test_regret_against_the_loss_of_a_normal() -> None:
    found, _ = belief_of(economics(value_of_success=1.0))
    gap = found.draws[1] - found.draws[0]
    m, s = float(gap.mean()), float(gap.std())
    loss = s * (exp(-0.5 * (m / s) ** 2) / sqrt(2 * pi)) - m * 0.5 * (1 - erf(m / s / sqrt(2)))
    assert regret(found) == pytest.approx([m + loss, loss], rel=0.03, abs=3)


def test_declared_ranges_widen_the_worth() -> None:
    exact, _ = belief_of(economics(value_of_success=0.001))
    wide, _ = belief_of(economics(value_of_success=0.001), Ranges(utilisation=(0.1, 0.9)))
    assert wide.draws[1].std() > 3 * exact.draws[1].std()


def test_scores_and_quality() -> None:
    weights = Weights(
        quality=Swing(weight=1, worst=0, best=1), latency=Swing(weight=1, worst=4, best=0),
        cost=Swing(weight=2, worst=10, best=0),
    )  # fmt: skip
    found, model = belief_of(economics(weights=weights))
    assert found.unit == "score"
    utility = [o.utility for o in rank(model, model.terms)[0]]
    # Latency draws of cheap move between its two values, the median's own value being one end.
    assert found.draws.mean(axis=1)[1] == pytest.approx(utility[1], abs=0.01)
    quality, _ = belief_of(economics())
    assert quality.unit == "quality"
    assert probability_best(quality)[1] > 0.95


def correlated(mean: list[float], covariance: np.ndarray, n: int) -> Sample:
    """A sample whose means have exactly this covariance."""
    noise = np.random.default_rng(1).standard_normal((len(mean), n))
    noise -= noise.mean(axis=1, keepdims=True)
    root = np.linalg.cholesky(noise @ noise.T * n / (n - 1))
    return Sample(np.array(mean), np.linalg.cholesky(covariance) @ np.linalg.solve(root, noise), n)


@pytest.mark.parametrize(("mean", "more"), [([0.5, 0.53], 1000), ([0.4, 0.5, 0.52, 0.51], 600)])
@pytest.mark.slow
def test_information_against_nested_simulation(mean: list[float], more: int) -> None:
    """The truth is drawn from the belief; then ask again, believe again, choose again."""
    n, v = 200, len(mean)
    covariance = 0.035**2 * (0.6 * np.eye(v) + 0.4)
    sample = correlated(mean, covariance, n)
    believed, rng = posterior(sample), np.random.default_rng(0)
    truth = believed.draws(4000, rng)
    found = information(Belief("quality", tuple(range(v)), truth, tuple(mean), sample, n), more)
    root, first, gains = np.linalg.cholesky(covariance * n / more), believed.mean.argmax(), []
    for true in truth.T[:800]:
        pooled = (n * sample.mean + more * (true + root @ rng.standard_normal(v))) / (n + more)
        later = Sample(pooled, sample.residual * sqrt(n / (n + more)), n)
        gains.append(true[posterior(later).mean.argmax()] - true[first])
    error = np.std(gains) / sqrt(len(gains))
    assert found == pytest.approx(np.mean(gains), abs=3 * error)
    assert found > 4 * error, "or the check could not fail"


def test_information_grows_with_the_items_and_ends_where_nothing_is_open() -> None:
    sample = correlated([0.50, 0.53], 0.04**2 * np.eye(2), 200)
    draws = posterior(sample).draws(4000, np.random.default_rng(0))
    values = [
        information(Belief("quality", (0, 1), draws, (0.5, 0.53), sample, 200), m)
        for m in (50, 200, 1000, 10**6)
    ]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(
        min(regret(Belief("quality", (0, 1), draws, (0.5, 0.53), sample, 200))), rel=0.02
    )
    settled = Belief("quality", (0, 1), draws + np.array([[0.0], [1.0]]), (0.5, 1.5), sample, 200)
    assert information(settled, 1000) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("carried", [None, 50_000.0])
def test_idle_time_is_drawn_only_where_it_was_assumed(carried: float | None) -> None:
    """Put under load, a variant's idle machines were measured, whatever range is declared for the others."""
    table, model, _ = setting(economics(value_of_success=1.0))
    loaded = tuple(v.model_copy(update={"monthly_per_replica": carried}) for v in model.variants)
    model = model.model_copy(update={"variants": loaded})
    exact, wide = (
        serving_draws(table, model, [0, 1], price_draws(model, r, 2000, rng()), rng())
        for r in (Ranges(), Ranges(utilisation=(0.1, 0.9)))
    )
    spread = wide.std(axis=1) / exact.std(axis=1)
    assert spread == pytest.approx([1.0, 1.0]) if carried else (spread > 3).all()
    dearer = serving_draws(
        table, model, [0, 1], price_draws(model, Ranges(serving_price=(0.01, 9.0)), 2000, rng()), rng()
    )
    assert (dearer.std(axis=1) > 3 * exact.std(axis=1)).all()


def rng() -> np.random.Generator:
    return np.random.default_rng(5)
