"""Read the items (JSONL) and the knowledge base (Markdown) of a scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator

from harness.errors import Problem, ScenarioError
from harness.registry import nearest
from harness.scenario.load import read_text
from harness.types import Article, Facts, Item, Message, Record, Split


class ItemLine(Record):
    """One line of a data file: OpenAI chat JSONL (the last message is the reference answer) plus our fields."""

    id: str = Field(default="", max_length=200)
    messages: tuple[Message, ...] = Field(min_length=2)
    references: tuple[str, ...] = ()
    facts: Facts = Facts()
    abstain: bool = False
    sources: tuple[str, ...] = ()
    slices: dict[str, str] = {}
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


@dataclass(frozen=True)
class Placed:
    """An item and the line that it stands on."""

    item: Item
    file: Path
    line: int


def load_items(file: Path, split: Split) -> list[Item]:
    """The items of a file; raises ScenarioError with every bad line."""
    placed, problems = read_items(file, split)
    if problems:
        raise ScenarioError(problems)
    return [p.item for p in placed]


def read_items(file: Path, split: Split) -> tuple[list[Placed], list[Problem]]:
    """Good items with their lines, and the problems of the others."""
    try:
        text = read_text(file)
    except ScenarioError as e:
        return [], list(e.problems)
    placed: list[Placed] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            placed.append(Placed(_item(_parse(line), split, number), file, number))
        except ValidationError as e:
            problems += [Problem(file, number, _explain(dict(err))) for err in e.errors()]
        except (ValueError, RecursionError) as e:
            problems.append(Problem(file, number, str(e)))
    if not placed and not problems:
        problems.append(Problem(file, None, "holds no items"))
    return placed, problems


def _parse(line: str) -> dict[str, Any]:
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


def _explain(error: dict[str, Any]) -> str:
    where = ".".join(str(p) for p in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown field; {nearest(str(error['loc'][-1]), list(ItemLine.model_fields))}"
    return f"{where}: {error['msg']}" if where else str(error["msg"])


def load_articles(folder: Path) -> list[Article]:
    """All articles below ``folder`` in order of their ids; raises ScenarioError with every bad file."""
    articles, problems = read_articles(folder)
    if problems:
        raise ScenarioError(problems)
    return articles


def read_articles(folder: Path) -> tuple[list[Article], list[Problem]]:
    articles: list[Article] = []
    problems: list[Problem] = []
    for file in _markdown(folder):
        try:
            articles.append(_article(file, folder))
        except ScenarioError as e:
            problems += e.problems
        except (ValidationError, yaml.YAMLError, ValueError) as e:
            reason = e.errors()[0]["msg"] if isinstance(e, ValidationError) else str(e).splitlines()[0]
            problems.append(Problem(file, 1, f"front matter: {reason}"))
    if not articles and not problems:
        problems.append(Problem(folder, None, "the knowledge base holds no .md files"))
    return articles, problems


def _markdown(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.rglob("*.md")))


def _article(file: Path, folder: Path) -> Article:
    text = read_text(file)
    front: dict[str, Any] = {}
    if match := re.match(r"---\n(.*?)\n---\n", text, re.DOTALL):
        front = yaml.safe_load(match[1]) or {}
        if not isinstance(front, dict):
            raise ValueError("must be `key: value` lines")
        text = text[match.end() :]
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    title = front.get("title") or (heading[1] if heading else file.stem)
    replaced = front.get("supersedes") or []
    return Article(
        id=file.relative_to(folder).with_suffix("").as_posix(),
        title=str(title),
        updated=front.get("updated"),
        region=str(front.get("region", "all")),
        supersedes=tuple(re.split(r"[,\s]+", replaced) if isinstance(replaced, str) else replaced),
        body=text.strip(),
    )
