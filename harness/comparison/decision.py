"""The recommendation: hard limits first, then quality, then price among equals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparison.bootstrap import Resampler, cluster_sums, compact
from harness.comparison.estimate import Support, analytic_estimates
from harness.comparison.paired import difference_rows, verdict
from harness.comparison.table import Matrix
from harness.types.results import Decision, Estimate, FrontierPoint, MetricInfo
from harness.types.settings import Choice


@dataclass(frozen=True)
class Contest:
    """What the decision rests on; rows of ``matrix`` and all sequences are in the order of the variants."""

    choice: Choice
    metric: MetricInfo
    matrix: Matrix
    """The choice metric on all items."""
    support: Support
    quality: Sequence[Estimate]
    points: Sequence[FrontierPoint]
    """Median latency and cost per 1,000 of each variant."""
    currency: str
    preview: bool


def decide(contest: Contest, resampler: Resampler) -> Decision:
    names = [point.variant for point in contest.points]
    ruled_out = {
        name: why for row, name in enumerate(names) if (why := _broken_limit(contest, row)) is not None
    }
    allowed = [row for row, name in enumerate(names) if name not in ruled_out]
    if not allowed:
        return Decision(
            choice=None, runner_up=None, probability_best={}, ruled_out=ruled_out, tied=(), lead=None,
            reason=_preview(contest) + "No variant qualifies: " + _listed(ruled_out) + ".",
        )  # fmt: skip
    ranked = _ranked(contest, allowed)
    best = ranked[0]
    rest = [row for row in ranked if row != best]
    gaps = _differences(contest, rest, best)
    upward = contest.metric.higher_is_better
    # Whatever is not clearly worse than the best might be the best, an unknown difference included.
    tied = [best] + [r for r, gap in zip(rest, gaps, strict=True) if verdict(gap, upward) != "worse"]
    choice = min(tied, key=lambda row: (_price(contest, row), ranked.index(row)))
    runner_up = next((row for row in ranked if row != choice), None)
    lead = None if runner_up is None else _differences(contest, [choice], runner_up)[0]
    return Decision(
        choice=names[choice],
        runner_up=None if runner_up is None else names[runner_up],
        probability_best=probability_best(contest, allowed, resampler),
        ruled_out=ruled_out,
        tied=tuple(names[row] for row in tied),
        lead=lead,
        reason=_preview(contest) + _reason(contest, names, ranked, tied, choice, ruled_out),
    )


def _broken_limit(contest: Contest, row: int) -> str | None:
    """The first limit that a variant breaks or cannot be shown to keep."""
    limits, point, quality = contest.choice, contest.points[row], contest.quality[row]
    if quality.value is None:
        return f"has no value of {limits.metric} ({quality.reason})"
    if quality.n_missing > quality.n:
        # What it did answer is a selection, and too small a part to compare the others on.
        return f"answered only {quality.n} of {quality.n + quality.n_missing} items"
    if limits.max_latency_s is not None:
        if point.latency_s is None:
            return f"latency was not measured, so the limit of {limits.max_latency_s:g} s cannot be checked"
        if point.latency_s > limits.max_latency_s:
            return (
                f"median latency of {point.latency_s:.3g} s is above the limit of {limits.max_latency_s:g} s"
            )
    if limits.max_cost_per_1000 is not None:
        limit = f"{limits.max_cost_per_1000:g} {contest.currency} per 1,000 requests"
        if point.cost_per_1000 is None:
            return f"its cost is unknown, so the limit of {limit} cannot be checked"
        if point.cost_per_1000 > limits.max_cost_per_1000:
            return f"costs {point.cost_per_1000:.3g}, above the limit of {limit}"
    return None


def _common(contest: Contest, rows: Sequence[int]) -> Matrix:
    """The items that all of these answered, so that failing on hard ones gains nothing; if none, all."""
    answered = np.isfinite(contest.matrix.values[list(rows)])
    both = np.asarray(answered.all(axis=0), dtype=np.bool_)
    return contest.matrix.take(both) if both.any() else contest.matrix


def _ranked(contest: Contest, allowed: Sequence[int]) -> list[int]:
    """Rows from best to worst; equal ones by price, then in the scenario's order."""
    mean = np.nanmean(_common(contest, allowed).values[list(allowed)], axis=1)
    sign = -1.0 if contest.metric.higher_is_better else 1.0
    quality = {row: round(sign * float(value), 12) for row, value in zip(allowed, mean, strict=True)}
    return sorted(allowed, key=lambda row: (quality[row], _price(contest, row), row))


