"""Hit rate and wrong hits of an answer cache, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparison.estimate import Rows, analytic_estimates
from harness.types.cache import CacheFigure
from harness.types.estimate import Estimate

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Outcome:
    """What became of one question."""

    cluster: str
    hit: bool
    wrong: bool | None = None
    """None where there is no hit, or the answers that would tell are missing."""
    other_facts: bool | None = None
    """None where there is no hit, or nothing is required of one of the two questions."""


def cache_figure(variant: str, near: float | None, chosen: bool, outcomes: Sequence[Outcome]) -> CacheFigure:
    """Rates over ``outcomes``; of the hits that cannot be judged, n_missing tells how many there are."""
    hits = [o for o in outcomes if o.hit]
    return CacheFigure(
        variant=variant,
        near=near,
        chosen=chosen,
        hits=_share([(o.cluster, o.hit) for o in outcomes], "there is no question"),
        wrong=_share(
            [(o.cluster, o.wrong) for o in hits],
            "no hit of a held-out question on another's answer" if hits else "no hits",
        ),
        other_facts=_share(
            [(o.cluster, o.other_facts) for o in hits],
            "no hit between questions that require facts" if hits else "no hits",
        ),
    )


def _share(seen: Sequence[tuple[str, bool | None]], why_empty: str) -> Estimate:
    number = {name: n for n, name in enumerate(sorted({cluster for cluster, _ in seen}))}
    values = np.array([[np.nan if yes is None else float(yes) for _, yes in seen]], dtype=np.float64)
    cluster = np.array([number[name] for name, _ in seen], dtype=np.int64)
    missing = int(np.isnan(values).sum())
    rows = Rows(values, cluster, (missing,), (why_empty,), "mean", "unit")
    return analytic_estimates(rows, CONFIDENCE)[0]
