"""The recommendation: hard limits first, then what an answer is worth or, unstated, quality and then price."""

from __future__ import annotations

from collections.abc import Sequence

from harness.comparison.bootstrap import Resampler
from harness.comparison.estimate import analytic_estimates
from harness.comparison.model import Contest
from harness.comparison.paired import difference_rows
from harness.comparison.reason import listed, reason
from harness.comparison.sentences import Stake
from harness.comparison.switch import sweeps
from harness.comparison.table import Table
from harness.comparison.utility import rank
from harness.comparison.worth import believe, probability_best, weigh
from harness.types.decision import DecisionModel
from harness.types.economics import Economics
from harness.types.results import Decision, Estimate


def decide(
    contest: Contest,
    table: Table,
    model: DecisionModel,
    economics: Economics,
    preview: bool,
    resampler: Resampler,
) -> Decision:
    """The recommendation at the scenario's terms; variants in the order of the table's rows."""
    outcomes, ranking, tied = rank(model, model.terms)
    ruled_out = {o.variant: o.ruled_out for o in outcomes if o.ruled_out is not None}
    start = "Preview, not a basis for a decision. " if preview else ""
    belief = believe(contest, table, model, outcomes, economics.ranges, resampler)
    if belief is None:
        return Decision(
            choice=None, runner_up=None, probability_best={}, ruled_out=ruled_out, tied=(), lead=None,
            worth=None, sweeps=sweeps(model),
            reason=f"{start}No variant qualifies: {listed(ruled_out)}.",
        )  # fmt: skip
    row_of = {o.variant: row for row, o in enumerate(outcomes)}
    names = [o.variant for o in outcomes]
    best = dict(zip((names[row] for row in belief.rows), probability_best(belief), strict=True))
    stake = Stake(
        horizon_months=economics.retraining_months,
        item_price=economics.example_price,
        currency=economics.currency,
        is_rate=contest.metric.unit == "rate",
    )
    choice = ranking[0]
    runner_up = _runner_up(model, ranking, tied)
    lead = None
    if runner_up:
        lead = _difference(contest, row_of[choice], row_of[runner_up])
    return Decision(
        choice=choice,
        runner_up=runner_up,
        probability_best=best,
        ruled_out=ruled_out,
        tied=tied,
        lead=lead,
        worth=weigh(belief, names, choice, stake),
        sweeps=sweeps(model),
        reason=start + reason(contest, model, outcomes, row_of[choice], tied),
    )


def _runner_up(model: DecisionModel, ranking: Sequence[str], tied: Sequence[str]) -> str | None:
    """The next by utility; where none is stated, the best in quality besides the choice."""
    stated = model.terms.value_of_success is not None or model.terms.weights is not None
    order = ranking if stated else [*tied, *ranking]
    return next((name for name in order if name != ranking[0]), None)


def _difference(contest: Contest, row: int, base: int) -> Estimate:
    pairs = difference_rows(contest.metric, contest.matrix, contest.support, [row], base)
    return analytic_estimates(pairs)[0]
