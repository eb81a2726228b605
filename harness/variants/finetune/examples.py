"""Training conversations from items: the same layout as in answering, with passages where an adapter reads."""

from __future__ import annotations

import random
from collections.abc import Sequence

from harness.errors import TrainingError
from harness.types.answers import Retrieved
from harness.types.data import Item, Message, Passage
from harness.types.settings import PassageTraining, Training
from harness.variants.prompt import lay_out, query
from harness.variants.rag.retrieve import Retriever

Conversation = tuple[Message, ...]
"""Turns that end with the assistant's target."""


def conversations(
    items: Sequence[Item],
    training: Training,
    system: str | None,
    retriever: Retriever | None,
    refusal: str | None,
    seed: int,
) -> list[Conversation]:
    """One conversation an item; ``training.examples`` of them, drawn with ``seed``.

    ``refusal`` is the target where the right passage is withheld.
    """
    chosen = list(items)
    if training.examples is not None and training.examples < len(chosen):
        chosen = random.Random(seed).sample(chosen, training.examples)
    if training.passages is None:
        return [(*lay_out(i.messages, system), _target(i.references[0])) for i in chosen]
    if retriever is None:
        raise TrainingError("training with passages needs a retriever")
    if refusal is None and training.passages.without_source:
        raise TrainingError(
            "training.passages.without_source needs a training item that abstains, to copy its answer"
        )
    found = retriever.find([query(i) for i in chosen], k=retriever.settings.k + 8)
    rng = random.Random(seed)
    return [
        _with_passages(item, hits, training.passages, retriever, system, refusal, rng)
        for item, hits in zip(chosen, found, strict=True)
    ]


def _with_passages(
    item: Item,
    hits: Sequence[Retrieved],
    settings: PassageTraining,
    retriever: Retriever,
    system: str | None,
    refusal: str | None,
    rng: random.Random,
) -> Conversation:
    """The right passages among distractors in a drawn order; or, for a share of items, distractors alone."""
    right = _right_passages(item, retriever)
    wrong = [retriever.passages[h.passage] for h in hits if h.article not in item.sources]
    withheld = bool(right) and rng.random() < settings.without_source
    alone = wrong[: settings.distractors + 1]
    shown = alone if withheld or not right else right + wrong[: settings.distractors]
    rng.shuffle(shown)
    answer = refusal if withheld and refusal else _cite(item.references[0], right, shown)
    return (*lay_out(item.messages, system, (), shown, retriever.settings.layout), _target(answer))


def _right_passages(item: Item, retriever: Retriever) -> list[Passage]:
    """For each source the passage that states most of the required facts."""
    alternatives = [a.casefold() for fact in item.facts.required for a in fact]

    def facts_in(p: Passage) -> int:
        return sum(a in p.text.casefold() for a in alternatives)

    by_source = [[p for p in retriever.passages.values() if p.article == s] for s in item.sources]
    return [max(passages, key=facts_in) for passages in by_source if passages]


def _cite(answer: str, right: Sequence[Passage], shown: Sequence[Passage]) -> str:
    """``answer`` with the numbers of its passages, before the closing line."""
    marks = "".join(f" [{i}]" for i, p in enumerate(shown, 1) if p in right)
    body, newline, closing = answer.rpartition("\n")
    return f"{body}{marks}{newline}{closing}" if newline else f"{answer}{marks}"


def _target(text: str) -> Message:
    return Message(role="assistant", content=text)
