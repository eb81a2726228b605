"""What ``harness validate`` finds: every problem of a scenario's files at once, each with its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from harness.errors import Problem, ScenarioError
from harness.scenario.data import Placed, read_articles, read_items
from harness.scenario.document import in_order
from harness.scenario.gate import gate_problems
from harness.scenario.judging import read_judging
from harness.scenario.load import load_scenario, prompt_files, read_text
from harness.types.data import Item, Split
from harness.types.record import Record
from harness.types.settings import Scenario

CountTokens = Callable[[str], int]
"""Length of a text in tokens."""

_PER_TURN = 8
"""Tokens that a chat template puts around a turn, at most."""


class Summary(Record):
    """What the files of a sound scenario hold."""

    items: dict[str, int]
    clusters: int
    articles: int
    variants: tuple[str, ...]


def check_scenario(
    folder: Path, count_tokens: CountTokens | None, context_length: int | None
) -> tuple[Summary | None, list[Problem]]:
    """Summary and problems of the scenario in ``folder``.

    ``count_tokens`` comes from the model's tokenizer when its weights are on this machine; without it lengths
    are estimated at three characters a token.
    """
    try:
        scenario = load_scenario(folder)
    except ScenarioError as e:
        return None, list(e.problems)
    problems = _check_files(scenario, folder)
    items: dict[Split, list[Placed]] = {}
    for split, file in _splits(scenario):
        items[split], found = read_items(folder / file, split)
        problems += found
    articles = set()
    if scenario.data.kb is not None:
        known, found = read_articles(folder / scenario.data.kb)
        problems += found
        articles = {a.id for a in known}
        for article in known:
            for old in set(article.supersedes) - articles:
                place = folder / scenario.data.kb / f"{article.id}.md"
                problems.append(Problem(place, 1, f"supersedes {old!r}, which is not in the knowledge base"))
    placed = [p for split in items.values() for p in split]
    problems += _doubled_ids(placed) + _overlap(placed)
    if scenario.data.kb is not None and articles:
        problems += _missing_sources(placed, articles)
    problems += _contradictions(placed)
    problems += read_judging(folder, scenario)[1]
    problems += gate_problems(scenario, folder, [p.item for p in items["heldout"]])
    problems += _too_long(scenario, folder, items, count_tokens, context_length)
    summary = Summary(
        items={split: len(found) for split, found in items.items()},
        clusters=len({p.item.cluster for p in items["heldout"]}),
        articles=len(articles),
        variants=tuple(v.name for v in scenario.variants),
    )
    return summary, list(in_order(problems).problems)


def _splits(scenario: Scenario) -> list[tuple[Split, str]]:
    return [("train", scenario.data.train), ("dev", scenario.data.dev), ("heldout", scenario.data.heldout)]


def _check_files(scenario: Scenario, folder: Path) -> list[Problem]:
    """Files that the settings name."""
    problems = []
    named = [(name, "prompt") for name in prompt_files(scenario)]
    if scenario.labelling.guideline is not None:
        named.append((scenario.labelling.guideline, "guideline"))
    for name, what in named:
        try:
            if not read_text(folder / name).strip():
                problems.append(Problem(folder / name, None, f"the {what} is empty"))
        except ScenarioError as e:
            problems += e.problems
    for variant in scenario.variants:
        kind, _, file = variant.weights.partition(":")
        if kind == "precomputed":
            try:
                read_text(folder / file)
            except ScenarioError as e:
                problems += e.problems
    return problems


def _doubled_ids(placed: Iterable[Placed]) -> list[Problem]:
    seen: dict[str, Placed] = {}
    problems = []
    for p in placed:
        if first := seen.get(p.item.id):
            problems.append(
                Problem(p.file, p.line, f"id {p.item.id!r} is already used at {first.file}:{first.line}")
            )
        seen.setdefault(p.item.id, p)
    return problems


def _overlap(placed: Iterable[Placed]) -> list[Problem]:
    """The same conversation twice, within a split or across splits: it would be trained and tested on."""
    seen: dict[str, Placed] = {}
    problems = []
    for p in placed:
        question = " | ".join(_plain(m.content) for m in p.item.messages)
        if first := seen.get(question):
            message = f"asks the same as {first.item.id!r} ({first.item.split}, {first.file}:{first.line})"
            problems.append(Problem(p.file, p.line, message))
        seen.setdefault(question, p)
    return problems


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", text) or text.split())  # a question may be of symbols alone


def _missing_sources(placed: Iterable[Placed], articles: set[str]) -> list[Problem]:
    return [
        Problem(p.file, p.line, f"source {source!r} is not in the knowledge base")
        for p in placed
        for source in p.item.sources
        if source not in articles
    ]


def _contradictions(placed: Iterable[Placed]) -> list[Problem]:
    """Items that no answer could get right, and references that are empty."""
    problems = []
    for p in placed:
        item = p.item
        if any(not r.strip() for r in item.references):
            problems.append(Problem(p.file, p.line, "a reference is empty"))
        if any(
            not alternatives or not all(a.strip() for a in alternatives)
            for alternatives in item.facts.required
        ):
            problems.append(Problem(p.file, p.line, "facts.required: a fact has no or an empty alternative"))
        if any(not claim.strip() for claim in item.facts.forbidden):
            problems.append(Problem(p.file, p.line, "facts.forbidden: a claim is empty"))
        if item.abstain and item.facts.required:
            problems.append(Problem(p.file, p.line, "abstain is true but facts are required"))
        if _is_scored(item) and not item.abstain and not item.facts.required:
            problems.append(
                Problem(p.file, p.line, "neither required facts nor abstain: success cannot be scored")
            )
    return problems


def _is_scored(item: Item) -> bool:
    return item.split == "heldout"


@dataclass(frozen=True)
class _Room:
    """How much a conversation may hold beside its system prompt."""

    system: str
    limit: int
    of: str
    """What sets the limit, for the message."""
    answer: int = 0
    """Tokens kept free for the answer."""


def _too_long(
    scenario: Scenario,
    folder: Path,
    items: dict[Split, list[Placed]],
    count: CountTokens | None,
    context: int | None,
) -> list[Problem]:
    """Items whose prompt and answer exceed the model's context; training items that would be cut."""
    prompts = {None: "", **_prompts(scenario, folder)}
    longest = max((prompts[v.system or scenario.system] for v in scenario.variants), key=len, default="")
    room_for_answer = scenario.decoding.max_new_tokens
    answered = [_Room(longest, context, "context of the model", room_for_answer)] if context else []
    trained = [
        _Room(prompts[t.system or scenario.system], t.max_length, f"max_length of adapter {name!r}")
        for name, t in scenario.adapters.items()
    ]
    rooms: dict[Split, list[_Room]] = {"train": trained, "dev": [*trained, *answered], "heldout": answered}
    about = "" if count else "about "
    count = cache(count) if count else _estimated
    problems = []
    for split, placed in items.items():
        for room, p in product(rooms[split], placed):
            texts = [room.system, *(m.content for m in p.item.messages)]
            texts += [] if room.answer else [p.item.references[0]]
            free = room.limit - room.answer
            if sum(len(t.encode()) + _PER_TURN for t in texts) <= free:
                continue  # a token is at least one byte
            tokens = sum(map(count, texts)) + _PER_TURN * len(texts)
            if tokens > free:
                answer = f" and {room.answer} for the answer" if room.answer else ""
                message = f"{about}{tokens} tokens{answer}, over the {room.of} ({room.limit})"
                problems.append(Problem(p.file, p.line, message))
    return problems


def _estimated(text: str) -> int:
    return len(text.encode()) // 3


def _prompts(scenario: Scenario, folder: Path) -> dict[str | None, str]:
    """System prompts by their file; one that cannot be read is reported elsewhere."""
    texts: dict[str | None, str] = {}
    for name in prompt_files(scenario):
        try:
            texts[name] = read_text(folder / name)
        except ScenarioError:
            texts[name] = ""
    return texts
