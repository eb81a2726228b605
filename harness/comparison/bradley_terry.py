"""All variants ranked by pairwise judgements: Bradley & Terry 1952 (Biometrika 39:324).

The odds that i is preferred to j are worth_i / worth_j. A tie counts as half a win of each side, which is what the
strengths rest on in Davidson's model of ties too (Davidson 1970, JASA 65:317: wins plus half the ties are sufficient
for them); how often ties occur is told beside them and not modelled. Intervals and probabilities of ranks are those
of a cluster bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparison.bootstrap import percentile_interval
from harness.comparison.estimate import MIN_CLUSTERS
from harness.comparison.table import Floats
from harness.types.estimate import Estimate
from harness.types.judged import Ranking, Strength
from harness.types.judging import Side

PRIOR = 0.5
"""Tied duels added between any two variants that met, so that one which never won has a finite strength."""
_LARGEST_STEP = 2.0
_METHOD = "Bradley-Terry, ties as half wins, cluster bootstrap"


@dataclass(frozen=True)
class Duel:
    """Two variants' answers to one item, and which was preferred."""

    a: str
    b: str
    cluster: str
    outcome: Side


def rank_variants(
    judge: str,
    variants: Sequence[str],
    duels: Sequence[Duel],
    rng: np.random.Generator,
    resamples: int = 1000,
) -> Ranking:
    """Judgements that failed are left out by the caller; variants without any duel are not ranked."""
    names = [v for v in variants if any(v in (d.a, d.b) for d in duels)]
    ties = sum(d.outcome == "tie" for d in duels)
    wins = _wins_by_cluster(names, duels)
    clusters = len(wins)
    total = wins.sum(axis=0)
    few = clusters < MIN_CLUSTERS

    def ranking(
        strengths: Sequence[Strength], beats: Sequence[Sequence[float]], reason: str | None
    ) -> Ranking:
        return Ranking(
            judge=judge, strengths=tuple(strengths), beats=tuple(tuple(row) for row in beats),
            n_duels=len(duels), n_ties=ties, n_clusters=clusters, method=_METHOD, reason=reason,
        )  # fmt: skip

    if reason := _why_unranked(names, total):
        return ranking((), (), reason)
    fitted = fit(_with_prior(total)[None])[0]
    drawn = _draws(wins, rng, resamples)
    places = (-drawn).argsort(axis=1, kind="stable").argsort(axis=1)
    order = [int(i) for i in np.argsort(-fitted, kind="stable")]
    why = f"no interval: {clusters} clusters are too few" if few else None
    strengths = []
    for i in order:
        low, high = (None, None) if few else percentile_interval(drawn[:, i], clusters)
        n = sum(names[i] in (d.a, d.b) for d in duels)
        estimate = Estimate(
            value=float(fitted[i]), low=low, high=high, n=n, n_missing=0, n_clusters=clusters, method=_METHOD,
            reason=why,
        )  # fmt: skip
        ranks = tuple(float((places[:, i] == k).mean()) for k in range(len(names)))
        wins_of = float(total[i].sum())
        made = Strength(
            variant=names[i], strength=estimate, wins=wins_of, n_duels=n, best=ranks[0], ranks=ranks
        )
        strengths.append(made)
    ordered = fitted[order]
    beats = 1 / (1 + np.exp(ordered[None, :] - ordered[:, None]))
    return ranking(strengths, beats.tolist(), why)


def fit(wins: Floats) -> Floats:
    """(R, V) log worths, each row of mean 0, that are most likely given (R, V, V) wins of row over column.

    Newton's method with steps cut off; the likelihood is concave, and every variant must have met the others
    directly or through third ones.
    """
    met = wins + wins.transpose(0, 2, 1)
    count, n = wins.shape[:2]
    strength = np.zeros((count, n))
    for _ in range(100):
        expected = 1 / (1 + np.exp(strength[:, None, :] - strength[:, :, None]))
        slope = (wins - met * expected).sum(axis=2)
        weight = met * expected * (1 - expected)
        curvature = -weight
        curvature[:, range(n), range(n)] = weight.sum(axis=2) - weight[:, range(n), range(n)]
        # The likelihood says nothing of the mean; a constant added in that direction makes it invertible.
        step = np.linalg.solve(curvature + 1 / n, slope[..., None])[..., 0]
        strength += np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)
        strength -= strength.mean(axis=1, keepdims=True)
        if np.abs(step).max() < 1e-9:
            break
    return strength


def _wins_by_cluster(names: Sequence[str], duels: Sequence[Duel]) -> Floats:
    """(C, V, V) wins of row over column, ties as half."""
    row = {name: i for i, name in enumerate(names)}
    place = {name: i for i, name in enumerate(sorted({d.cluster for d in duels}))}
    wins = np.zeros((len(place), len(names), len(names)))
    share = {"a": 1.0, "b": 0.0, "tie": 0.5}
    for d in duels:
        cell = wins[place[d.cluster]]
        cell[row[d.a], row[d.b]] += share[d.outcome]
        cell[row[d.b], row[d.a]] += 1 - share[d.outcome]
    return wins


def _with_prior(wins: Floats) -> Floats:
    return wins + PRIOR / 2 * ((wins + wins.T) > 0)


def _draws(wins: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """(R, V) strengths of resampled clusters; the prior stays on the pairs that met in the whole."""
    clusters, n = wins.shape[:2]
    counts = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples).astype(np.float64)
    drawn = (counts @ wins.reshape(clusters, n * n)).reshape(resamples, n, n)
    total = wins.sum(axis=0)
    return fit(drawn + PRIOR / 2 * ((total + total.T) > 0))


def _why_unranked(names: Sequence[str], wins: Floats) -> str | None:
    if len(names) < 2:
        return "no two variants were judged against each other"
    met, reached = (wins + wins.T) > 0, {0}
    for _ in names:
        reached |= {j for i in reached for j in range(len(names)) if met[i, j]}
    apart = [name for i, name in enumerate(names) if i not in reached]
    return f"{', '.join(apart)} never met the others, directly or through third ones" if apart else None
