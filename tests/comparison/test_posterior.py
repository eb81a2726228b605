from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.posterior import Sample, posterior, sample_of
from harness.comparison.table import build_table

from .factories import items, scores


def sample(mean: list[float], sd: float, clusters: int = 400, seed: int = 0) -> Sample:
    """Independent noise: each mean has standard error ``sd``."""
    noise = np.random.default_rng(seed).standard_normal((len(mean), clusters))
    noise -= noise.mean(axis=1, keepdims=True)
    noise *= sd / np.sqrt((noise**2).sum(axis=1, keepdims=True) * clusters / (clusters - 1))
    return Sample(np.array(mean), noise, clusters)


def test_sample_is_the_clustered_mean_and_its_variance() -> None:
    wins = [1.0, 1, 0, 0, 1, 0, None, 1]
    matrix = build_table(["a"], items(8, 2), scores("success", {"a": wins}), ()).metrics["success"]
    found = sample_of(matrix, [0])
    assert found.mean == pytest.approx([4 / 7])
    residual = np.array([2 - 8 / 7, 0 - 8 / 7, 1 - 8 / 7, 1 - 4 / 7]) / 7
    assert found.covariance == pytest.approx((residual**2).sum() * 4 / 3)


def test_all_right_is_not_certain() -> None:
    rows = scores("success", {"a": [1.0] * 50, "b": [0.0] * 50, "c": [0.0, 1] * 25})
    matrix = build_table(["a", "b", "c"], items(50), rows, ()).metrics["success"]
    found = sample_of(matrix, [0, 1, 2])
    sd = np.sqrt(np.diag(found.covariance))
    assert sd == pytest.approx([0.02, 0.02, np.sqrt(0.25 / 49)], rel=0.02)
    assert found.covariance[0, 1] == 0


def test_noise_is_pulled_together_and_a_clear_difference_is_not() -> None:
    close = posterior(sample([0.50, 0.52, 0.48], 0.03)).mean
    assert np.ptp(close) < 0.5 * 0.04
    assert close.mean() == pytest.approx(0.5, abs=1e-3)
    clear = posterior(sample([0.2, 0.8], 0.01)).mean
    assert clear == pytest.approx([0.2, 0.8], abs=0.001)


@pytest.mark.slow
def test_against_brute_force_over_the_grid() -> None:
    """The closed form of mean and covariance against sums over a fine grid of mu, b1 and b2, at one tau."""
    given = sample([0.1, 0.3], 0.1, seed=3)
    found = posterior(given)
    k, tau = 12, float(np.geomspace(0.005, 5, 30)[12]) * given.item_sd
    axis = np.linspace(-0.8, 1.2, 161)
    mu, one, two = np.meshgrid(axis, axis, axis, indexing="ij")
    inverse = np.linalg.inv(given.covariance)
    d = np.stack([given.mean[0] - one, given.mean[1] - two])
    energy = np.einsum("iabc,ij,jabc->abc", d, inverse, d) + ((one - mu) ** 2 + (two - mu) ** 2) / tau**2
    weight = np.exp(-0.5 * (energy - energy.min()))
    weight /= weight.sum()
    means = np.array([(weight * one).sum(), (weight * two).sum()])
    assert found.means[k] == pytest.approx(means, abs=1e-3)
    assert found.covariances[k][0, 1] == pytest.approx(
        (weight * (one - means[0]) * (two - means[1])).sum(), abs=1e-4
    )


def test_draws_have_the_mean_and_twins_stay_twins() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 50))
    twins = Sample(np.array([0.4, 0.4, 0.6]), np.stack([noise[0], noise[0], noise[1]]) / 100, 50)
    found = posterior(twins)
    draws = found.draws(20_000, np.random.default_rng(1))
    assert draws.mean(axis=1) == pytest.approx(found.mean, abs=0.003)
    assert draws[0] == pytest.approx(draws[1], abs=1e-9)


def test_nothing_to_pull() -> None:
    alone = posterior(sample([0.3], 0.1))
    assert alone.mean == pytest.approx([0.3])
    sure = posterior(Sample(np.array([0.0, 1.0]), np.zeros((2, 5)), 5))
    assert sure.mean == pytest.approx([0, 1])
