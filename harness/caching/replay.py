"""A cache tried on questions that are known, with the very code that serves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.caching.answers import AnswerCache, cacheable
from harness.caching.guard import Guard
from harness.protocols import Embed
from harness.types.cache import Hit
from harness.types.data import Item
from harness.types.settings import CacheSettings


@dataclass(frozen=True)
class Asked:
    """A question as the cache met it."""

    item: Item
    hit: Hit | None
    answered_by: Item | None
    """The question whose answer it would have got; None where it would have been answered afresh."""


class Replay:
    """Each question asked once, in an order drawn from ``seed``; no time passes."""

    def __init__(self, items: Sequence[Item], guard: Guard, embed: Embed, seed: int):
        self._items = random.Random(seed).sample(list(items), len(items))
        self._guard = guard
        texts = sorted({i.messages[0].content for i in self._items if cacheable(i.messages)})
        self._vectors: dict[str, Any] = dict(zip(texts, embed(texts), strict=True)) if texts else {}

    def run(self, settings: CacheSettings) -> list[Asked]:
        def embed(texts: Sequence[str]) -> Any:
            return np.stack([self._vectors[t] for t in texts])

        cache: AnswerCache[Item] = AnswerCache(settings, self._guard, embed, clock=lambda: 0.0)
        return [self._ask(item, cache) for item in self._items]

    def _ask(self, item: Item, cache: AnswerCache[Item]) -> Asked:
        if not cacheable(item.messages):
            return Asked(item, None, None)
        looked = cache.find(item.messages[0].content)
        if looked.hit is None:
            cache.put(looked, item)
        return Asked(item, looked.hit, looked.value)
