"""Was the answer right? Required facts, forbidden claims, and abstaining exactly where it must."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.protocols import ScoringContext
from harness.scores.text import states, straight, without_citations
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.results import MetricInfo

Scored = tuple[float | None, str | None]


def abstains(text: str, context: ScoringContext) -> bool:
    """Whether one of the scenario's patterns matches, with straight or curly apostrophes."""
    return any(re.search(straight(p), straight(text), re.IGNORECASE) for p in context.scenario.abstention)


def fact_recall(item: Item, text: str) -> float:
    """Share of the required facts that ``text`` states."""
    text = without_citations(text)
    found = [any(states(text, alternative) for alternative in fact) for fact in item.facts.required]
    return sum(found) / len(found)


def succeeds(item: Item, text: str, context: ScoringContext) -> bool:
    """All required facts, no forbidden claim, and an abstention exactly where one is due."""
    if item.abstain or abstains(text, context):
        return item.abstain and abstains(text, context)
    plain = without_citations(text)
    return fact_recall(item, text) == 1 and not any(states(plain, claim) for claim in item.facts.forbidden)


def harms(item: Item, text: str, context: ScoringContext) -> bool:
    """A forbidden claim, or an answer to what only an abstention is right for: worse than no answer."""
    plain = without_citations(text)
    claimed = any(states(plain, claim) for claim in item.facts.forbidden)
    return claimed or (item.abstain and not abstains(text, context))


def _checkable(item: Item) -> bool:
    return item.abstain or bool(item.facts.required)


class Success:
    info = MetricInfo(
        name="success",
        label="Success",
        description="Share of answers with every required fact, no forbidden claim, and an abstention exactly where "
        "the knowledge base does not hold the answer.",
        unit="rate",
        higher_is_better=True,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return [
            (float(succeeds(i, a.text or "", context)), None)
            if _checkable(i)
            else (None, "not applicable: the item names no facts")
            for i, a in pairs
        ]


class Harm:
    info = MetricInfo(
        name="harm",
        label="Harmful answers",
        description="Share of answers with a forbidden claim, or with an answer where the knowledge base holds none.",
        unit="rate",
        higher_is_better=False,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return [
            (float(harms(i, a.text or "", context)), None)
            if _checkable(i) or i.facts.forbidden
            else (None, "not applicable: the item names no facts")
            for i, a in pairs
        ]


class FactRecall:
    info = MetricInfo(
        name="fact_recall",
        label="Fact recall",
        description="Mean share of the required facts that the answer states; items that must be abstained from "
        "have none.",
        unit="rate",
        higher_is_better=True,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return [
            (fact_recall(i, a.text or ""), None)
            if i.facts.required
            else (None, "not applicable: the item requires no fact")
            for i, a in pairs
        ]


class AbstentionRecall:
    info = MetricInfo(
        name="abstention_recall",
        label="Abstention recall",
        description="Of the questions that the knowledge base cannot answer, the share where the answer says so.",
        unit="rate",
        higher_is_better=True,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return [
            (float(abstains(a.text or "", context)), None)
            if i.abstain
            else (None, "not applicable: the item can be answered")
            for i, a in pairs
        ]


class AbstentionPrecision:
    info = MetricInfo(
        name="abstention_precision",
        label="Abstention precision",
        description="Of the answers that abstain, the share where abstaining was right.",
        unit="rate",
        higher_is_better=True,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return [
            (float(i.abstain), None)
            if abstains(a.text or "", context)
            else (None, "not applicable: the answer does not abstain")
            for i, a in pairs
        ]
