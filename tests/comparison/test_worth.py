from __future__ import annotations

from math import erf, exp, pi, sqrt
from typing import Any

import numpy as np
import pytest

from harness.comparison.posterior import Sample
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


def test_information_against_nested_simulation() -> None:
    """Two variants whose truth is drawn from the belief: ask again, believe again, choose again."""
    rng = np.random.default_rng(0)
    sd, n = 0.04, 200
    noise = rng.standard_normal((2, n))
    noise -= noise.mean(axis=1, keepdims=True)
    root = np.linalg.cholesky(noise @ noise.T * n / (n - 1))
    sample = Sample(np.array([0.50, 0.53]), sd * np.linalg.solve(root, noise), n)
    # A flat belief: the scale of the prior is out of reach of the draws.
    draws = sample.mean[:, None] + sd * rng.standard_normal((2, 200_000))
    found = information(Belief("quality", (0, 1), draws, sample, n), 200)
    again = draws + sd * rng.standard_normal(draws.shape)
    after = (sample.mean[:, None] + again) / 2
    chosen = np.where(after[0] > after[1], draws[0], draws[1])
    gain = chosen.mean() - draws[1].mean()
    assert found < gain < 2.5 * found, (
        "the prior, which pulls together, leaves less to be learnt than a flat one"
    )
    nothing = Belief("quality", (0, 1), draws + np.array([[0.0], [1.0]]), sample, n)
    assert information(nothing, 1000) == pytest.approx(0, abs=1e-12)
    assert information(Belief("quality", (0, 1), draws, sample, n), 2000) > found
