"""Collecting answers: journaled at once, kept by key, retried within the cap, never reused for timing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.answers.collect import collect, reuse, stored, timing_sample
from harness.protocols import OnAnswer
from harness.store import Journal
from harness.types.answers import Answer, Phase
from harness.types.data import Item, Message
from harness.types.settings import VariantSpec

ITEMS = [
    Item(
        id=f"i{n}",
        split="heldout",
        messages=(Message(role="user", content="?"),),
        references=("!",),
        cluster="c",
    )
    for n in range(5)
]
Fails = Callable[[str, int], bool]


class Scripted:
    """A variant that fails where it is told to: ``fails(item, how often it was asked before)``."""

    independent = False

    def __init__(self, fails: Fails = lambda item, asked: False, key: str = "key", name: str = "v"):
        self.spec, self.fingerprint = VariantSpec(name=name), key
        self._fails = fails
        self.calls: list[tuple[list[str], set[str]]] = []
        self.asked: dict[str, int] = {}

    def prepare(self) -> None:
        pass

    def reply(self, items: Sequence[Item], wanted: set[str], phase: Phase, on_answer: OnAnswer) -> None:
        self.calls.append(([i.id for i in items], set(wanted)))
        for i in items:
            if i.id in wanted:
                before = self.asked.get(i.id, 0)
                self.asked[i.id] = before + 1
                on_answer(self.answer(i.id, phase, self._fails(i.id, before)))

    def answer(self, item: str, phase: Phase, failed: bool = False) -> Answer:
        text, error = (None, "out of memory") if failed else (f"{item} by {self.fingerprint}", None)
        name, key = self.spec.name, self.fingerprint
        return Answer(variant=name, item=item, phase=phase, key=key, text=text, error=error)


def ignore(done: int) -> None:
    pass


@pytest.fixture
def journal(tmp_path: Path) -> Journal[Answer]:
    return Journal(tmp_path / "v.jsonl", Answer)


def run(
    variant: Scripted, journal: Journal[Answer], retries: int = 1, phase: Phase = "quality"
) -> list[Answer]:
    return collect(variant, ITEMS, phase, journal, retries, ignore)


def test_all_are_asked_at_once_and_come_in_the_order_of_the_items(journal: Journal[Answer]) -> None:
    variant = Scripted()
    answers = run(variant, journal)
    assert [a.item for a in answers] == ["i0", "i1", "i2", "i3", "i4"] == [a.item for a in journal]
    assert variant.calls == [([i.id for i in ITEMS], {i.id for i in ITEMS})]
    assert {a.attempts for a in answers} == {1}


def test_a_second_run_asks_nothing(journal: Journal[Answer]) -> None:
    first = run(Scripted(), journal)
    bytes_before = journal.path.read_bytes()
    again = Scripted()
    assert run(again, journal) == first
    assert again.calls == []
    assert journal.path.read_bytes() == bytes_before


def test_a_resumed_run_asks_for_the_missing_among_all_items(journal: Journal[Answer]) -> None:
    variant = Scripted()
    for n in (0, 3):
        journal.append(variant.answer(f"i{n}", "quality"))
    run(variant, journal)
    assert variant.calls == [([i.id for i in ITEMS], {"i1", "i2", "i4"})]


def test_an_answer_is_in_the_journal_as_soon_as_it_is_told(journal: Journal[Answer]) -> None:
    class Killed(BaseException):
        pass

    def kill_at_third(item: str, asked: int) -> bool:
        if item == "i2":
            raise Killed
        return False

    with pytest.raises(Killed):
        run(Scripted(kill_at_third), journal)
    assert [a.item for a in journal] == ["i0", "i1"]


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_what_always_fails_is_asked_once_and_retried_to_the_cap(
    journal: Journal[Answer], retries: int
) -> None:
    variant = Scripted(lambda item, asked: item == "i2")
    answers = run(variant, journal, retries)
    assert [a.error for a in answers] == [None, None, "out of memory", None, None]
    assert answers[2].attempts == variant.asked["i2"] == 1 + retries
    assert variant.asked["i1"] == 1
    assert sum(a.item == "i2" for a in journal) == 1 + retries


def test_a_retry_is_asked_alone_and_ends_with_the_first_success(journal: Journal[Answer]) -> None:
    variant = Scripted(lambda item, asked: item == "i2" and asked < 2)
    answers = run(variant, journal, 5)
    assert (answers[2].error, answers[2].attempts) == (None, 3)
    assert variant.calls[1:] == [(["i2"], {"i2"})] * 2


def test_the_cap_holds_over_reruns(journal: Journal[Answer]) -> None:
    fails: Fails = lambda item, asked: item == "i2"  # noqa: E731
    run(Scripted(fails), journal, 1)
    again = Scripted(fails)
    assert run(again, journal, 1)[2].attempts == 2
    assert again.calls == []


def test_a_retry_cut_off_by_a_kill_is_taken_up(journal: Journal[Answer]) -> None:
    variant = Scripted(lambda item, asked: False)
    journal.append(variant.answer("i2", "quality", failed=True))
    answers = run(variant, journal, 1)
    assert (answers[2].error, answers[2].attempts) == (None, 2)


def test_the_last_line_of_an_item_wins(journal: Journal[Answer]) -> None:
    variant = Scripted()
    first = variant.answer("i0", "quality").model_copy(update={"text": "old"})
    journal.append(first)
    journal.append(first.model_copy(update={"text": "new"}))
    assert stored(variant, "quality", journal)["i0"].text == "new"


def test_answers_under_another_key_are_asked_again(journal: Journal[Answer]) -> None:
    run(Scripted(key="old"), journal)
    variant = Scripted(key="new")
    assert {a.text for a in run(variant, journal)} == {f"i{n} by new" for n in range(5)}
    assert len(variant.calls) == 1
    back = Scripted(key="old")
    assert {a.text for a in run(back, journal)} == {f"i{n} by old" for n in range(5)}
    assert back.calls == []


def test_quality_and_timing_do_not_stand_in_for_each_other(journal: Journal[Answer]) -> None:
    variant = Scripted()
    run(variant, journal)
    assert {a.phase for a in run(variant, journal, phase="timing")} == {"timing"}
    assert len(variant.calls) == 2


def test_the_half_line_of_a_kill_is_asked_again(journal: Journal[Answer]) -> None:
    variant = Scripted()
    run(variant, journal)
    journal.path.write_bytes(journal.path.read_bytes()[:-20])
    run(variant, journal)
    assert variant.calls[1:] == [([i.id for i in ITEMS], {"i4"})]
    assert [a.item for a in journal] == ["i0", "i1", "i2", "i3", "i4"]


def test_progress_counts_each_item_once(journal: Journal[Answer]) -> None:
    variant = Scripted(lambda item, asked: item == "i2")
    journal.append(variant.answer("i0", "quality"))
    told: list[int] = []
    collect(variant, ITEMS, "quality", journal, 2, told.append)
    assert told == [1, 1, 1, 1, 1]


# --- reuse of another run's answers -----------------------------------------------------------------


@pytest.fixture
def other(tmp_path: Path) -> Journal[Answer]:
    return Journal(tmp_path / "other" / "v.jsonl", Answer)


def test_answers_of_another_run_are_reused_under_the_same_key(
    journal: Journal[Answer], other: Journal[Answer]
) -> None:
    run(Scripted(name="old-name"), other)
    variant = Scripted()
    assert reuse(variant, journal, [other]) == 5
    assert {a.variant for a in journal} == {"v"}
    run(variant, journal)
    assert variant.calls == []
    assert reuse(variant, journal, [other]) == 0


def test_other_keys_times_and_failures_are_not_reused(
    journal: Journal[Answer], other: Journal[Answer]
) -> None:
    run(Scripted(key="other"), other)
    variant = Scripted()
    for item in ITEMS:
        other.append(variant.answer(item.id, "timing"))
    other.append(variant.answer("i1", "quality", failed=True))
    assert reuse(variant, journal, [other]) == 0
    assert not journal.path.exists()


def test_the_runs_own_answer_is_not_replaced(journal: Journal[Answer], other: Journal[Answer]) -> None:
    variant = Scripted()
    run(variant, other)
    journal.append(variant.answer("i0", "quality").model_copy(update={"text": "own"}))
    assert reuse(variant, journal, [other]) == 4
    assert run(variant, journal)[0].text == "own"


def test_a_run_of_another_version_is_passed_over(
    journal: Journal[Answer], other: Journal[Answer], tmp_path: Path
) -> None:
    older = Journal(tmp_path / "older.jsonl", Answer)
    older.path.write_text('{"variant": "v", "of": "another time"}\n')
    variant = Scripted()
    run(variant, other)
    assert reuse(variant, journal, [older, other]) == 5


# --- the sample of the timing pass ------------------------------------------------------------------


def test_the_timing_sample_is_fixed_by_the_seed() -> None:
    assert timing_sample(ITEMS, 3, 1) == timing_sample(ITEMS, 3, 1)
    assert len({i.id for i in timing_sample(ITEMS, 3, 1)}) == 3
    assert any(timing_sample(ITEMS, 3, 1) != timing_sample(ITEMS, 3, s) for s in range(2, 6))
    assert {i.id for i in timing_sample(ITEMS, 50, 1)} == {i.id for i in ITEMS}


def never_let_in(variant: Scripted) -> Callable[[str, Phase, bool], Answer]:
    """Answers of an engine that asks by itself: a failure was turned away three times and cost nothing."""
    usual = variant.answer

    def answer(item: str, phase: Phase, failed: bool = False) -> Answer:
        change = {"attempts": 0, "refused": 3} if failed else {"attempts": 1, "refused": 2}
        return usual(item, phase, failed).model_copy(update=change)

    return answer


def test_an_independent_variant_is_not_asked_again_in_the_same_run(journal: Journal[Answer]) -> None:
    variant = Scripted(lambda item, _: item == "i1")
    variant.independent = True
    answers = collect(variant, ITEMS, "quality", journal, 3, ignore)
    assert len(variant.calls) == 1
    assert [(a.item, a.attempts) for a in answers if a.error] == [("i1", 1)]


def test_what_was_never_let_in_is_asked_again_when_resumed(
    journal: Journal[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = Scripted(lambda item, asked: item == "i1" and asked == 0)
    variant.independent = True
    monkeypatch.setattr(variant, "answer", never_let_in(variant))
    collect(variant, ITEMS, "quality", journal, 1, ignore)
    answers = collect(variant, ITEMS, "quality", journal, 1, ignore)
    assert [wanted for _, wanted in variant.calls] == [{i.id for i in ITEMS}, {"i1"}]
    assert {(a.error, a.attempts) for a in answers} == {(None, 1)}
    assert answers[1].refused == 3 + 2


def test_the_same_refusal_again_leaves_no_trace(
    journal: Journal[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = Scripted(lambda item, _: item == "i1")
    variant.independent = True
    monkeypatch.setattr(variant, "answer", never_let_in(variant))
    first = collect(variant, ITEMS, "quality", journal, 1, ignore)
    assert collect(variant, ITEMS, "quality", journal, 1, ignore) == first
    assert len(list(journal)) == len(ITEMS)
