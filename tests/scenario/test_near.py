"""The two stages that need no model, pair by pair."""

from __future__ import annotations

import pytest

from harness.anchors import Anchors
from harness.scenario.near import COMMON, Near, Pair

NOBODY = Anchors(frozenset())
LONG = (
    "i ordered a lamp on monday and the parcel came with a broken shade so i would like to know whom to write "
    "to and how long it takes until a new one comes"
)


def near(tested: list[str], known: list[str], names: set[str] | None = None) -> Near:
    return Near(tested, known, Anchors(frozenset(names or set())))


def runs(one: str, other: str) -> list[Pair]:
    return list(near([one], [other]).sharing_runs())


def equal(one: str, other: str, names: set[str] | None = None) -> list[Pair]:
    return list(near([one], [other], names).nearly_equal())


def test_a_run_of_eight_words_over_half_of_a_short_question_is_told() -> None:
    one = "how long does it take until a refund reaches my card please"
    (pair,) = runs(one, "Hello. HOW LONG does it take until a refund comes?")
    assert (pair.one, pair.other, pair.text) == (0, 0, "how long does it take until a refund")
    assert pair.similarity == pytest.approx(8 / 12)
    assert runs(one, "how long does it take until a parcel comes") == []


def test_a_common_opening_of_a_longer_question_is_not_yet_a_leak() -> None:
    opening = "i bought a lamp in your shop last week"
    assert (
        runs(
            f"{opening} and it is broken, what now, can i send it back or swap it", f"{opening}. is red fine"
        )
        == []
    )


def test_a_long_question_needs_a_run_of_thirteen() -> None:
    parts = LONG.split()
    assert len(parts) >= 26
    twelve = " x ".join(" ".join(parts[i : i + 12]) for i in range(0, len(parts), 12))
    assert runs(LONG, twelve) == []
    (pair,) = runs(LONG, "well " + " ".join(parts[4:24]))
    assert pair.similarity == pytest.approx(20 / len(parts))


def test_a_question_of_six_or_seven_words_must_stand_in_the_other_as_a_whole() -> None:
    assert len(runs("can i pay with a cheque", "tell me: can I pay with a cheque? thanks")) == 1
    assert runs("can i pay with a cheque", "can i pay with a card") == []
    assert runs("can i pay later", "tell me: can i pay later") == [], "fewer words stand anywhere by chance"


def test_a_run_in_many_training_texts_is_boilerplate() -> None:
    opening = "please answer the question that the customer asks here"
    for copies, found in ((COMMON, COMMON), (COMMON + 1, 0)):
        known = [f"{opening} number{i}" for i in range(copies)]
        assert len(list(near([f"{opening} now"], known).sharing_runs())) == found


@pytest.mark.parametrize(
    "other",
    [
        "how long does it take untill a refund reaches my bank account",
        "how long does it take until my refund reaches a bank account",
        "hi, how long does it take until a refund reaches my bank account",
        "how long does it take until refund reaches my bank account",
        "how long does it take until a transfer reaches my bank account",
    ],
)
def test_nearly_the_same_words(other: str) -> None:
    (pair,) = equal("How long does it take until a refund reaches my bank account?", other)
    assert pair.text == other
    assert 0.6 < pair.similarity <= 1


def test_another_number_or_name_is_another_question() -> None:
    one = "does the charging box in the garage need a fuse of 16 amperes"
    assert equal(one, one.replace("16", "20")) == []
    assert len(equal(one, one.replace("16", "sixteen"))) == 1
    two = "does the Fenna in the garage need a fuse of 16 amperes"
    assert equal(two, two.replace("Fenna", "Holm"), {"fenna", "holm"}) == []
    assert len(equal(two, two.replace("Fenna", "Fena"), {"fenna", "holm"})) == 1


def test_other_questions_are_not_nearly_the_same() -> None:
    assert equal("how much is one lamp please", "how much is one chair please") == []
    assert equal("what does a lamp cost", "where is my parcel") == []


def test_a_question_held_whole_from_five_words_on() -> None:
    article = "# Payment\nCan I pay with a cheque? No. How do I pay? With a card, or at the door."
    tested = [
        "Can I pay with a cheque",
        "how do I pay",
        "can i pay with a card?",
        "how do I pay? With a card",
    ]
    found = list(near(tested, ["another article", article]).held_whole())
    assert [(p.one, p.other) for p in found] == [(0, 1), (3, 1)]


def test_two_questions_with_the_same_beginning_are_both_found() -> None:
    start = "one two three four five six seven eight"
    found = near([f"{start} nine", f"{start} ten"], [f"zero {start} ten", f"{start} nine"]).held_whole()
    assert sorted((p.one, p.other) for p in found) == [(0, 1), (1, 0)]


def test_empty_texts_and_empty_sides() -> None:
    for tested, known in ((["", "?"], ["", "?"]), ([], ["a"]), (["a b c"], [])):
        found = near(tested, known)
        assert list(found.sharing_runs()) == []
        assert [p for p in found.nearly_equal() if tested[p.one]] in ([], [Pair(1, 1, 1.0, "?")])
        assert list(found.held_whole()) == []
