"""Items, answers and a context in a line each, for the tests of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from harness.protocols import Embed, Scorer, ScoringContext
from harness.registry import SCORERS, lookup
from harness.types.answers import Answer, Retrieved
from harness.types.data import Facts, Item, Message, Passage
from harness.types.economics import Economics, Hardware
from harness.types.settings import DataFiles, ModelSource, Scenario, Style, VariantSpec

NA = "not applicable: "


def item(
    references: Sequence[str] = ("It costs 10 euros.",),
    required: Sequence[Sequence[str]] = (),
    forbidden: Sequence[str] = (),
    question: str = "What does it cost?",
    **fields: Any,
) -> Item:
    facts = Facts(required=tuple(map(tuple, required)), forbidden=tuple(forbidden))
    given: dict[str, Any] = {"id": "i", "split": "heldout", "cluster": "c"} | fields
    messages = (Message(role="user", content=question),)
    return Item(messages=messages, references=tuple(references), facts=facts, **given)


def answer(text: str | None = "", articles: Sequence[str] = (), **fields: Any) -> Answer:
    """An answer; ``articles`` are those of its retrieved passages, best first."""
    retrieved = tuple(Retrieved(passage=f"{a}#{n}", article=a, score=0.5) for n, a in enumerate(articles))
    given: dict[str, Any] = {"variant": "v", "item": "i", "phase": "quality", "key": "k"} | fields
    return Answer(text=text, retrieved=retrieved, **given)


def context(
    style: Style | None = None,
    embed: Embed | None = None,
    passages: Sequence[Passage] = (),
    price: float = 0.1,
    **changes: Any,
) -> ScoringContext:
    box = Hardware(name="box", price_per_hour=price, as_of=date(2026, 11, 1), source="test")
    scenario = Scenario(
        name="test",
        model=ModelSource(source="fake:"),
        embedder=ModelSource(source="fake:"),
        data=DataFiles(train="t", dev="d", heldout="h"),
        style=style or Style(),
        variants=(VariantSpec(name="v"),),
        baseline="v",
        metrics=("success",),
        economics=Economics(serving=box, training=box, monthly_requests=1000, utilisation=0.5),
        **changes,
    )
    return ScoringContext(scenario, {p.id: p for p in passages}, embed)


def score(
    metric: str, given: Item, reply: Answer | str, within: ScoringContext | None = None
) -> tuple[float | None, str | None]:
    """Value and reason of one answer by the metric of that name."""
    scorer: Scorer = lookup(SCORERS, metric)()
    reply = answer(reply) if isinstance(reply, str) else reply
    [found] = scorer.score([(given, reply)], within or context())
    return found


def value(metric: str, given: Item, reply: Answer | str, within: ScoringContext | None = None) -> float:
    found, reason = score(metric, given, reply, within)
    assert found is not None, reason
    return found
