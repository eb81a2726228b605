"""The recommendation: hard limits first, then what an answer is worth or, unstated, quality and then price."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.comparison.bootstrap import Resampler, cluster_sums, compact
from harness.comparison.estimate import estimate_rows
from harness.comparison.model import Contest, common
from harness.comparison.paired import difference_rows
from harness.comparison.reason import listed, reason
from harness.comparison.utility import rank
from harness.types.decision import DecisionModel
from harness.types.results import Decision, Estimate


def decide(contest: Contest, model: DecisionModel, preview: bool, resampler: Resampler) -> Decision:
    """The recommendation at the scenario's terms; variants in the order of the contest's rows."""
    outcomes, ranking, tied = rank(model, model.terms)
    ruled_out = {o.variant: o.ruled_out for o in outcomes if o.ruled_out is not None}
    start = "Preview, not a basis for a decision. " if preview else ""
    if not ranking:
        return Decision(
            choice=None, runner_up=None, probability_best={}, ruled_out=ruled_out, tied=(), lead=None,
            reason=f"{start}No variant qualifies: {listed(ruled_out)}.",
        )  # fmt: skip
    row_of = {o.variant: row for row, o in enumerate(outcomes)}
    allowed = [row for row, o in enumerate(outcomes) if o.ruled_out is None]
    choice = ranking[0]
    runner_up = _runner_up(model, ranking, tied)
    lead = None
    if runner_up:
        lead = _difference(contest, row_of[choice], row_of[runner_up], resampler)
    return Decision(
        choice=choice,
        runner_up=runner_up,
        probability_best=dict(
            zip(
                (outcomes[row].variant for row in allowed),
                probability_best(contest, allowed, resampler),
                strict=True,
            )
        ),
        ruled_out=ruled_out,
        tied=tied,
        lead=lead,
        reason=start + reason(contest, model, outcomes, row_of[choice], tied),
    )


def _runner_up(model: DecisionModel, ranking: Sequence[str], tied: Sequence[str]) -> str | None:
    """The next by utility; where none is stated, the best in quality besides the choice."""
    stated = model.terms.value_of_success is not None or model.terms.weights is not None
    order = ranking if stated else [*tied, *ranking]
    return next((name for name in order if name != ranking[0]), None)


def _difference(contest: Contest, row: int, base: int, resampler: Resampler) -> Estimate:
    pairs = difference_rows(contest.metric, contest.matrix, contest.support, [row], base)
    return estimate_rows(pairs, resampler)[0]


def probability_best(contest: Contest, allowed: Sequence[int], resampler: Resampler) -> list[float]:
    """Share of joint cluster resamples in which each has the best mean; equal winners share a resample."""
    matrix = common(contest.matrix, allowed)
    cluster, width = compact(matrix.cluster)
    values = matrix.values[list(allowed)]
    sizes = cluster_sums((~np.isnan(values)).astype(np.float64), cluster, width)
    draws = resampler.ratios(cluster_sums(values, cluster, width), sizes)
    draws = np.round(draws if contest.metric.higher_is_better else -draws, 12)
    draws = np.where(np.isnan(draws), -np.inf, draws)
    top = draws == draws.max(axis=0)
    return [float(share) for share in (top / top.sum(axis=0)).mean(axis=1)]
