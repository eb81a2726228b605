"""Where the spread of a variant's scores comes from: the items, the sampling of answers, the training."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.comparison.table import Floats
from harness.types.results import Score, VarianceParts

ONE_REPEAT = "each item was answered once, so items and sampling cannot be told apart"
ONE_SEED = "each adapter was trained once"
NOT_TRAINED = "nothing is trained"


def variance_parts(
    variants: Sequence[str],
    seeds: Mapping[str, int],
    sampled: Collection[str],
    metric: str,
    scores: Iterable[Score],
) -> tuple[VarianceParts, ...]:
    """One record for each variant, from the rows of ``metric``.

    ``seeds`` has the number of training seeds of each variant with an adapter; ``sampled`` names the variants that
    answer at a temperature above 0. Items count as independent, those of a cluster too.
    """
    values: dict[str, dict[str, dict[int, float]]] = {name: {} for name in variants}
    for score in scores:
        if score.metric == metric and score.value is not None and score.variant in values:
            values[score.variant].setdefault(score.item, {})[score.repeat] = score.value
    return tuple(
        _of_seeds(name, values[name], seeds[name], name in sampled)
        if seeds.get(name, 1) > 1
        else _of_repeats(name, values[name], name in seeds)
        for name in variants
    )


def _of_repeats(variant: str, values: Mapping[str, Mapping[int, float]], trained: bool) -> VarianceParts:
    """One-way random-effects analysis of variance (Searle, Casella & McCulloch 1992, chapter 3).

    Values of an item are sorted, so that sums do not depend on the order of the journal.
    """
    by_item = [sorted(values[item].values()) for item in sorted(values)]
    item: float | None = None
    sampling: float | None = None
    reason = None
    n, counts = len(by_item), np.array([len(v) for v in by_item], dtype=np.float64)
    within = counts.sum() - n
    if n < 2:
        reason = f"{n} items have a value, which is too few to see a spread"
    elif within == 0:
        reason = ONE_REPEAT
    else:
        means = np.array([np.mean(v) for v in by_item])
        sampling = float(
            sum(((np.array(v) - m) ** 2).sum() for v, m in zip(by_item, means, strict=True)) / within
        )
        between = float((counts * (means - (counts * means).sum() / counts.sum()) ** 2).sum() / (n - 1))
        typical = (counts.sum() - (counts**2).sum() / counts.sum()) / (n - 1)
        item = max(0.0, (between - sampling) / float(typical))
    return VarianceParts(
        variant=variant,
        item=item,
        sampling=sampling,
        training_seed=None,
        seeds=1 if trained else None,
        reason=reason,
        training_reason=ONE_SEED if trained else NOT_TRAINED,
    )


def _of_seeds(
    variant: str, values: Mapping[str, Mapping[int, float]], seeds: int, sampled: bool
) -> VarianceParts:
    """Two-way random effects of items and training seeds with interaction, on the items with every repeat."""
    most = max((len(v) for v in values.values()), default=0)
    repeats = range(max(seeds, most - most % seeds))
    whole = [[values[i][r] for r in repeats] for i in sorted(values) if set(repeats) <= values[i].keys()]
    if len(whole) < 2:
        reason = f"{len(whole)} items have a value of every repeat, which is too few to see a spread"
        found: dict[str, Any] = {"item": None, "sampling": None, "training_seed": None}
        return VarianceParts(variant=variant, seeds=seeds, reason=reason, training_reason=reason, **found)
    # Repeat r is of seed r modulo their number.
    cells = np.array(whole, dtype=np.float64).reshape(len(whole), -1, seeds).swapaxes(1, 2)
    item, seed, both, sampling = components(cells)
    mixed = (
        sampling is None and sampled
    )  # one sampled answer of each adapter: its chance is in the interaction
    return VarianceParts(
        variant=variant,
        item=item,
        sampling=both if mixed else (sampling or 0.0),
        training_seed=seed,
        training_by_item=None if mixed else both,
        seeds=seeds,
    )


def components(cells: Floats) -> tuple[float, float, float, float | None]:
    """Variances of items, seeds, their interaction and repeats from (I, S, M) values.

    Expected mean squares of the balanced two-way random model, negative estimates set to 0 (Searle, Casella &
    McCulloch 1992, section 4.3). With M = 1 the last is None and the interaction holds it too.
    """
    i, s, m = cells.shape
    cell = cells.mean(axis=2)
    of_item, of_seed, grand = cell.mean(axis=1), cell.mean(axis=0), cell.mean()
    by_item = s * m * ((of_item - grand) ** 2).sum() / (i - 1)
    by_seed = i * m * ((of_seed - grand) ** 2).sum() / (s - 1)
    rest = cell - of_item[:, None] - of_seed[None, :] + grand
    by_both = m * (rest**2).sum() / ((i - 1) * (s - 1))
    within = float(((cells - cell[:, :, None]) ** 2).sum() / (i * s * (m - 1))) if m > 1 else None
    return (
        max(0.0, float(by_item - by_both) / (s * m)),
        max(0.0, float(by_seed - by_both) / (i * m)),
        max(0.0, float(by_both) - (within or 0.0)) / m,
        within,
    )
