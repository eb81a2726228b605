"""Which differences between two questions forbid one answer to both."""

from __future__ import annotations

import pytest

from harness.caching.guard import guard_from, same_sense

KNOWN = (
    "The Tern Bridge joins your Fenna Valve to the network. Hold its button for 5 seconds, says our Tern Bridge sheet.",
    "How long do I have to send back a Fenna Valve? Do you take back a lamp or can I keep it when it is not broken?",
    "You can pay by card, in one part or in two, and we ship to Norway and to Finland in a day, a week or on Friday.",
    "Does the bridge work without internet, is it free, how much is it, what does it cost, please tell us; may it be red?",
)
ARTICLES = [
    (thing, f"All about the {thing.lower()} and the bench.") for thing in ("Lamp", "The chair", "Card")
]
ARTICLES += [(f"On {n}", "What there is to tell of the thing.") for n in range(10)]
GUARD = guard_from(ARTICLES, KNOWN)


def same(one: str, other: str) -> bool:
    senses = GUARD.sense(one), GUARD.sense(other)
    assert same_sense(*senses) == same_sense(*reversed(senses))
    return same_sense(*senses)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("what does a lamp cost", "How much is a lamp, please?"),
        ("hold it for 5 seconds?", "Hold for five seconds?"),
        ("it isn't broken", "It isn’t broken"),
        ("it is not broken", "it isn't broken"),
        ("the lamp of the bench", "a lamp of a bench"),
        ("how long do I have to send it back", "HOW LONG DO I HAVE TO SEND IT BACK"),
        ("is it 1,000 or 2", "is it 1000 or two?"),
        ("can i pay by card", "May I pay by card?"),
    ],
)
def test_other_words_for_the_same_keep_the_sense(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hold it for 5 seconds?", "hold it for 6 seconds?"),
        ("hold it for five seconds?", "hold it for fifteen seconds?"),
        ("pay in two", "pay in one part"),
        ("does it cost 1.5", "does it cost 15"),
        ("does it cost -5", "does it cost 6"),
        ("5 days to send it back", "5 weeks to send it back"),
        ("ship on Friday", "ship on Monday"),
        ("ship on fri", "ship on thu"),
        ("ship in may", "ship in june"),
        ("ship in may", "ship"),
        ("ship today", "ship tomorrow"),
        ("is it broken", "is it not broken"),
        ("can I send it back", "can't I send it back"),
        ("does it work with internet", "does it work without internet"),
        ("i dont have internet", "I do have internet"),
        ("does the tern bridge cost much", "does the fenna valve cost much"),
        ("does the Bridge cost much", "does the Valve cost much"),
        ("does it cost much", "does the valve cost much"),
        ("do you ship to norway", "do you ship to finland"),
        ("do you ship to Zanzibar", "do you ship to Norway"),
        ("do you ship to zanzibar", "do you ship to samarkand"),
        ("do you ship to zanzibar", "do you ship"),
        ("does a lamp cost much", "does a chair cost much"),
        ("is it from 2 to 1", "is it from 1 to 2"),
        ("pay from Norway to Finland", "pay from Finland to Norway"),
        ("is the lamp free and the chair not", "is the lamp not free and the chair"),
        ("is it 1.5", "is it 5.1"),
        ("is the TB20 free", "is the TB21 free"),
    ],
)
def test_another_number_date_negation_or_name_is_another_question(one: str, other: str) -> None:
    assert not same(one, other)
