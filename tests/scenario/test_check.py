"""What `harness validate` finds beyond single lines: doubles, leaks, contradictions, lengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.check import check
from harness.errors import Problem
from harness.scenario.check import CountTokens, check_scenario

from .sample import article, change, item, turns, write_lines

SHIPPED = sorted(p.parent for p in Path(__file__).parents[2].glob("scenarios/*/scenario.yaml"))


def found(folder: Path, count: CountTokens | None = None, context: int | None = None) -> list[Problem]:
    return check_scenario(folder, count, context)[1]


def only(folder: Path) -> tuple[str, int | None, str]:
    (problem,) = found(folder)
    return problem.file.name, problem.line, problem.message


def put(folder: Path, split: str, *lines: Any) -> None:
    """Put lines after the three of a split."""
    write_lines(folder / f"{split}.jsonl", *(item(split, i) for i in range(3)), *lines)


def test_a_sound_scenario_has_a_summary_and_no_problems(folder: Path) -> None:
    summary, problems = check_scenario(folder, None, None)
    assert problems == []
    assert summary is not None
    assert summary.items == {"train": 3, "dev": 3, "heldout": 3}
    assert (summary.clusters, summary.articles) == (3, 3)
    assert summary.variants == ("prompt", "rag", "tuned", "elsewhere")


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda p: p.name)
def test_every_scenario_here_validates(shipped: Path, own_cache: Path) -> None:
    summary, problems = check(shipped)
    assert problems == []
    assert summary is not None
    assert all(summary.items.values())


def test_there_is_a_scenario_here() -> None:
    assert "support-bot" in {p.name for p in SHIPPED}


def test_an_id_used_twice(folder: Path) -> None:
    put(folder, "train", item("train", 0, messages=turns("another question", "a")))
    assert only(folder) == ("train.jsonl", 4, f"id 'train-0' is already used at {folder / 'train.jsonl'}:1")


def test_an_id_used_in_two_splits(folder: Path) -> None:
    put(folder, "heldout", item("heldout", 0, id="dev-1", messages=turns("another question", "a")))
    assert only(folder) == ("heldout.jsonl", 4, f"id 'dev-1' is already used at {folder / 'dev.jsonl'}:2")


@pytest.mark.parametrize(
    "again", ["what does a lamp cost", "What does a LAMP cost?!", " what  does a lamp\ncost "]
)
def test_the_same_question_in_two_splits(folder: Path, again: str) -> None:
    put(folder, "heldout", item("heldout", 0, id="leak", messages=turns(again, "10 euros")))
    assert only(folder) == (
        "heldout.jsonl",
        4,
        f"asks the same as 'train-0' (train, {folder / 'train.jsonl'}:1)",
    )


def test_the_same_last_turn_after_another_conversation_is_another_question(folder: Path) -> None:
    put(
        folder,
        "heldout",
        item("heldout", 0, id="x", messages=turns("hi", "hello", "what does a lamp cost", "a")),
    )
    assert found(folder) == []


def test_questions_of_symbols_alone_are_compared_as_they_stand(folder: Path) -> None:
    put(folder, "train", {"messages": turns("🙂", "a")}, {"messages": turns("🙁", "a")})
    assert found(folder) == []
    put(folder, "train", {"messages": turns("🙂", "a")}, {"messages": turns("🙂", "a")})
    assert only(folder)[:2] == ("train.jsonl", 5)


def test_a_source_that_is_no_article(folder: Path) -> None:
    put(folder, "dev", item("dev", 0, id="x", messages=turns("new", "a"), sources=["lamp", "sofa"]))
    assert only(folder) == ("dev.jsonl", 4, "source 'sofa' is not in the knowledge base")


def test_an_article_that_supersedes_none(folder: Path) -> None:
    (folder / "kb" / "lamp.md").write_text("---\nsupersedes: sofa\n---\nwords\n")
    assert only(folder) == ("lamp.md", 1, "supersedes 'sofa', which is not in the knowledge base")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"references": ["good", " "]}, "a reference is empty"),
        ({"facts": {"required": [[]]}}, "facts.required: a fact has no or an empty alternative"),
        ({"facts": {"required": [["a", ""]]}}, "facts.required: a fact has no or an empty alternative"),
        ({"facts": {"required": [["a"]], "forbidden": [" "]}}, "facts.forbidden: a claim is empty"),
        ({"abstain": True}, "abstain is true but facts are required"),
        ({"facts": {}}, "neither required facts nor abstain: success cannot be scored"),
    ],
)
def test_an_item_that_no_answer_could_get_right(folder: Path, changes: dict[str, Any], message: str) -> None:
    put(folder, "heldout", item("heldout", 0, id="x", messages=turns("new", "a"), **changes))
    assert only(folder) == ("heldout.jsonl", 4, message)


def test_training_items_need_no_facts(folder: Path) -> None:
    put(folder, "train", {"prompt": "new", "completion": "a"})
    assert found(folder) == []


@pytest.mark.parametrize("name", ["system.md", "reader.md"])
def test_an_empty_and_a_missing_prompt(folder: Path, name: str) -> None:
    (folder / name).write_text(" \n")
    assert only(folder) == (name, None, "the prompt is empty")
    (folder / name).unlink()
    assert only(folder) == (name, None, "file not found")


def test_precomputed_answers_are_read(folder: Path) -> None:
    write_lines(folder / "elsewhere.jsonl", {"id": "heldout-0", "text": "a"}, "{", {"id": "heldout-1"})
    problems = check(folder)[1]
    assert [(p.file.name, p.line) for p in problems] == [("elsewhere.jsonl", 2), ("elsewhere.jsonl", 3)]
    (folder / "elsewhere.jsonl").unlink()
    assert only(folder) == ("elsewhere.jsonl", None, "file not found")
    assert [p.message for p in check(folder)[1]] == ["file not found"]


def count_words(text: str) -> int:
    return len(text.split())


def test_a_training_item_over_the_length_of_an_adapter(folder: Path) -> None:
    long = " ".join(["word"] * 550)
    put(folder, "train", item("train", 0, id="x", messages=turns(long, "a")))
    (problem,) = found(folder, count_words)
    assert (problem.file.name, problem.line) == ("train.jsonl", 4)
    # reader.md has four words, the answer one, and the template takes eight for each of three turns
    assert problem.message == "579 tokens, over the max_length of adapter 'tuned' (512)"


def test_the_answer_counts_in_training(folder: Path) -> None:
    for answer, n in ((" ".join(["word"] * 484), 1), (" ".join(["word"] * 483), 0)):
        put(folder, "train", item("train", 0, id="x", messages=turns("question", answer)))
        assert len(found(folder, count_words)) == n


def test_an_asked_item_over_the_context_of_the_model(folder: Path) -> None:
    long = " ".join(["word"] * 90)
    put(folder, "heldout", item("heldout", 0, id="x", messages=turns(long, "a")))
    (problem,) = found(folder, count_words, 121)
    assert (problem.file.name, problem.line) == ("heldout.jsonl", 4)
    # reader.md, the longest prompt, has four words
    assert problem.message == "110 tokens and 12 for the answer, over the context of the model (121)"
    assert found(folder, count_words, 122) == []


def test_short_items_are_not_counted_at_all(folder: Path) -> None:
    def never(text: str) -> int:
        raise AssertionError(text)

    assert found(folder, never, 2048) == []


def test_without_a_tokenizer_lengths_are_estimated(folder: Path) -> None:
    put(folder, "train", item("train", 0, id="x", messages=turns("long " * 400, "a")))
    (problem,) = found(folder)
    assert problem.message.startswith("about ")


def test_without_adapters_training_items_have_no_limit(folder: Path) -> None:
    text = (folder / "scenario.yaml").read_text()
    start, end = text.index("adapters:"), text.index("variants:")
    text = text[:start] + text[end:].replace("    weights: adapter:tuned\n", "")
    (folder / "scenario.yaml").write_text(text)
    put(folder, "train", item("train", 0, id="x", messages=turns("word " * 5000, "a")))
    assert found(folder, count_words) == []


def test_problems_of_all_files_come_at_once_in_order(folder: Path) -> None:
    write_lines(folder / "dev.jsonl", item("dev", 0), "{", item("dev", 1, sources=["sofa"]))
    put(folder, "train", "[]")
    (folder / "system.md").unlink()
    (folder / "kb" / "chair.md").write_text("---\nnope: 1\n---\nwords")
    (folder / "kb" / "new.md").write_text(article(0))
    names = [(p.file.name, p.line) for p in found(folder)]
    assert {*names} >= {
        ("dev.jsonl", 2),
        ("dev.jsonl", 3),
        ("chair.md", 2),
        ("system.md", None),
        ("train.jsonl", 4),
    }
    assert [str(p.file) for p in found(folder)] == sorted(str(p.file) for p in found(folder))


def test_bad_settings_end_the_check_with_all_that_is_wrong_in_them(folder: Path) -> None:
    change(folder, "seed: 3", "seed: x")
    change(folder, "timing_items: 2", "timing_items: 0")
    summary, problems = check_scenario(folder, None, None)
    assert summary is None
    assert len(problems) == 2
