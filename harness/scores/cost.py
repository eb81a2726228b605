"""What one request costs to serve, from the machine time it took and the scenario's dated price."""

from __future__ import annotations

from collections.abc import Sequence

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
        "price, divided by the stated utilisation. Training comes on top, see the cost section.",
        unit="money",
        higher_is_better=False,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        e = context.scenario.economics
        rate = e.serving.price_per_hour / 3600 / e.utilisation
        return [
            (a.compute_s * rate, None)
            if a.compute_s is not None
            else (None, "not applicable: the machine time of this system is not known")
            for _, a in pairs
        ]
