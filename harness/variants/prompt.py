"""How a conversation is laid out for the model; one function, so that training and answering agree to the letter."""

from __future__ import annotations

from collections.abc import Sequence

from harness.types.data import Item, Message, Passage
from harness.types.settings import Retrieval


def lay_out(
    messages: Sequence[Message],
    system: str | None,
    examples: Sequence[Item] = (),
    passages: Sequence[Passage] | None = None,
    layout: str = Retrieval.DEFAULT_LAYOUT,
) -> tuple[Message, ...]:
    """System prompt, examples as earlier turns, the conversation; ``layout`` puts passages and the last
    question together.

    An empty list of passages (nothing was similar enough) is said to the model; None means no retrieval at all.
    """
    head = [Message(role="system", content=system.strip())] if system else []
    shown = [
        m for e in examples for m in (e.messages[-1], Message(role="assistant", content=e.references[0]))
    ]
    *earlier, last = [m for m in messages if m.role != "system" or not system]
    if passages is not None:
        listed = [f"[{i}] {p.title}\n{p.text}" for i, p in enumerate(passages, 1)] or ["(none found)"]
        before, _, after = layout.partition("{passages}")  # what is filled in is never filled in again
        parts = (part.replace("{question}", last.content) for part in (before, after))
        content = "\n\n".join(listed).join(parts).strip()
        last = Message(role="user", content=content)
    return (*head, *shown, *earlier, last)


def query(item: Item) -> str:
    """What to search for: the customer's turns, so that a follow-up keeps its subject."""
    return "\n".join(m.content for m in item.messages if m.role == "user")
