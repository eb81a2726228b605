"""A judge's judgements held against labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.types.agreement import AnswerValidation, PairValidation
from harness.types.judging import AnswerLabel, PairJudgement, PreferencePair


def validate_pairs(
    judge: str,
    pairs: Sequence[PreferencePair],
    judgements: Sequence[PairJudgement],
    floor: float,
    rng: np.random.Generator,
    cluster: str | None = None,
    own: str | None = None,
) -> PairValidation:
    """``cluster`` is the slice key that says which pairs belong together; ``own`` the writer's name in the slices
    ``writer_a`` and ``writer_b`` that is the judge's own family."""
    raise NotImplementedError


def validate_answers(
    judge: str,
    labels: Sequence[AnswerLabel],
    judged: Mapping[str, float | None],
    failures: Mapping[str, str],
    floor: float,
    threshold: float,
    rng: np.random.Generator,
    clusters: Mapping[str, str] | None = None,
) -> AnswerValidation:
    """``judged`` and ``failures`` by the label's id, on the label's scale; ``clusters`` by item (default: the item).
    All labels are of one criterion. ``threshold``: from which value on an answer is good (0.5 for pass, 4 for 1-5).
    """
    raise NotImplementedError
