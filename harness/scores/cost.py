"""What one request costs to serve: the machine time it took, or the tokens that an API charges for."""

from __future__ import annotations

from collections.abc import Sequence

from harness.prices import Pricer, pricer
from harness.protocols import ScoringContext
from harness.scores.facts import Scored
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.results import MetricInfo


class ServingCost:
    info = MetricInfo(
        name="cost",
        label="Serving cost",
        description="Machine time of the request in the batched pass (retrieval included) at the scenario's hourly "
        "price, divided by the stated utilisation; for a variant with token prices, its tokens. Every attempt is "
        "paid. Training comes on top, see the cost section.",
        unit="money",
        higher_is_better=False,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        e = context.scenario.economics
        rate = e.serving.price_per_hour / 3600 / e.utilisation
        by_variant = {name: pricer(e.tokens[name]) for name in {a.variant for _, a in pairs} & set(e.tokens)}
        return [
            _tokens(a, by_variant[a.variant]) if a.variant in by_variant else _machine(a, rate)
            for _, a in pairs
        ]


def _machine(a: Answer, rate: float) -> Scored:
    if a.compute_s is None:
        return None, "not applicable: the machine time of this system is not known"
    return a.attempts * a.compute_s * rate, None


def _tokens(a: Answer, prices: Pricer) -> Scored:
    if a.prompt_tokens is None or a.output_tokens is None:
        return None, "not applicable: the number of tokens of this answer is not known"
    return a.attempts * prices.price(a.prompt_tokens, a.output_tokens, a.cached_tokens), None
