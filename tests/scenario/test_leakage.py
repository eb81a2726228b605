"""Leaks among the splits, the prompts and the knowledge base, and what is kept of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.backends.fake import FakeEmbedder
from harness.scenario.inputs import Options, load_inputs
from harness.scenario.leakage import Corpus, find_leaks, question, stored_leaks
from harness.store import RunFolder
from harness.types.data import Article, Item, Message, Split

from .sample import item, write_lines

ASKED = "how long does it take until a refund reaches my bank account"


def ask(split: Split, name: str, *turns: str, answer: str = "", cluster: str = "") -> Item:
    roles = ("user", "assistant")
    messages = tuple(Message(role=roles[i % 2], content=t) for i, t in enumerate(turns))  # type: ignore[arg-type]
    return Item(id=name, split=split, messages=messages, references=(answer,), cluster=cluster or name)


def corpus(*items: Item, articles: tuple[Article, ...] = (), **prompts: str) -> Corpus:
    by = {s: [i for i in items if i.split == s] for s in ("train", "dev", "heldout")}
    return Corpus(by["train"], by["dev"], by["heldout"], articles, prompts)


def told(found: Corpus) -> list[tuple[str, str, str, str]]:
    return [(k.item, k.where, k.other, k.stage) for k in find_leaks(found)]


def test_the_first_stage_that_finds_a_pair_names_it() -> None:
    found = corpus(
        ask("heldout", "h1", ASKED),
        ask("heldout", "h2", "what does the green chair with the high back and the wheels cost in your shop"),
        ask("heldout", "h3", "is there a lamp for outside that nobody has to switch on"),
        ask("heldout", "h4", "do you deliver on sundays"),
        ask("train", "t1", ASKED.upper() + "?!"),
        ask("train", "t2", "and what does the green chair with the high back and the wheels weigh"),
        ask("train", "t3", "is there a lamp for outside which nobody has to switch onn"),
        ask("train", "t4", "do you deliver to norway"),
    )
    assert told(found) == [
        ("h1", "train", "t1", "exact"), ("h2", "train", "t2", "n-gram"), ("h3", "train", "t3", "minhash")
    ]  # fmt: skip
    (exact, run, near) = find_leaks(found)
    assert (exact.similarity, exact.text) == (1.0, ASKED)
    assert run.text == "what does the green chair with the high back and the wheels"
    assert 0.8 <= near.similarity < 1


def test_a_duplicate_within_a_cluster_is_a_leak_and_never_declared() -> None:
    found = corpus(ask("heldout", "h", ASKED, cluster="refund"), ask("train", "t", ASKED, cluster="refund"))
    assert [k.declared for k in find_leaks(found)] == [False]


def test_a_rephrasing_within_a_cluster_is_declared_and_between_clusters_a_leak() -> None:
    def alike(texts: list[str]) -> object:
        return np.ones((len(texts), 1), dtype=np.float32)

    answer = "After 5 days."
    found = corpus(
        ask("heldout", "h", "when is my money back", answer=answer, cluster="refund"),
        ask("train", "t", "how long does it take you to pay", answer=answer, cluster="refund"),
        ask("train", "u", "refund?", answer=answer, cluster="other"),
    )
    leaks = find_leaks(found, alike)
    assert [(k.other, k.stage, k.declared) for k in leaks] == [
        ("u", "rephrased", False), ("t", "rephrased", True)
    ]  # fmt: skip
    assert leaks[1].text == "how long does it take you to pay"
    assert find_leaks(found) == []


def test_the_strongest_of_each_place_is_kept() -> None:
    found = corpus(
        ask("heldout", "h", ASKED),
        ask("dev", "d", ASKED),
        ask("train", "t1", f"hello. {ASKED}, thank you"),
        ask("train", "t2", ASKED),
    )
    assert told(found) == [
        ("h", "dev", "d", "exact"),
        ("h", "train", "t2", "exact"),
        ("d", "train", "t2", "exact"),
    ]


def test_dev_is_held_against_train_and_not_against_itself() -> None:
    assert told(corpus(ask("dev", "d1", ASKED), ask("dev", "d2", ASKED))) == []
    assert told(corpus(ask("heldout", "h1", ASKED), ask("heldout", "h2", ASKED))) == []


def test_a_follow_up_is_compared_with_what_it_follows() -> None:
    one = ask("heldout", "h", "what does the lamp cost", "10 euros", "and the chair")
    other = ask("train", "t", "where is the table made", "in Norway", "and the chair")
    assert question(one) == "what does the lamp cost\nand the chair"
    assert told(corpus(one, other)) == []


def test_the_question_itself_in_an_article_or_a_prompt_is_a_leak_its_answer_is_not() -> None:
    answer = Article(id="a", title="Refunds", body="A refund reaches your bank account after 5 days.")
    faq = Article(id="faq", title="Questions", body=f"## {ASKED.capitalize()}?\n5 days.")
    found = corpus(
        ask("heldout", "h", "hello", "hi", ASKED, answer=answer.body),
        articles=(answer, faq),
        **{"p.md": f"Q: {ASKED}"},
    )
    assert told(found) == [("h", "kb", "faq", "exact"), ("h", "prompt", "p.md", "exact")]


def test_nothing_to_compare() -> None:
    assert find_leaks(Corpus([], [], [])) == []
    assert told(corpus(ask("heldout", "h", ASKED))) == []
    assert told(corpus(ask("train", "t", ASKED))) == []


def test_what_was_found_is_kept_until_a_text_changes(folder: Path, tmp_path: Path) -> None:
    asked: list[int] = []

    def embed(texts: object) -> object:
        asked.append(1)
        return FakeEmbedder(Path())(texts)  # type: ignore[arg-type]

    run = RunFolder(tmp_path / "run")
    first = stored_leaks(run, load_inputs(folder, Options()), "e", embed)
    assert stored_leaks(run, load_inputs(folder, Options()), "e", embed) == first
    once = len(asked)
    line = item("train", 0, id="copy", messages=item("heldout", 0)["messages"])
    write_lines(folder / "train.jsonl", *(item("train", i) for i in range(3)), line)
    (leak,) = [k for k in stored_leaks(run, load_inputs(folder, Options()), "e", embed) if k.stage == "exact"]
    assert (leak.item, leak.other) == ("heldout-0", "copy")
    assert len(asked) > once
    stored_leaks(run, load_inputs(folder, Options()), "another embedder", embed)
    assert len(asked) > 2 * once
