"""Training conversations: targets, samples, and passages with distractors, withheld sources and citations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.errors import TrainingError
from harness.types.data import Facts, Item, Message
from harness.types.settings import PassageTraining, Training
from harness.variants.finetune.examples import conversations
from harness.variants.rag.retrieve import Retriever

from .factories import READING, REFUSAL, THINGS, item, material, refusing_item, thing_item

ITEMS = [thing_item(i, "train") for i in range(60)]


@pytest.fixture
def found(tmp_path: Path) -> Retriever:
    assert READING.retrieval is not None
    return material(tmp_path).retriever(READING.retrieval)


def reading(distractors: int = 2, without_source: float = 0.0) -> Training:
    passages = PassageTraining(distractors=distractors, without_source=without_source)
    return READING.model_copy(update={"passages": passages})


def laid(items: list[Item], training: Training, retriever: Retriever, seed: int = 1) -> list[tuple[str, str]]:
    """Last question and target of each conversation."""
    chats = conversations(items, training, "S", retriever, REFUSAL, seed)
    return [(c[-2].content, c[-1].content) for c in chats]


def titles(question: str) -> list[str]:
    return re.findall(r"^\[\d\] (\w+)", question, re.MULTILINE)


def test_without_passages_it_is_the_prompts_layout_and_the_first_reference() -> None:
    [chat] = conversations(
        [item("a", "One?", references=("First.", "Other."))], Training(), "S", None, None, 1
    )
    assert chat == (
        Message(role="system", content="S"),
        Message(role="user", content="One?"),
        Message(role="assistant", content="First."),
    )


def test_a_sample_is_drawn_with_the_seed() -> None:
    def drawn(seed: int, n: int | None) -> list[str]:
        training = Training(examples=n)
        return [c[-1].content for c in conversations(ITEMS, training, None, None, None, seed)]

    assert drawn(1, 5) == drawn(1, 5) != drawn(2, 5)
    assert len(drawn(1, 5)) == 5
    assert drawn(1, None) == drawn(1, 1000) == [i.references[0] for i in ITEMS]


def test_the_source_is_among_its_passages_and_distractors_are_never_sources(found: Retriever) -> None:
    for it, (question, _) in zip(ITEMS, laid(ITEMS, reading(), found), strict=True):
        shown = titles(question)
        assert shown.count(it.sources[0].title()) == 1
        assert 1 <= len(shown) <= 3


def test_the_passage_with_the_fact_is_chosen_within_the_source(found: Retriever) -> None:
    for question, _ in laid(ITEMS[:6], reading(0), found):
        assert "Price\nThe" in question


def test_the_right_passage_stands_at_every_place(found: Retriever) -> None:
    places = {
        titles(question).index(it.sources[0].title())
        for it, (question, _) in zip(ITEMS, laid(ITEMS, reading(), found), strict=True)
    }
    assert places == {0, 1, 2}


def test_the_answer_cites_the_right_passage_before_its_closing_line(found: Retriever) -> None:
    for it, (question, answer) in zip(ITEMS, laid(ITEMS, reading(), found), strict=True):
        number = titles(question).index(it.sources[0].title()) + 1
        body, closing = it.references[0].split("\n")
        assert answer == f"{body} [{number}]\n{closing}"


def test_an_answer_of_one_line_is_cited_at_its_end(found: Retriever) -> None:
    it = thing_item(0, "train").model_copy(update={"references": ("It costs 10 euros.",)})
    [(_, answer)] = laid([it], reading(0), found)
    assert answer == "It costs 10 euros. [1]"


def test_two_sources_are_both_shown_and_cited(found: Retriever) -> None:
    facts = Facts(required=(("10 euros",), ("11 euros",)))
    it = item("two", "lamp and chair cost", "train", sources=("lamp", "chair"), facts=facts)
    [(question, answer)] = laid([it], reading(1), found)
    assert {"Lamp", "Chair"} <= set(titles(question))
    cited = {titles(question)[int(n) - 1] for n in re.findall(r"\[(\d)\]", answer)}
    assert cited == {"Lamp", "Chair"}


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_so_large_a_share_is_withheld_and_then_abstained_from(found: Retriever, share: float) -> None:
    withheld = 0
    for it, (question, answer) in zip(ITEMS, laid(ITEMS, reading(2, share), found), strict=True):
        if it.sources[0].title() not in titles(question):
            withheld += 1
            assert answer == REFUSAL
        else:
            assert answer != REFUSAL
    assert withheld / len(ITEMS) == pytest.approx(share, abs=0.15)


def test_an_item_without_sources_sees_distractors_and_keeps_its_answer(found: Retriever) -> None:
    it = refusing_item("train").model_copy(
        update={"messages": (Message(role="user", content="the lamp costs euros, the submarine too"),)}
    )
    [(question, answer)] = laid([it], reading(2, 1.0), found)
    assert answer == REFUSAL
    assert len(titles(question)) == 3
    assert set(titles(question)) <= {t.title() for t in THINGS}


def test_the_same_seed_draws_the_same(found: Retriever) -> None:
    given: dict[str, Any] = {"items": ITEMS, "training": reading(2, 0.5), "retriever": found}
    assert laid(**given, seed=1) == laid(**given, seed=1) != laid(**given, seed=2)


def test_what_is_missing_is_named(found: Retriever) -> None:
    with pytest.raises(TrainingError, match="needs a retriever"):
        conversations(ITEMS, reading(), None, None, REFUSAL, 1)
    with pytest.raises(TrainingError, match=r"without_source needs a training item that abstains"):
        conversations(ITEMS, reading(1, 0.5), None, found, None, 1)
    assert conversations(ITEMS, reading(1, 0.0), None, found, None, 1)
