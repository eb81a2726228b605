"""Read the items (JSONL) and the knowledge base (Markdown) of a scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError, field_validator

from harness.errors import Problem, ScenarioError
from harness.scenario.document import Document, explain
from harness.scenario.load import outside, read_text
from harness.types.data import Article, Facts, Item, Message, Split
from harness.types.record import Record

T = TypeVar("T")


class ItemLine(Record):
    """One line of a data file: OpenAI chat JSONL (the last message is the reference) plus our fields."""

    id: str = Field(default="", max_length=200)
    messages: tuple[Message, ...] = Field(min_length=2)
    references: tuple[str, ...] = ()
    facts: Facts = Facts()
    abstain: bool = False
    sources: tuple[str, ...] = ()
    slices: dict[str, str] = Field(default={})
    cluster: str = ""

    @field_validator("messages")
    @classmethod
    def _a_conversation(cls, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        turns = [m.role for m in messages if m.role != "system"]
        if turns != ["user", "assistant"] * (len(turns) // 2) or not turns:
            raise ValueError(
                "messages must alternate user and assistant and end with the assistant's reference"
            )
        if any(not m.content.strip() for m in messages):
            raise ValueError("a message is empty")
        if any(m.role == "system" for m in messages[1:]):
            raise ValueError("a system message may only come first")
        return messages


class FrontMatter(Record):
    """What may stand between the two ``---`` lines at the head of an article."""

    title: str | None = None
    updated: date | None = None
    region: str = "all"
    supersedes: tuple[str, ...] = ()

    @field_validator("supersedes", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        """``a, b`` is the same as ``[a, b]``."""
        return tuple(re.split(r"[,\s]+", value.strip())) if isinstance(value, str) else value or ()


@dataclass(frozen=True)
class Placed:
    """An item and the line that it stands on."""

    item: Item
    file: Path
    line: int


def read_items(file: Path, split: Split) -> tuple[list[Placed], list[Problem]]:
    """Good items with their lines, and the problems of the others."""
    found, problems = read_lines(file, ItemLine, lambda data, number: _item(data, split, number))
    if not found and not problems:
        problems.append(Problem(file, None, "holds no items"))
    return [Placed(item, file, number) for number, item in found], problems


def read_lines(
    file: Path, kind: type[Record], make: Callable[[dict[str, Any], int], T]
) -> tuple[list[tuple[int, T]], list[Problem]]:
    """What ``make`` makes of each line of a JSONL file and of its number, and the problems of the others.

    ``make`` raises ValueError; ``kind`` is the record of a line, whose fields the messages name.
    """
    try:
        text = read_text(file)
    except ScenarioError as e:
        return [], list(e.problems)
    found: list[tuple[int, T]] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found.append((number, make(parse_line(line), number)))
        except ValidationError as e:
            problems += [Problem(file, number, explain(err, kind, "field")) for err in e.errors()]
        except RecursionError:
            problems.append(Problem(file, number, "not valid JSON: nested too deeply"))
        except ValueError as e:
            problems.append(Problem(file, number, str(e)))
    return found, problems


def parse_line(line: str) -> dict[str, Any]:
    """One line of JSONL as an object; raises ValueError."""

    def no_constant(name: str) -> None:
        raise ValueError(f"not valid JSON: {name} is not a JSON value")

    def no_doubled(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [k for k, _ in pairs]
        if len(set(keys)) != len(keys):
            raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} occurs twice")
        return dict(pairs)

    try:
        data = json.loads(line, parse_constant=no_constant, object_pairs_hook=no_doubled)
    except json.JSONDecodeError as e:
        raise ValueError(f"not valid JSON: {e.msg} at column {e.colno}") from None
    if not isinstance(data, dict):
        raise ValueError("each line must be a JSON object")
    if "\\ud" in line.lower():
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("not valid Unicode: half of a surrogate pair (\\ud800 to \\udfff)") from None
    if "prompt" in data and "completion" in data and "messages" not in data:
        prompt, completion = data.pop("prompt"), data.pop("completion")
        data["messages"] = [
            {"role": "user", "content": prompt},
            {
                "role": "assistant",
                "content": completion.strip() if isinstance(completion, str) else completion,
            },
        ]
    return data


def _item(data: dict[str, Any], split: Split, number: int) -> Item:
    line = ItemLine.model_validate(data)
    name = line.id or f"{split}-{number}"
    return Item(
        id=name,
        split=split,
        messages=line.messages[:-1],
        references=(line.messages[-1].content, *line.references),
        facts=line.facts,
        abstain=line.abstain,
        sources=line.sources,
        slices=line.slices,
        cluster=line.cluster or name,
    )


def read_articles(folder: Path) -> tuple[list[Article], list[Problem]]:
    """All good articles below ``folder`` in order of their ids, and the problems of the others."""
    articles: list[Article] = []
    problems: list[Problem] = []
    try:
        files = sorted(folder.rglob("*.md"))
    except OSError as e:  # such as a name that is too long
        return [], [Problem(folder, None, f"cannot be read: {e.strerror}")]
    for file in files:
        try:
            articles.append(_article(file, folder))
        except ScenarioError as e:
            problems += e.problems
    if not articles and not problems:
        problems.append(Problem(folder, None, "the knowledge base holds no .md files"))
    return articles, problems


def _article(file: Path, folder: Path) -> Article:
    if wrong := outside(file, folder):
        raise ScenarioError([Problem(file, None, wrong)])
    text = read_text(file)
    front = FrontMatter()
    if text.startswith("---\n"):
        match = re.match(r"---\n(.*?\n|)---[ \t]*(\n|$)", text, re.DOTALL)
        if not match:
            raise ScenarioError([Problem(file, 1, "front matter: no closing line `---`")])
        front = Document(match[1], file, first_line=2).record(FrontMatter, "field")
        text = text[match.end() :]
    if not text.strip():
        raise ScenarioError([Problem(file, None, "the article is empty")])
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    return Article(
        id=file.relative_to(folder).with_suffix("").as_posix(),
        title=front.title or (heading[1] if heading else file.stem),
        updated=front.updated,
        region=front.region,
        supersedes=front.supersedes,
        body=text.strip(),
    )
