"""Where the spread of a variant's scores comes from: the items, the sampling of answers, the training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from harness.types.results import Score, VarianceParts

ONE_REPEAT = "each item was answered once, so items and sampling cannot be told apart"
ONE_SEED = "each adapter was trained once"
NOT_TRAINED = "nothing is trained"


def variance_parts(
    variants: Sequence[str], trained: Iterable[str], metric: str, scores: Iterable[Score]
) -> tuple[VarianceParts, ...]:
    """One record for each variant, from the rows of ``metric``; ``trained`` names those with an adapter."""
    values: dict[str, dict[str, list[float]]] = {name: {} for name in variants}
    for score in scores:
        if score.metric == metric and score.value is not None and score.variant in values:
            values[score.variant].setdefault(score.item, []).append(score.value)
    with_adapter = frozenset(trained)
    return tuple(
        _parts(name, [sorted(v) for _, v in sorted(values[name].items())], name in with_adapter)
        for name in variants
    )


def _parts(variant: str, by_item: Sequence[Sequence[float]], trained: bool) -> VarianceParts:
    """One-way random-effects analysis of variance (Searle, Casella & McCulloch 1992, chapter 3).

    Values of an item are sorted, so that sums do not depend on the order of the journal.
    """
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
        reason=reason,
        training_reason=ONE_SEED if trained else NOT_TRAINED,
    )
