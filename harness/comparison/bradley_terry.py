"""All variants ranked by pairwise judgements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.types.judged import Ranking
from harness.types.judging import Side


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
    """Judgements that failed are left out by the caller."""
    raise NotImplementedError
