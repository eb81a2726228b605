"""What ``harness validate`` tells of questions that stand in two places, without a model."""

from __future__ import annotations

from pathlib import Path

from harness.errors import Problem, ScenarioError
from harness.scenario.data import Placed, read_articles, read_items
from harness.scenario.document import in_order
from harness.scenario.leakage import Corpus, find_leaks
from harness.scenario.load import load_scenario, prompt_files, read_text
from harness.scenario.shingles import words
from harness.types.data import Split
from harness.types.leak import Leak


def find_overlaps(folder: Path) -> list[Problem]:
    """Notes with file and line; empty for a scenario that cannot be read, whose problems are told elsewhere.

    The same conversation twice is not among them: that is a problem of ``check_scenario``.
    """
    try:
        scenario = load_scenario(folder)
        prompts = {name: read_text(folder / name) for name in prompt_files(scenario)}
    except ScenarioError:
        return []
    data = scenario.data
    files: list[tuple[Split, str]] = [("train", data.train), ("dev", data.dev), ("heldout", data.heldout)]
    split = {name: read_items(folder / file, name)[0] for name, file in files}
    articles = read_articles(folder / data.kb)[0] if data.kb else []
    items = {name: [p.item for p in found] for name, found in split.items()}
    leaks = find_leaks(Corpus(items["train"], items["dev"], items["heldout"], articles, prompts))
    placed = {p.item.id: p for found in split.values() for p in found}
    kb = folder / data.kb if data.kb else folder
    return list(in_order(n for leak in leaks if (n := _note(leak, placed, folder, kb))).problems)


def _note(leak: Leak, placed: dict[str, Placed], folder: Path, kb: Path) -> Problem | None:
    mine = placed[leak.item]
    if leak.where == "kb":
        said = f"the question stands word for word in {kb / leak.other}.md"
    elif leak.where == "prompt":
        said = f"the question stands word for word in {folder / leak.other}"
    else:
        other = placed[leak.other]
        if _said(mine) == _said(other):
            return None
        how = {
            "exact": "asks in the same words as",
            "n-gram": f"shares {leak.similarity:.0%} of its words, in long runs, with",
            "minhash": f"asks in nearly the same words (similarity {leak.similarity:.2f}) as",
        }[leak.stage]
        said = f"{how} {leak.other!r} ({leak.where}, {other.file}:{other.line})"
    return Problem(mine.file, mine.line, f"{leak.item!r} {said}" if leak.where in ("train", "dev") else said)


def _said(placed: Placed) -> list[list[str]]:
    return [words(m.content) for m in placed.item.messages]
