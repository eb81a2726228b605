"""Answers kept for the next who asks the same, in these words or in nearly the same."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from harness.caching.guard import Guard, Sense, plain, same_sense
from harness.protocols import Embed
from harness.types.cache import Hit
from harness.types.data import Message
from harness.types.settings import CacheSettings

T = TypeVar("T")
LONGEST = 600
"""Characters of a question beyond which nothing is kept: embedders read the beginning of a text alone."""
_ENDS = re.compile(r"[\"'?!.,;:…]+(?=\s|$)|(?<!\S)[\"']+")


def cacheable(messages: Sequence[Message]) -> bool:
    """Whether these are a question on its own: what follows an earlier turn means something else each time."""
    [first, *more] = messages
    return (
        not more
        and first.role == "user"
        and len(first.content) <= LONGEST
        and bool(normalised(first.content))
    )


def normalised(question: str) -> str:
    """Lower case, single spaces, no punctuation at the ends of words; signs such as -, % and £ stay."""
    return " ".join(_ENDS.sub(" ", plain(question)).split())


@dataclass(frozen=True)
class Looked(Generic[T]):
    """What was found for a question."""

    question: str
    hit: Hit | None
    value: T | None
    """None without a hit."""
    vector: Any = None
    """Of the question, where near ones are looked for and it was not an exact hit."""
    sense: Sense | None = None


@dataclass(frozen=True)
class _Kept(Generic[T]):
    value: T
    until: float
    slot: int
    """Row of its vector."""
    sense: Sense | None


class AnswerCache(Generic[T]):
    """Of one variant; may be used from several threads at once. What it keeps is bounded by the settings."""

    def __init__(
        self,
        settings: CacheSettings,
        guard: Guard,
        embed: Embed,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._settings, self._guard, self._embed, self._clock = settings, guard, embed, clock
        self._kept: OrderedDict[str, _Kept[T]] = OrderedDict()
        """By normalised question, the oldest first."""
        self._of_slot: dict[int, _Kept[T]] = {}
        self._free: list[int] = []
        self._vectors: Any = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, question: str) -> Looked[T]:
        """The answer to the same question, or to the nearest that is near enough and of the same sense."""
        with self._lock:
            self._forget()
            same = self._kept.get(normalised(question))
        if same is not None:
            return Looked(question, "exact", same.value)
        if self._settings.near is None:
            return Looked(question, None, None)
        vector = np.asarray(self._embed([question])[0], dtype=np.float32)
        sense = self._guard.sense(question)
        with self._lock:
            near = self._nearest(vector, sense, self._settings.near)
        value = near.value if near else None
        return Looked(question, "near" if near else None, value, vector, sense)

    def put(self, looked: Looked[T], value: T) -> None:
        """Keep the answer to a question for which nothing was found."""
        key = normalised(looked.question)
        with self._lock:
            self._forget()
            if key in self._kept:  # asked by two at once
                self._drop(key)
            while len(self._kept) >= self._settings.max_answers:
                self._drop(next(iter(self._kept)))
            slot = self._free.pop() if self._free else len(self._kept)
            kept = _Kept(value, self._clock() + self._settings.ttl_s, slot, looked.sense)
            self._kept[key] = kept
            if looked.vector is not None:
                self._store(slot, looked.vector)
                self._of_slot[slot] = kept

    def _nearest(self, vector: Any, sense: Sense, least: float) -> _Kept[T] | None:
        if not self._of_slot:
            return None
        slots = np.fromiter(self._of_slot, dtype=np.int64)
        likeness = self._vectors[slots] @ vector
        for place in np.argsort(-likeness, kind="stable"):
            if likeness[place] < least:
                return None
            kept = self._of_slot[int(slots[place])]
            if kept.sense is not None and same_sense(kept.sense, sense):
                return kept
        return None

    def _store(self, slot: int, vector: Any) -> None:
        if self._vectors is None:
            self._vectors = np.zeros((64, len(vector)), dtype=np.float32)
        if slot >= len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._vectors[slot] = vector

    def _forget(self) -> None:
        now = self._clock()
        while self._kept and next(iter(self._kept.values())).until <= now:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        slot = self._kept.pop(key).slot
        self._of_slot.pop(slot, None)
        self._free.append(slot)
