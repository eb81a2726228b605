"""Answer caches of a scenario: how they are made, and what they would do to the answers that a run already has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.caching.guard import Guard, guard_from
from harness.caching.replay import Asked, Replay
from harness.comparison.caching import Outcome, cache_figure
from harness.protocols import Embed, ScoringContext
from harness.registry import SCORERS, lookup
from harness.scenario.inputs import Inputs
from harness.scores.text import normalise
from harness.types.answers import Answer
from harness.types.cache import CacheFigure
from harness.types.data import Item
from harness.types.settings import CacheSettings

GRID = (0.6, 0.7, 0.8, 0.9)
"""Thresholds that are tried beside that of the settings, for whoever sets it."""


def guard_of(inputs: Inputs) -> Guard:
    """It knows what stands in the scenario's articles, questions and answers."""
    items = (*inputs.train, *inputs.dev, *inputs.heldout)
    texts = [t for i in items for t in (*(m.content for m in i.messages), i.references[0])]
    return guard_from([(a.title, a.body) for a in inputs.articles], texts)


def cache_figures(inputs: Inputs, answers: Mapping[str, Sequence[Answer]], embed: Embed) -> list[CacheFigure]:
    """For each variant with a cache: at its own threshold, at others beside it, and for the same words alone.

    Held-out and training questions are asked; of training questions there are no answers, so a hit on one is held
    against its facts alone.
    """
    cached = [(v.name, v.cache) for v in inputs.scenario.variants if v.cache]
    if not cached:
        return []
    replay = Replay([*inputs.heldout, *inputs.train], guard_of(inputs), embed, inputs.scenario.seed)
    context = ScoringContext(inputs.scenario)
    figures = []
    for name, settings in cached:
        given = {
            a.item: a for a in answers[name] if a.phase == "quality" and not a.repeat and a.text is not None
        }
        for near in _thresholds(settings):
            asked = replay.run(settings.model_copy(update={"near": near}))
            outcomes = [_outcome(a, given, context) for a in asked]
            figures.append(cache_figure(name, near, near == settings.near, outcomes))
    return figures


def _thresholds(settings: CacheSettings) -> list[float | None]:
    return [None, *sorted({*GRID, *([settings.near] if settings.near is not None else [])})]


def _outcome(asked: Asked, given: Mapping[str, Answer], context: ScoringContext) -> Outcome:
    item, other = asked.item, asked.answered_by
    if other is None:
        return Outcome(item.cluster, hit=False)
    return Outcome(item.cluster, True, _wrong(item, other, given, context), _other_facts(item, other))


def _wrong(item: Item, other: Item, given: Mapping[str, Answer], context: ScoringContext) -> bool | None:
    """Whether the kept answer fails where the fresh one passes."""
    if item.id not in given or other.id not in given:
        return None
    scorer = lookup(SCORERS, "success")()
    (kept, _), (fresh, _) = scorer.score([(item, given[other.id]), (item, given[item.id])], context)
    return None if kept is None or fresh is None else bool(kept < fresh)


def _other_facts(item: Item, other: Item) -> bool | None:
    """Whether one requires a fact that the other does not, in any of its accepted wordings."""
    if item.abstain or other.abstain:
        return item.abstain != other.abstain
    if not item.facts.required or not other.facts.required:
        return None
    mine, theirs = ([{normalise(w) for w in fact} for fact in i.facts.required] for i in (item, other))
    return any(
        all(fact.isdisjoint(f) for f in facts)
        for needed, facts in ((mine, theirs), (theirs, mine))
        for fact in needed
    )
