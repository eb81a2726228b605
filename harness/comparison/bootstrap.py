"""The cluster bootstrap: whole clusters are drawn with replacement (Davison & Hinkley 1997, section 3.8).

Items of one cluster share a fact, so they succeed and fail together; resampling items would treat them as
independent and give intervals that are too short (Miller 2024, arXiv:2411.00640).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from math import inf, isnan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from harness.comparison.table import Floats, Ints

CONFIDENCE = 0.95
RESAMPLES = 10_000
_BLOCK = 1000
"""Resamples that are multiplied at a time: all at once would take 240 MB for 3,000 clusters."""


def stable_seed(seed: int, *parts: str) -> int:
    """A 64-bit seed from a scenario's seed and names; ``hash()`` would differ between processes."""
    digest = hashlib.sha256("\x1f".join((str(seed), *parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


class Resampler:
    """The draws of one slice: how often each cluster is drawn in each resample.

    All metrics of a slice that rest on equally many clusters share them, which keeps variants, quality and
    cost joint. They depend on the seed, the slice and the number of clusters only, so another metric
    changes no number that was there before.
    """

    def __init__(self, seed: int, slice: str, resamples: int = RESAMPLES):
        self.seed, self.slice, self.resamples = seed, slice, resamples
        self._counts: dict[int, NDArray[np.uint8]] = {}
        self._below: dict[bytes, Floats] = {}

    def counts(self, n_clusters: int) -> NDArray[np.uint8]:
        """(resamples, clusters): each row is multinomial, all clusters equally likely."""
        if n_clusters not in self._counts:
            rng = np.random.default_rng(stable_seed(self.seed, "clusters", self.slice, str(n_clusters)))
            counts = np.empty((self.resamples, n_clusters), dtype=np.uint8)
            for rows in self._blocks(counts):
                # Counting drawn indices is the same distribution as rng.multinomial and ten times as fast.
                drawn = rng.integers(0, n_clusters, size=rows.shape)
                drawn += np.arange(len(rows))[:, None] * n_clusters
                rows[:] = np.bincount(drawn.ravel(), minlength=rows.size).reshape(rows.shape)
            self._counts[n_clusters] = counts
        return self._counts[n_clusters]

    def _blocks(self, counts: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        return [counts[start : start + _BLOCK] for start in range(0, self.resamples, _BLOCK)]

    def ratios(self, numerators: Floats, denominators: Floats) -> Floats:
        """(K, C) and (K, C) cluster sums give (K, R) resampled ratios of sums.

        A mean is the ratio of a sum to a number of items. A resample with nothing below the line is NaN.
        """
        below = np.stack([self._denominator(row) for row in denominators])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self._sums(numerators) / below, dtype=np.float64)

    def _sums(self, sums: Floats) -> Floats:
        """(K, C) cluster sums give (K, R) resampled ones."""
        blocks = self._blocks(self.counts(sums.shape[1]))
        return np.concatenate([sums @ block.T.astype(np.float64) for block in blocks], axis=1)

    def _denominator(self, sizes: Floats) -> Floats:
        """(R,). Most rows of most metrics rest on the same items, so their product is kept."""
        key = sizes.tobytes()
        if key not in self._below:
            self._below[key] = self._sums(sizes[None, :])[0]
        return self._below[key]


def compact(cluster: Ints) -> tuple[Ints, int]:
    """Cluster numbers without gaps, and how many there are."""
    names, numbers = np.unique(cluster, return_inverse=True)
    return numbers.reshape(-1).astype(np.int64), len(names)


def cluster_sums(values: Floats, cluster: Ints, n_clusters: int) -> Floats:
    """(K, I) values and (I,) cluster numbers give (K, C) sums; NaN counts as nothing."""
    rows = values.shape[0]
    flat = (np.arange(rows)[:, None] * n_clusters + cluster[None, :]).ravel()
    sums = np.bincount(
        flat, weights=np.where(np.isnan(values), 0.0, values).ravel(), minlength=rows * n_clusters
    )
    return np.asarray(sums, dtype=np.float64).reshape(rows, n_clusters)


@lru_cache(maxsize=4096)
def expanded_tail(n_clusters: int, confidence: float = CONFIDENCE) -> float:
    """Tail probability of the expanded percentile interval (Hesterberg 2015, The American Statistician 69:4).

    A plain percentile interval is too short by sqrt((C-1)/C) and by using z for t; reading it off further
    out mends both at once. From about 5 clusters on the resamples resolve this tail.
    """
    t = stdtrit(n_clusters - 1, 0.5 + confidence / 2)
    return float(ndtr(-sqrt(n_clusters / (n_clusters - 1)) * t))


def percentile_interval(
    draws: Floats, n_clusters: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Bounds from (R,) draws, linear between order statistics; an infinite draw can make a bound infinite."""
    kept = np.sort(draws)
    kept = kept[: len(kept) - int(np.isnan(draws).sum())]
    tail = expanded_tail(n_clusters, confidence)
    low, high = _quantile(kept, tail), _quantile(kept, 1 - tail)
    # Sums that cancel leave 1e-17, and a verdict must not hang on that being above 0.
    speck = 1e-12 * float(np.abs(kept[[0, -1]]).max())
    return (0.0 if abs(low) <= speck < inf else low), (0.0 if abs(high) <= speck < inf else high)


def _quantile(ordered: Floats, probability: float) -> float:
    place = probability * (len(ordered) - 1)
    below = int(place)
    low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
    mixed = low + (place - below) * (high - low) if low != high else low
    return high if isnan(mixed) else mixed
