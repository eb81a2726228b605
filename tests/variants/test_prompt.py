"""How a conversation is laid out for the model."""

from __future__ import annotations

from harness.types.data import Message
from harness.variants.prompt import lay_out, query

from .factories import item, passages

QUESTION = Message(role="user", content="What now?")
FOLLOW_UP = (
    Message(role="user", content="Do you sell lamps?"),
    Message(role="assistant", content="We do."),
    Message(role="user", content="In red?"),
)


def plain(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in messages]


def test_the_system_prompt_comes_first_without_the_files_last_line_end() -> None:
    assert plain(lay_out([QUESTION], "Be kind.\n")) == [("system", "Be kind."), ("user", "What now?")]


def test_without_a_system_prompt_there_is_no_system_turn() -> None:
    assert plain(lay_out([QUESTION], None)) == [("user", "What now?")]


def test_the_variants_system_prompt_replaces_the_items() -> None:
    given = (Message(role="system", content="From the data."), QUESTION)
    assert plain(lay_out(given, "Ours.")) == [("system", "Ours."), ("user", "What now?")]
    assert plain(lay_out(given, None)) == [("system", "From the data."), ("user", "What now?")]


def test_examples_are_earlier_turns_with_their_first_reference() -> None:
    shown = [item("a", "One?", references=("First.", "Other.")), item("b", "Two?", references=("Second.",))]
    assert plain(lay_out([QUESTION], "S", shown)) == [
        ("system", "S"),
        ("user", "One?"),
        ("assistant", "First."),
        ("user", "Two?"),
        ("assistant", "Second."),
        ("user", "What now?"),
    ]


def test_passages_stand_numbered_before_the_last_question_only() -> None:
    given = passages(("lamp", "Red."), ("chair", "Blue."))
    laid = plain(lay_out(FOLLOW_UP, None, passages=list(given.values())))
    assert laid[:2] == plain(FOLLOW_UP[:2])
    assert laid[2] == ("user", "Passages:\n[1] lamp\nRed.\n\n[2] chair\nBlue.\n\nQuestion: In red?")


def test_finding_nothing_is_said_and_differs_from_not_searching() -> None:
    assert plain(lay_out([QUESTION], None, passages=[])) == [
        ("user", "Passages:\n(none found)\n\nQuestion: What now?")
    ]
    assert plain(lay_out([QUESTION], None, passages=None)) == [("user", "What now?")]


def test_the_query_holds_all_turns_of_the_customer_and_nothing_else() -> None:
    asked = item("x", "?").model_copy(update={"messages": FOLLOW_UP})
    assert query(asked) == "Do you sell lamps?\nIn red?"
