"""What training again would change: intervals widened by the variance between training seeds.

Items and seeds are two sources of error. A t on the means of the seeds holds the second, and with it the chance by
which adapters differ item by item; the interval of the items, less that chance, holds the first; the distances of
both are added as squares (MOVER, Zou & Donner 2008, Statistics in Medicine 27:1693). The mean squares are those of
two-way random effects (Searle, Casella & McCulloch 1992, section 4.3), robust to clusters. So many seeds less one are
the degrees of freedom: two seeds that differ make a very wide interval, and should. Simulated yes/no answers of 40 or
300 items are covered in 93.8 to 96.5% by two, three or five seeds; taking chance off the seeds instead, which narrows
the interval to that of the items wherever the seeds happen to agree, fell to 85%.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from harness.comparison.bootstrap import cluster_sums
from harness.comparison.estimate import Rows
from harness.comparison.intervals import t_value
from harness.comparison.sums import summarise
from harness.comparison.table import Bools, Floats, Ints, Table
from harness.types.results import Estimate, Score
from harness.types.settings import Scenario

Contrast = Mapping[int, float]
"""Weight by the row of a variant; what a row of ``Rows`` is made of."""


def seed_counts(scenario: Scenario) -> dict[str, int]:
    """Training seeds by variant, for those with an adapter."""
    return {
        v.name: scenario.adapters[name].seeds if name in scenario.adapters else 1
        for v in scenario.variants
        for kind, _, name in [v.weights.partition(":")]
        if kind == "adapter"
    }


@dataclass(frozen=True)
class Seeds:
    """The scores of variants whose adapter was trained more than once."""

    adapter: dict[int, str]
    """By row of the variant."""
    values: dict[str, dict[int, Floats]]
    """By metric and row: (S, I), mean over samples; NaN where there is none."""

    def widen(
        self, metric: str, inside: Bools, rows: Rows, contrasts: Sequence[Contrast], found: Sequence[Estimate]
    ) -> list[Estimate]:
        """``found`` with intervals that hold the seeds; unchanged where none of a row's adapters has several.

        ``inside`` is the (I,) mask of the slice, whose items ``rows`` are about. Medians are left as they are:
        only times are medians, and those are of the first adapter.
        """
        if not self.values.get(metric) or rows.statistic == "median":
            return list(found)
        return [
            self._widened(self.values[metric], inside, rows, k, contrast, estimate)
            for k, (contrast, estimate) in enumerate(zip(contrasts, found, strict=True))
        ]

    def _widened(
        self,
        values: Mapping[int, Floats],
        inside: Bools,
        rows: Rows,
        k: int,
        contrast: Contrast,
        estimate: Estimate,
    ) -> Estimate:
        tuned = [row for row in contrast if row in values]
        if not tuned or estimate.value is None or estimate.low is None or estimate.high is None:
            return estimate
        used = ~np.isnan(rows.values[k])
        squared, chance, counts = 0.0, 0.0, set[int]()
        for name in sorted({self.adapter[row] for row in tuned}):
            # Of one adapter's seeds both variants of a difference have the same, which may cancel.
            parts = [contrast[r] * values[r][:, inside][:, used] for r in tuned if self.adapter[r] == name]
            by_seed = np.sum(parts, axis=0)
            n = len(by_seed)
            between, of_items = seed_spread(by_seed, rows.cluster[used])
            counts.add(n)
            squared += t_value(n - 1) ** 2 * between / n
            chance += of_items / n
        whole = float(summarise(rows.values[k : k + 1], rows.cluster).variance[0])
        left = max(0.0, 1 - chance / whole) if whole > 0 else 1.0
        low = estimate.value - sqrt(left * (estimate.value - estimate.low) ** 2 + squared)
        high = estimate.value + sqrt(left * (estimate.high - estimate.value) ** 2 + squared)
        if rows.support != "unbounded":
            low, high = max(0.0 if rows.support == "unit" else -rows.scale, low), min(rows.scale, high)
        said = " and ".join(str(n) for n in sorted(counts))
        return estimate.model_copy(
            update={"low": low, "high": high, "method": f"{estimate.method}, with {said} training seeds"}
        )


def seed_spread(values: Floats, cluster: Ints) -> tuple[float, float]:
    """Variance between the means of seeds in (S, I) ``values``, and what of it chance among items would make.

    Items that lack a seed are left out; both are 0 where fewer than two clusters remain.
    """
    whole = ~np.isnan(values).any(axis=0)
    values = values[:, whole]
    numbers, place = np.unique(cluster[whole], return_inverse=True)
    s, i, c = len(values), values.shape[1], len(numbers)
    if c < 2:
        return 0.0, 0.0
    means = values.mean(axis=1)
    rest = values - means[:, None] - values.mean(axis=0) + values.mean()
    by_cluster = cluster_sums(rest, place, c)
    chance = float((by_cluster**2).sum()) * c / (c - 1) / (s - 1) / i**2
    return float(means.var(ddof=1)), chance


def read_seeds(scenario: Scenario, table: Table, scores: Sequence[Score]) -> Seeds:
    """Scores by training seed; repeat r is of seed r modulo their number."""
    counts = {name: n for name, n in seed_counts(scenario).items() if n > 1}
    weights = {v.name: v.weights for v in scenario.variants}
    row_of = {name: table.variants.index(name) for name in counts}
    item_of = {name: i for i, name in enumerate(table.items)}
    sums: dict[str, dict[int, Floats]] = {}
    for score in sorted(
        (s for s in scores if s.variant in counts and s.value is not None),
        key=lambda s: (s.variant, s.item, s.repeat),
    ):
        n, row = counts[score.variant], row_of[score.variant]
        cells = sums.setdefault(score.metric, {}).setdefault(row, np.zeros((2, n, len(item_of))))
        cells[:, score.repeat % n, item_of[score.item]] += (score.value or 0.0, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {m: {row: total / count for row, (total, count) in of.items()} for m, of in sums.items()}
    return Seeds({row_of[name]: weights[name] for name in counts}, values)
