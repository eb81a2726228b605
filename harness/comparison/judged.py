"""A judge's scores as a metric of the comparison, corrected by labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.types.agreement import Trust
from harness.types.data import Item
from harness.types.judged import JudgedEstimate, JudgedMetric
from harness.types.judging import AnswerLabel
from harness.types.results import Score


def judged_metric(
    judge: str,
    variants: Sequence[str],
    baseline: str,
    items: Sequence[Item],
    scores: Sequence[Score],
    texts: Mapping[tuple[str, str], str],
    labels: Sequence[AnswerLabel],
    trust: Trust | None,
    criterion: str = "pass",
) -> JudgedMetric:
    """``scores`` of all metrics (those of ``judge.<judge>`` are taken), on the labels' scale; ``texts`` of the
    quality pass (repeat 0) by (variant, item); ``labels`` of all samples and criteria (random ones of
    ``criterion`` are taken)."""
    raise NotImplementedError


def half_width_after(estimate: JudgedEstimate, extra: int) -> float | None:
    """Half the width of the 95% interval expected after ``extra`` more labels; None where it is unknown."""
    raise NotImplementedError


def labels_needed(estimate: JudgedEstimate, half_width: float) -> int | None:
    """How many more labels bring half the interval down to this; None where no number does."""
    raise NotImplementedError