def _price(contest: Contest, row: int) -> float:
    """An unknown price loses every tie: nobody should pay an unknown bill to gain nothing."""
    price = contest.points[row].cost_per_1000
    return float("inf") if price is None else price


def _differences(contest: Contest, rows: Sequence[int], base: int) -> list[Estimate]:
    if not rows:
        return []
    pairs = difference_rows(contest.metric, contest.matrix, contest.support, rows, base)
    return analytic_estimates(pairs)


def probability_best(contest: Contest, allowed: Sequence[int], resampler: Resampler) -> dict[str, float]:
    """Share of joint cluster resamples with the best mean; equal winners share a resample."""
    matrix = _common(contest, allowed)
    cluster, width = compact(matrix.cluster)
    values = matrix.values[list(allowed)]
    sizes = cluster_sums((~np.isnan(values)).astype(np.float64), cluster, width)
    draws = resampler.ratios(cluster_sums(values, cluster, width), sizes)
    draws = np.round(draws if contest.metric.higher_is_better else -draws, 12)
    draws = np.where(np.isnan(draws), -np.inf, draws)
    top = draws == draws.max(axis=0)
    shares = (top / top.sum(axis=0)).mean(axis=1)
    return {contest.points[row].variant: float(p) for row, p in zip(allowed, shares, strict=True)}


def _reason(
    contest: Contest,
    names: Sequence[str],
    ranked: Sequence[int],
    tied: Sequence[int],
    choice: int,
    ruled_out: dict[str, str],
) -> str:
    said = (
        f"Choose {names[choice]}: {contest.metric.label} {_figure(contest.quality[choice], contest.metric)}"
    )
    price = contest.points[choice].cost_per_1000
    bill = "at an unknown cost" if price is None else f"at {price:.3g} {contest.currency} per 1,000 requests"
    others = [names[row] for row in tied if row != choice]
    if len(ranked) == 1:
        text = f"{said}, the only variant that qualifies, {bill}."
    elif not others:
        text = f"{said}, clearly better than every other variant, {bill}."
    else:
        rivals = _joined(others)
        unknown = [names[row] for row in tied if contest.points[row].cost_per_1000 is None]
        if price is None:
            text = f"{said}; no clear difference from {rivals}, and no cost is known to decide between them."
        else:
            text = f"{said}; no clear difference from {rivals}, and it is the cheapest of them {bill}."
            if unknown:
                text += f" The cost of {_joined(unknown)} is unknown and was taken as the highest."
    return text + (f" Ruled out: {_listed(ruled_out)}." if ruled_out else "")


def _figure(estimate: Estimate, metric: MetricInfo) -> str:
    """A rate in percent, anything else with its unit; with interval and number of items."""
    share, unit = metric.unit == "rate", "" if metric.unit in ("rate", "score") else f" {metric.unit}"

    def shown(number: float) -> str:
        return f"{100 * number:.0f}%" if share else f"{number:.3g}{unit}"

    assert estimate.value is not None
    basis = f"{estimate.n} items"
    if estimate.low is not None and estimate.high is not None:
        basis = f"95% interval {shown(estimate.low)} to {shown(estimate.high)}, {basis}"
    return f"{shown(estimate.value)} ({basis})"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _listed(ruled_out: dict[str, str]) -> str:
    return "; ".join(f"{name} ({why})" for name, why in ruled_out.items())


def _preview(contest: Contest) -> str:
    return "Preview, not a basis for a decision. " if contest.preview else ""
