"""When the requests of a batch enter: what they share is computed once, and all enter in the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends.admission import Admission

SYSTEM = list(range(64))


def run(admission: Admission) -> list[list[int]]:
    """The order in which requests enter, where each is read in one step and answers in the next."""
    entered: list[list[int]] = []
    open_: set[int] = set()
    while admission.waiting or open_:
        done = set(open_)
        new = admission.next()
        entered.append(new)
        open_ |= set(new)
        assert sum(admission.shares().values()) == pytest.approx(1)
        for i in new:
            admission.computed(i)
        for i in done:
            admission.finished(i)
            open_.discard(i)
    return [e for e in entered if e]


def test_the_first_computes_what_the_others_then_share() -> None:
    prompts = [[*SYSTEM, 100 + i] for i in range(4)]
    assert run(Admission(prompts, 512, 8)) == [[0], [1, 2, 3]]


def test_a_longer_common_part_is_waited_for_and_others_go_ahead() -> None:
    passage = list(range(500, 540))
    prompts = [[*SYSTEM, *passage, 1], [*SYSTEM, *passage, 2], [*SYSTEM, *range(900, 940)]]
    assert run(Admission(prompts, 512, 8)) == [[0], [1, 2]]
    other = [*range(700, 764)]
    assert run(Admission([prompts[0], prompts[1], other], 512, 8)) == [[0, 2], [1]]


def test_prompts_with_nothing_in_common_enter_together_up_to_the_step() -> None:
    prompts = [list(range(1000 * i, 1000 * i + 200)) for i in range(5)]
    assert run(Admission(prompts, 512, 8)) == [[0, 1, 2], [3, 4]]


def test_no_more_run_at_once_than_are_allowed() -> None:
    assert run(Admission([[i] for i in range(5)], 512, 2)) == [[0, 1], [2, 3], [4]]


def test_time_is_shared_by_the_tokens_computed() -> None:
    admission = Admission([[*SYSTEM, 1], [*SYSTEM, 2]], 512, 8)
    assert admission.next() == [0]
    assert admission.shares() == {0: 1.0}
    admission.computed(0)
    assert admission.next() == [1]
    assert admission.shares() == {0: 0.5, 1: 0.5}  # one token each: the rest is known


@given(st.lists(st.lists(st.integers(0, 1), max_size=100), max_size=12), st.integers(1, 6))
def test_every_request_enters_once(prompts: list[list[int]], at_once: int) -> None:
    entered = [i for step in run(Admission(prompts, 64, at_once)) for i in step]
    assert sorted(entered) == list(range(len(prompts)))
