"""Questions asked once each, in a seeded order."""

from __future__ import annotations

from pathlib import Path

from harness.backends.fake import FakeEmbedder
from harness.caching.guard import guard_from
from harness.caching.replay import Replay
from harness.types.data import Item, Message
from harness.types.settings import CacheSettings

TEXTS = (
    "what does a lamp cost",
    "What does a lamp cost?",
    "what does a lamp cost please",
    "what is it for 2",
)


def item(name: str, *turns: str) -> Item:
    roles = ("user", "assistant")
    messages = tuple(Message(role=roles[n % 2], content=t) for n, t in enumerate(turns))
    return Item(id=name, split="heldout", messages=messages, references=("x",), cluster=name)


ITEMS = [*(item(str(n), t) for n, t in enumerate(TEXTS)), item("turns", TEXTS[0], "Ten.", TEXTS[0])]


def replay(seed: int, near: float | None) -> dict[str, tuple[str | None, str | None]]:
    asked = Replay(ITEMS, guard_from([], TEXTS), FakeEmbedder(Path()), seed).run(CacheSettings(near=near))
    return {a.item.id: (a.hit, a.answered_by.id if a.answered_by else None) for a in asked}


def test_every_question_is_asked_once() -> None:
    exact = replay(1, None)
    assert set(exact) == {"0", "1", "2", "3", "turns"}
    assert sorted(h for h, _ in exact.values() if h) == ["exact"]
    near = replay(1, 0.8)
    assert len([h for h, _ in near.values() if h]) == 2
    assert near["3"] == near["turns"] == (None, None)


def test_the_order_is_that_of_the_seed() -> None:
    orders = [list(replay(seed, None)) for seed in (1, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert len({tuple(o) for o in orders}) > 1


def test_nothing_to_ask_is_no_trouble() -> None:
    assert Replay([], guard_from([]), FakeEmbedder(Path()), 0).run(CacheSettings()) == []
