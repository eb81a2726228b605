"""The winner's curse: the best of several noisy figures is too good on average, by as much as noise made it best.

The figures are drawn towards their mean by the positive-part James-Stein rule (Efron & Morris 1975, JASA 70:311).
All variants answer the same items, so what is drawn together is their distance from the mean of the variants: the
difficulty of the items is in all of them and selects nobody.
"""

from __future__ import annotations

import numpy as np

from harness.comparison.bootstrap import Resampler, cluster_sums, compact
from harness.comparison.table import Matrix
from harness.types.results import Shrinkage

FEWEST = 4
"""Variants below which the rule draws nothing in: its factor is 1 - (K - 3) x noise / spread."""


def shrink_winner(matrix: Matrix, variants: tuple[str, ...], winner: str, resampler: Resampler) -> Shrinkage:
    """The winner's mean on the items that all scored variants answered, raw and drawn in.

    ``matrix`` is (V, I); variants without any value take no part.
    """
    scored = [row for row in range(len(variants)) if np.isfinite(matrix.values[row]).any()]
    common = np.isfinite(matrix.values[scored]).all(axis=0)
    values = matrix.values[scored][:, common]
    place = scored.index(variants.index(winner))
    count = len(scored)

    def told(raw: float | None, shrunk: float | None, factor: float | None, reason: str | None) -> Shrinkage:
        return Shrinkage(
            variant=winner, raw=raw, shrunk=shrunk, factor=factor, n_variants=count, n=values.shape[1],
            reason=reason,
        )  # fmt: skip

    if not values.shape[1]:
        return told(None, None, None, "no item was answered by all variants")
    means = values.mean(axis=1)
    raw = float(means[place])
    if count < FEWEST:
        return told(
            raw, None, None, f"it takes {FEWEST} variants to tell spread from noise, there are {count}"
        )
    cluster, width = compact(matrix.cluster[common])
    if width < 2:
        return told(raw, None, None, "one cluster of items shows no noise")
    apart = values - values.mean(axis=0)
    sizes = cluster_sums(np.ones_like(apart), cluster, width)
    draws = resampler.ratios(cluster_sums(apart, cluster, width), sizes)
    noise = float(draws.var(axis=1).sum()) * width / (width - 1)
    spread = float(((means - means.mean()) ** 2).sum())
    if spread == 0:
        return told(raw, raw, 1.0, None)  # nobody won
    # Both sums stand for K - 1 free distances, so their ratio is that of the rule.
    factor = max(0.0, 1.0 - (count - 3) / (count - 1) * noise / spread)
    return told(raw, float(means.mean() + factor * (raw - means.mean())), factor, None)
