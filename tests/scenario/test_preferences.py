"""The preference pairs that ship with the support bot: sound lines, no leaks, no cheap cue to the better side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.types.judging import AUTHOR, PreferencePair

DATA = Path(__file__).parents[2] / "scenarios" / "support-bot" / "data"
LEAST = {"train": 190, "dev": 50, "heldout": 110}
CLOSING = "Warmly, Norrfell Care"
TOPICS = {"account", "battery", "charging", "climate", "orders", "service"}


def pairs(split: str) -> list[PreferencePair]:
    lines = (DATA / "preferences" / f"{split}.jsonl").read_text("utf-8").splitlines()
    return [PreferencePair.model_validate_json(line) for line in lines]


def question(pair: PreferencePair) -> str:
    return pair.input if isinstance(pair.input, str) else pair.input[-1].content


def better_and_worse(split: str) -> Iterator[tuple[PreferencePair, str, str]]:
    for pair in pairs(split):
        if pair.label in ("a", "b"):
            yield (pair, pair.a, pair.b) if pair.label == "a" else (pair, pair.b, pair.a)


@pytest.mark.parametrize("split", LEAST)
def test_every_pair_is_labelled_by_the_author_and_sliced(split: str) -> None:
    found = pairs(split)
    assert len(found) >= LEAST[split]
    for pair in found:
        assert pair.a != pair.b
        assert pair.annotators == {AUTHOR: pair.label}
        assert (pair.reference or "").endswith(CLOSING)
        assert set(pair.slices) == {"flaw", "topic", "cluster", "answerable"}
        assert pair.slices["topic"] in TOPICS
        assert (pair.slices["answerable"] == "no") is (pair.slices["flaw"] == "invented")
        assert (pair.slices["flaw"] == "tie") == (pair.label == "tie")


@pytest.mark.parametrize("split", LEAST)
def test_neither_side_nor_length_nor_closing_tells_the_better_answer(split: str) -> None:
    sides = [pair.label for pair in pairs(split) if pair.label != "tie"]
    assert 0.45 <= sides.count("a") / len(sides) <= 0.55
    rest = [each for each in better_and_worse(split) if each[0].slices["flaw"] != "rambling"]
    assert 0.4 <= sum(len(better) > len(worse) for _, better, worse in rest) / len(rest) <= 0.6
    closed = [(better.endswith(CLOSING), worse.endswith(CLOSING)) for _, better, worse in rest]
    assert abs(sum(a - b for a, b in closed)) / len(closed) <= 0.05


@pytest.mark.parametrize("split", LEAST)
def test_the_better_answer_rarely_copies_the_reference(split: str) -> None:
    rest = [each for each in better_and_worse(split) if each[0].slices["answerable"] == "yes"]
    assert sum(better == pair.reference for pair, better, _ in rest) / len(rest) <= 0.05


def test_no_id_question_or_fact_is_in_two_files() -> None:
    every = {split: pairs(split) for split in LEAST}
    ids = [pair.id for found in every.values() for pair in found]
    questions = [question(pair).casefold() for found in every.values() for pair in found]
    clusters = [cluster for found in every.values() for cluster in {pair.slices["cluster"] for pair in found}]
    for values in (ids, questions, clusters):
        assert len(set(values)) == len(values), sorted({v for v in values if values.count(v) > 1})


def test_no_question_is_an_items() -> None:
    items = {
        message["content"].casefold()
        for split in LEAST
        for line in (DATA / f"{split}.jsonl").read_text("utf-8").splitlines()
        for message in json.loads(line)["messages"]
        if message["role"] == "user"
    }
    assert not [pair.id for split in LEAST for pair in pairs(split) if question(pair).casefold() in items]
