"""What judging took: time, tokens and money, which is paid for the evaluation and never for serving."""

from __future__ import annotations

from collections.abc import Sequence

from harness.prices import pricer
from harness.protocols import Judge
from harness.types.judge_record import JudgeReply, JudgeUsage
from harness.types.judge_settings import JudgeSettings, PairwiseJudge, RewardJudge, RubricJudge, endpoint_of
from harness.types.settings import Scenario


def asked(settings: JudgeSettings, pairs: int, answers: int) -> int:
    """How many judgements so many pairs and answers take: what progress counts."""
    if isinstance(settings, RewardJudge):
        return pairs + answers
    if isinstance(settings, PairwiseJudge):
        return 2 * pairs * settings.replicates
    criteria = len(settings.criteria) if isinstance(settings, RubricJudge) else 1
    return (2 * pairs + answers) * criteria * settings.replicates


def usage_of(scenario: Scenario, settings: JudgeSettings, judge: Judge, elapsed: float) -> JudgeUsage:
    """``elapsed``: wall time in seconds of a judge that asks no model."""
    replies = list(judge.replies.values())
    prompt = [r.prompt_tokens for r in replies if r.prompt_tokens is not None]
    output = [r.output_tokens for r in replies if r.output_tokens is not None]
    seconds = sum(r.seconds or 0.0 for r in replies) if replies else elapsed
    money, source = _money(scenario, settings, replies, seconds)
    return JudgeUsage(
        requests=len(replies),
        failed=sum(r.failure is not None for r in replies),
        seconds=round(seconds, 3),
        prompt_tokens=sum(prompt) if prompt else None,
        output_tokens=sum(output) if output else None,
        money=money,
        money_source=source,
    )


def _money(
    scenario: Scenario, settings: JudgeSettings, replies: Sequence[JudgeReply], seconds: float
) -> tuple[float | None, str]:
    endpoint, e = endpoint_of(settings), scenario.economics
    if endpoint is None or isinstance(settings, RewardJudge):
        machine = e.serving
        return machine.price_per_hour * seconds / 3600, f"{machine.name}, {machine.source}, {machine.as_of}"
    beside = [e.tokens[v.name] for v in scenario.variants if v.endpoint == endpoint and v.name in e.tokens]
    tokens = settings.tokens or next(iter(beside), None)
    if tokens is None:
        return None, f"no token prices of endpoint {endpoint}; state them in `judges: tokens:`"
    prices = pricer(tokens)
    counted = [r for r in replies if r.prompt_tokens is not None and r.output_tokens is not None]
    if len(counted) < sum(r.failure is None for r in replies):
        return None, f"endpoint {endpoint} does not say how many tokens it used"
    paid = sum(prices.price(r.prompt_tokens or 0, r.output_tokens or 0, r.cached_tokens) for r in counted)
    return paid, prices.source
