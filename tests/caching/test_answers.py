"""What the cache finds, and how little it keeps."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.backends.fake import FakeEmbedder
from harness.caching.answers import LONGEST, AnswerCache, cacheable, normalised
from harness.caching.guard import guard_from
from harness.types.data import Message
from harness.types.settings import CacheSettings

GUARD = guard_from(
    [], ["what does a lamp cost please now, or two lamps? how much is it in all, and for how long, tell me"]
)
EMBED = FakeEmbedder(Path())


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def cache(clock: Clock | None = None, **settings: object) -> AnswerCache[str]:
    return AnswerCache(CacheSettings.model_validate(settings), GUARD, EMBED, clock or Clock())


def put(into: AnswerCache[str], question: str, value: str) -> None:
    looked = into.find(question)
    assert looked.hit is None
    into.put(looked, value)


def found(of: AnswerCache[str], question: str) -> tuple[str | None, str | None]:
    looked = of.find(question)
    return looked.hit, looked.value


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  What does\n a lamp COST?? ", "what does a lamp cost"),
        ("What's “it”, e.g. 1.5 or -5 %?", "what's “it” e.g 1.5 or -5 %"),
        ("what’s it", "what's it"),
        ("£50!", "£50"),
        ("?!", ""),
    ],
)
def test_signs_that_carry_meaning_are_kept(text: str, plain: str) -> None:
    assert normalised(text) == plain


def test_a_question_on_its_own_can_be_kept() -> None:
    one = Message(role="user", content="What does a lamp cost?")
    assert cacheable([one])
    assert not cacheable([one, Message(role="assistant", content="Ten."), one])
    assert not cacheable([Message(role="user", content="?")])
    assert not cacheable([Message(role="user", content="a" * (LONGEST + 1))])


def test_the_same_words_are_found() -> None:
    of = cache()
    put(of, "What does a lamp cost?", "ten")
    assert found(of, "what does a  lamp cost") == ("exact", "ten")
    assert found(of, "what does a lamp cost now") == (None, None)


def test_the_nearest_of_the_same_sense_is_found() -> None:
    of = cache(near=0.8)
    put(of, "what does a lamp cost", "ten")
    put(of, "what does a lamp cost for 2", "twenty")
    assert found(of, "what does a lamp cost please") == ("near", "ten")
    assert found(of, "please what does a lamp cost for two") == ("near", "twenty")
    assert found(of, "what does a lamp cost for 3") == (None, None)
    assert found(of, "for how long is it") == (None, None)


def test_a_hit_is_not_kept_again_and_does_not_spread() -> None:
    """An answer to a question near a near one would drift from what was asked."""
    of = cache(near=0.8)
    put(of, "what does a lamp cost", "ten")
    of.find("what does a lamp cost please")
    assert len(of) == 1


def test_an_answer_has_its_time() -> None:
    clock = Clock()
    of = cache(clock, ttl_s=10, near=0.8)
    put(of, "what does a lamp cost", "ten")
    clock.now = 9.9
    assert found(of, "what does a lamp cost please")[0] == "near"
    clock.now = 10
    assert found(of, "what does a lamp cost please") == (None, None)
    assert found(of, "what does a lamp cost") == (None, None)
    assert len(of) == 0


def test_the_oldest_makes_room() -> None:
    of = cache(max_answers=100, near=0.999)
    for i in range(1000):
        put(of, f"what does a lamp cost for {i}", str(i))
        assert len(of) <= 100
    assert len(of._vectors) <= 128
    assert found(of, "what does a lamp cost for 899") == (None, None)
    assert found(of, "what does a lamp cost for 900") == ("exact", "900")
    assert found(of, "for 950 what does a lamp cost") == ("near", "950")


def test_many_threads_may_ask() -> None:
    of = cache(max_answers=50, near=0.9)
    wrong: list[str] = []

    def work(start: int) -> None:
        for i in range(300):
            n = (start * 7 + i) % 80
            looked = of.find(f"what does a lamp cost for {n}")
            if looked.value is None:
                of.put(looked, str(n))
            elif looked.value != str(n):
                wrong.append(f"{n}: {looked.value}")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert len(of) <= 50


def test_without_near_hits_nothing_is_embedded() -> None:
    def embed(_: Sequence[str]) -> np.ndarray:
        raise AssertionError

    of: AnswerCache[str] = AnswerCache(CacheSettings(), GUARD, embed)
    of.put(of.find("what"), "x")
    assert of.find("What?").hit == "exact"
