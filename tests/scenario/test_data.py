"""Items and articles: what is accepted, and the line of what is not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.errors import Problem
from harness.scenario.data import read_articles, read_items

from .sample import item, turns, write_lines


def items_of(folder: Path, *lines: Any) -> tuple[list[Any], list[Problem]]:
    file = write_lines(folder / "train.jsonl", *lines)
    placed, problems = read_items(file, "train")
    assert all(p.file == file for p in [*placed, *problems])
    return placed, problems


def told(folder: Path, *lines: Any) -> list[tuple[int | None, str]]:
    return [(p.line, p.message) for p in items_of(folder, *lines)[1]]


def test_an_item_is_read_with_its_place(folder: Path) -> None:
    placed, problems = items_of(folder, item("train", 0), "", "  ", item("train", 1))
    assert problems == []
    assert [p.line for p in placed] == [1, 4]
    first = placed[0].item
    assert [m.role for m in first.messages] == ["user"]
    assert first.references == ("A lamp costs 10 euros.",)
    assert (first.split, first.cluster) == ("train", "lamp")


def test_an_item_without_id_and_cluster_is_named_by_its_line(folder: Path) -> None:
    placed, _ = items_of(folder, "", {"messages": turns("q", "a")})
    assert (placed[0].item.id, placed[0].item.cluster) == ("train-2", "train-2")


def test_prompt_and_completion_are_a_conversation(folder: Path) -> None:
    placed, problems = items_of(folder, {"prompt": "what?", "completion": " that. ", "id": "x"})
    assert problems == []
    assert placed[0].item.messages[0].content == "what?"
    assert placed[0].item.references == ("that.",)


def test_more_references_follow_the_answer(folder: Path) -> None:
    placed, _ = items_of(folder, item("train", 0, references=["10 euros", "ten"]))
    assert placed[0].item.references == ("A lamp costs 10 euros.", "10 euros", "ten")


def test_a_system_message_and_earlier_turns_are_kept(folder: Path) -> None:
    system = {"role": "system", "content": "be kind"}
    placed, problems = items_of(folder, {"messages": [system, *turns("a", "b", "c", "d")]})
    assert problems == []
    assert [m.role for m in placed[0].item.messages] == ["system", "user", "assistant", "user"]


ALTERNATE = "messages must alternate user and assistant and end with the assistant's reference"


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([], "messages: Tuple should have at least 2 items"),
        (turns("q"), "at least 2 items"),
        (turns("q", "a", "q"), ALTERNATE),
        (turns("q", "a")[::-1], ALTERNATE),
        ([{"role": "system", "content": "a"}, {"role": "system", "content": "b"}], ALTERNATE),
        (turns("q", ""), "a message is empty"),
        (turns(" \t", "a"), "a message is empty"),
        ([*turns("q"), {"role": "system", "content": "s"}, turns("", "a")[1]], "may only come first"),
        (
            [{"role": "bot", "content": "q"}, *turns("q", "a")],
            "messages.0.role: Input should be 'system', 'user'",
        ),
        ([{"role": "user"}, *turns("q", "a")], "messages.0.content: this field is required"),
        ([{"role": "user", "content": 3}, *turns("q", "a")], "messages.0.content"),
        ([{"role": "user", "content": "q", "name": "x"}], "messages.0.name: unknown field"),
        ("text", "messages: "),
        (None, "messages: this field is required"),
    ],
)
def test_a_conversation_that_cannot_be_asked(folder: Path, messages: Any, message: str) -> None:
    found = told(folder, item("train", 0), item("train", 1, messages=messages))
    assert {line for line, _ in found} == {2}
    assert any(message in m for _, m in found), found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not valid JSON: Expecting property name"),
        ("{'id': 1}", "not valid JSON"),
        ('{"id": "a",}', "not valid JSON"),
        ("[]", "each line must be a JSON object"),
        ("null", "each line must be a JSON object"),
        ("3 4", "not valid JSON: Extra data at column 3"),
        ('{"id": NaN}', "not valid JSON: NaN is not a JSON value"),
        ('{"id": -Infinity}', "not valid JSON: -Infinity is not a JSON value"),
        ('{"id": "a", "id": "b"}', "the key 'id' occurs twice"),
        ('{"facts": {"required": [], "required": []}}', "the key 'required' occurs twice"),
        ("[" * 200_000, "nested too deeply"),
        ('{"id": ' * 200_000, "nested too deeply"),
        ('{"id": "a\tb"}', "not valid JSON: Invalid control character"),
        ('{"id": ' + "9" * 5000 + "}", "digits"),
    ],
)
def test_a_line_that_is_no_json_object(folder: Path, line: str, message: str) -> None:
    found = told(folder, item("train", 0), line, item("train", 1))
    assert [at for at, _ in found] == [2]
    assert message in found[0][1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": ["lamp"]}, "source: unknown field; did you mean 'sources'?"),
        ({"fact": {}}, "fact: unknown field; did you mean 'facts'?"),
        ({"facts": {"requried": []}}, "facts.requried: unknown field; did you mean 'required'?"),
        ({"facts": {"required": ["ten euros"]}}, "facts.required.0: "),
        ({"id": 3}, "id: "),
        ({"id": "x" * 201}, "id: "),
        ({"abstain": "perhaps"}, "abstain: "),
        ({"slices": {"kind": 1}}, "slices.kind: "),
        ({"slices": ["kind"]}, "slices: "),
        ({"sources": "lamp"}, "sources: "),
        ({"references": [None]}, "references.0: "),
    ],
)
def test_a_field_that_does_not_fit(folder: Path, changes: dict[str, Any], message: str) -> None:
    found = told(folder, item("train", 0, **changes))
    assert [(line, m[: len(message)]) for line, m in found] == [(1, message)]


def test_every_problem_of_every_line_is_told(folder: Path) -> None:
    found = told(folder, item("train", 0, id=1, abstain="x"), "{", item("train", 1, extra=1), "[]")
    assert [line for line, _ in found] == [1, 1, 2, 3, 4]


def test_half_a_surrogate_pair_is_an_error(folder: Path) -> None:
    text = json.dumps(item("train", 0)).replace("what does", "what \\ud800 does")
    assert [line for line, _ in told(folder, text)] == [1]


def test_a_bad_value_is_shown_without_control_characters(folder: Path) -> None:
    ((_, message),) = told(folder, item("train", 0, abstain="\x1b[31mred\x07"))
    assert message.isprintable()


def test_a_line_separator_inside_a_string_ends_no_line(folder: Path) -> None:
    text = json.dumps(item("train", 0, messages=turns("a\u2028b\x85c", "d")), ensure_ascii=False)
    placed, problems = items_of(folder, text)
    assert problems == []
    assert placed[0].item.messages[0].content == "a\u2028b\x85c"


def test_byte_order_mark_windows_lines_and_no_last_newline(folder: Path) -> None:
    lines = [json.dumps(item("train", i)) for i in range(3)]
    file = folder / "train.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    placed, problems = read_items(file, "train")
    assert (len(placed), problems) == (3, [])
    file.write_bytes("\r\n".join([lines[0], "{", lines[1]]).encode())
    assert [p.line for p in read_items(file, "train")[1]] == [2]


def test_a_byte_that_is_not_utf8_is_placed(folder: Path) -> None:
    file = folder / "train.jsonl"
    file.write_bytes(file.read_bytes().replace(b"what does a chair", b"caf\xe9 chair"))
    (problem,) = read_items(file, "train")[1]
    assert (problem.line, problem.message) == (2, "not UTF-8 text; save the file as UTF-8")


@pytest.mark.parametrize("text", ["", "\n\n", " \r\n"])
def test_a_file_without_items_is_an_error(folder: Path, text: str) -> None:
    (folder / "train.jsonl").write_text(text)
    (problem,) = read_items(folder / "train.jsonl", "train")[1]
    assert (problem.line, problem.message) == (None, "holds no items")


def test_a_missing_file_and_a_folder_are_errors(folder: Path) -> None:
    assert read_items(folder / "none.jsonl", "dev")[1] == [
        Problem(folder / "none.jsonl", None, "file not found")
    ]
    assert read_items(folder / "kb", "dev")[1] == [Problem(folder / "kb", None, "is not a file")]


# --- articles ------------------------------------------------------------------------------------


def article_of(folder: Path, text: str | bytes) -> tuple[Any, list[Problem]]:
    kb = folder / "new"
    (kb / "sub").mkdir(parents=True)
    (kb / "sub" / "one.md").write_bytes(text.encode() if isinstance(text, str) else text)
    articles, problems = read_articles(kb)
    return articles, [Problem(p.file.relative_to(kb), p.line, p.message) for p in problems]


def test_front_matter_is_read(folder: Path) -> None:
    text = "---\ntitle: One\nupdated: 2026-02-03\nregion: eu\nsupersedes: a, b/c\n---\n\n# Other\nbody\n"
    (article,), problems = article_of(folder, text)
    assert problems == []
    assert (article.id, article.title, article.region) == ("sub/one", "One", "eu")
    assert (article.updated, article.supersedes) == (date(2026, 2, 3), ("a", "b/c"))
    assert article.body == "# Other\nbody"


@pytest.mark.parametrize(
    ("text", "title"),
    [("words\n# A heading\n", "A heading"), ("only words\n", "one"), ("---\n---\nwords", "one")],
)
def test_without_a_title_the_heading_or_the_file_names_the_article(
    folder: Path, text: str, title: str
) -> None:
    (article,), problems = article_of(folder, text)
    assert (article.title, problems) == (title, [])


def test_windows_lines_and_byte_order_mark_in_an_article(folder: Path) -> None:
    (article,), _ = article_of(folder, b"\xef\xbb\xbf---\r\ntitle: One\r\n---\r\na\r\nb\r\n")
    assert (article.title, article.body) == ("One", "a\nb")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("---\ntitle: x\nbody\n", 1, "front matter: no closing line `---`"),
        ("---\ntitle: x\nupdatd: 2026-01-01\n---\nb", 3, "updatd: unknown field; did you mean 'updated'?"),
        ("---\ntitle: x\nupdated: soon\n---\nb", 3, "updated: "),
        ("---\ntitle: x\ntitle: y\n---\nb", 3, "'title': the key occurs twice"),
        ("---\n\ttitle: x\n---\nb", 2, "not valid YAML"),
        ("---\n- title\n---\nb", 2, "must be a mapping"),
        ("---\ntitle: [\n---\nb", 3, "not valid YAML"),
        ("---\ntitle: x\n---\n \n", None, "the article is empty"),
        ("", None, "the article is empty"),
        (b"---\ntitle: x\n---\nok\ncaf\xe9\n", 5, "not UTF-8 text"),
    ],
)
def test_a_bad_article_is_placed(folder: Path, text: str | bytes, line: int | None, message: str) -> None:
    articles, (problem,) = article_of(folder, text)
    assert articles == []
    assert (problem.file, problem.line) == (Path("sub/one.md"), line)
    assert problem.message.startswith(message)


def test_a_knowledge_base_without_articles_is_an_error(folder: Path) -> None:
    (folder / "empty").mkdir()
    for name in ("empty", "none", "system.md"):
        articles, (problem,) = read_articles(folder / name)
        assert articles == []
        assert problem == Problem(folder / name, None, "the knowledge base holds no .md files")


def test_a_folder_called_like_an_article_is_an_error(folder: Path) -> None:
    (folder / "kb" / "x.md").mkdir()
    assert read_articles(folder / "kb")[1] == [Problem(folder / "kb" / "x.md", None, "is not a file")]


def test_an_article_that_is_a_link_out_of_the_knowledge_base_is_refused(folder: Path) -> None:
    (folder / "kb" / "x.md").symlink_to(folder.parent / "secret.md")
    (folder.parent / "secret.md").write_text("secret")
    (problem,) = read_articles(folder / "kb")[1]
    assert problem.file == folder / "kb" / "x.md"
    assert "outside the scenario's folder" in problem.message
