"""What is believed of the variants' true means, given noisy ones: the more noise, the nearer to each other.

The variant that looks best in a sample is, on average, not as good as it looks, and the more so the more
variants were tried. A hierarchical normal model (Gelman et al. 2013, Bayesian Data Analysis, section 5.4)
takes that back: means b_v ~ N(mu, tau^2) measured as b + e, e ~ N(0, Sigma), with mu flat and tau half-Cauchy.
tau is summed over a grid, so that nothing is iterated and the same input gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparison.bootstrap import cluster_sums, compact
from harness.comparison.table import Floats, Matrix

SCALE = 0.2
"""Of the prior of tau, in standard deviations of one item: a small effect (Cohen 1988)."""
_GRID = np.geomspace(0.005, 5, 30)
"""Values of tau, in the same unit."""


@dataclass(frozen=True)
class Sample:
    """Means of V variants and what each of C clusters adds to their errors."""

    mean: Floats
    """(V,)"""
    residual: Floats
    """(V, K), of the linearised mean (Liang & Zeger 1986): a column for each cluster, and V for what follows."""
    clusters: int

    @property
    def covariance(self) -> Floats:
        """(V, V), of the means."""
        correction = self.clusters / max(self.clusters - 1, 1)
        return np.asarray(self.residual @ self.residual.T * correction, dtype=np.float64)

    @property
    def item_sd(self) -> float:
        """Spread of one independent item: it stays the same when more are asked."""
        return float(np.sqrt(np.diag(self.covariance).mean() * self.clusters))

    def __add__(self, other: Sample) -> Sample:
        return Sample(self.mean + other.mean, self.residual + other.residual, self.clusters)

    def __rmul__(self, factor: float) -> Sample:
        return Sample(factor * self.mean, factor * self.residual, self.clusters)

    def draws(self, size: int, rng: np.random.Generator) -> Floats:
        """(V, size), normal about the means, nothing pulled together."""
        return self.mean[:, None] + _root(self.covariance) @ rng.standard_normal((len(self.mean), size))


def sample_of(matrix: Matrix, rows: Sequence[int]) -> Sample:
    """The means of ``rows``, each over the items that it has; clusters are those of the whole table.

    Answers that were all right or all wrong show no spread, and still prove no certainty: their standard error
    is 1/C, that of a proportion with a flat prior (Laplace), in a column of their own.
    """
    values = matrix.values[list(rows)]
    cluster, width = compact(matrix.cluster)
    sizes = cluster_sums((~np.isnan(values)).astype(np.float64), cluster, width)
    n = np.maximum(sizes.sum(axis=1), 1)
    totals = cluster_sums(values, cluster, width)
    mean = totals.sum(axis=1) / n
    residual = (totals - mean[:, None] * sizes) / n[:, None]
    asked = np.maximum((sizes > 0).sum(axis=1), 1)
    certain = np.array([bool(np.isin(row[~np.isnan(row)], end).all()) for row in values for end in (0, 1)])
    unseen = np.where(certain.reshape(-1, 2).any(axis=1), 1 / asked, 0.0)
    return Sample(mean, np.hstack([residual, np.diag(unseen)]), width)


@dataclass(frozen=True)
class Posterior:
    """A mixture over the grid of tau; V variants, T values of tau."""

    weight: Floats
    """(T,), sums to 1."""
    means: Floats
    """(T, V)"""
    covariances: Floats
    """(T, V, V)"""

    @property
    def mean(self) -> Floats:
        """(V,)"""
        return np.asarray(self.weight @ self.means, dtype=np.float64)

    def draws(self, size: int, rng: np.random.Generator) -> Floats:
        """(V, size)"""
        component = rng.choice(len(self.weight), size=size, p=self.weight)
        normal = rng.standard_normal((self.means.shape[1], size))
        found = np.empty_like(normal)
        for k in np.unique(component):
            mine = component == k
            found[:, mine] = self.means[k][:, None] + _root(self.covariances[k]) @ normal[:, mine]
        return found


def posterior(sample: Sample) -> Posterior:
    mean, covariance, item_sd = sample.mean, sample.covariance, sample.item_sd
    if len(mean) < 2 or item_sd <= 0:
        return Posterior(np.ones(1), mean[None, :], covariance[None, :, :])
    one = np.ones(len(mean))
    log_weight, means, covariances = [], [], []
    for step in _GRID:
        inverse, pull, known = _pull(covariance, step * item_sd)
        away = mean - (one @ inverse @ mean) / known
        means.append(mean - pull @ away)
        covariances.append(_covariance(covariance, pull, known))
        likelihood = 0.5 * (np.linalg.slogdet(inverse)[1] - np.log(known) - away @ inverse @ away)
        # Half-Cauchy, times tau because the grid is even in its logarithm.
        log_weight.append(likelihood + np.log(step) - np.log1p((step / SCALE) ** 2))
    weight = np.exp(np.array(log_weight) - max(log_weight))
    return Posterior(weight / weight.sum(), np.array(means), np.array(covariances))


def resolved(sample: Sample, believed: Posterior, growth: float) -> float:
    """Share of the uncertainty about the differences that ``growth`` times the items would take away."""
    if len(sample.mean) < 2 or sample.item_sd <= 0:
        return 0.0
    covariance = sample.covariance / growth
    later = []
    for step in _GRID:
        _, pull, known = _pull(covariance, step * sample.item_sd)
        later.append(_covariance(covariance, pull, known))
    now, then = (_contrasts(believed.weight, c) for c in (believed.covariances, np.array(later)))
    return 1 - then / now if now > 0 else 0.0


def _contrasts(weight: Floats, covariances: Floats) -> float:
    """Variance of the differences from the common mean, over the mixture."""
    mixed = np.tensordot(weight, covariances, axes=1)
    return float(np.trace(mixed) - mixed.mean() * len(mixed))


def _pull(covariance: Floats, tau: float) -> tuple[Floats, Floats, float]:
    """Inverse of the marginal covariance, the matrix that pulls the means together, and how well mu is known."""
    total = covariance + tau * tau * np.eye(len(covariance))
    inverse = np.asarray(np.linalg.inv(total), dtype=np.float64)
    return inverse, covariance @ inverse, float(inverse.sum())


def _covariance(covariance: Floats, pull: Floats, known: float) -> Floats:
    spill = pull.sum(axis=1)
    found = covariance - pull @ covariance + np.outer(spill, spill) / known
    return np.asarray((found + found.T) / 2, dtype=np.float64)


def _root(covariance: Floats) -> Floats:
    """A square root that bears twins, whose covariance is singular."""
    values, vectors = np.linalg.eigh(covariance)
    kept = np.where(values > 1e-13 * values.max(initial=0), values, 0.0)
    return np.asarray(vectors * np.sqrt(kept), dtype=np.float64)
