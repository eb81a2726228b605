"""Whether replies under load are right, by the scenario's own ``success``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.protocols import ScoringContext
from harness.registry import SCORERS, lookup
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.load import RequestRecord
from harness.types.settings import Scenario


def success_of(
    scenario: Scenario, items: Sequence[Item]
) -> Callable[[Sequence[RequestRecord]], dict[int, bool | None]]:
    """A judge of replies by arrival; None for those of an item that names nothing to check."""
    known = {i.id: i for i in items}
    scorer, context = lookup(SCORERS, "success")(), ScoringContext(scenario)

    def correct(records: Sequence[RequestRecord]) -> dict[int, bool | None]:
        asked = [(r, known[r.item]) for r in records if r.error is None and r.item in known]
        pairs = [
            (item, Answer(variant="load", item=item.id, phase="timing", key="", text=r.text))
            for r, item in asked
        ]
        values = [value for value, _ in scorer.score(pairs, context)]
        return {
            r.arrival: None if value is None else bool(value)
            for (r, _), value in zip(asked, values, strict=True)
        }

    return correct
