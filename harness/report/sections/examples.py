"""Side-by-side answers: what the browser of the page needs, as much as fits in the file.

Items on which the variants differ come first, then those that somebody got wrong; what is left out is counted
and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.pages.text import script_json, visible
from harness.report.view import Inputs
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.results import Score

LONGEST = 20_000
"""Characters of one text that are kept in the report; the CSV holds all."""


@dataclass(frozen=True)
class _Browser:
    """Answers and marks of the quality pass by variant and item."""

    view: Inputs

    @cached_property
    def answers(self) -> dict[tuple[str, str], Answer]:
        found: dict[tuple[str, str], Answer] = {}
        for answer in self.view.answers:
            if answer.phase == "quality" and answer.repeat == 0:
                found[answer.variant, answer.item] = answer
        return found

    @cached_property
    def scores(self) -> dict[tuple[str, str], Score]:
        name = self.view.success_metric.name
        return {(s.variant, s.item): s for s in self.view.scores if s.metric == name and s.repeat == 0}

    @cached_property
    def items(self) -> list[Item]:
        """The items that were asked: those with an answer, in their order."""
        asked = {item for _, item in self.answers}
        return [i for i in self.view.items if i.id in asked]

    def mark(self, variant: str, item: Item) -> int | None:
        """1 right, 0 wrong, None not scored."""
        score = self.scores.get((variant, item.id))
        return None if score is None or score.value is None else int(score.value >= 0.5)

    def rank(self, item: Item) -> int:
        marks = [self.mark(v, item) for v in self.view.variants]
        return 0 if len(set(marks)) > 1 else 1 if marks[:1] != [1] else 2

    def packed(self, item: Item) -> dict[str, Any]:
        """One item as the page reads it; short keys, because there are many."""
        return {
            "id": visible(item.id),
            "q": [[m.role, _kept(m.content)] for m in item.messages if m.role != "system"],
            "ref": [_kept(r) for r in item.references],
            "req": [" / ".join(visible(a) for a in fact) for fact in item.facts.required],
            "forb": [visible(f) for f in item.facts.forbidden],
            "abs": int(item.abstain),
            "src": [visible(s) for s in item.sources],
            "sl": {visible(k): visible(v) for k, v in item.slices.items()},
            "a": [self._answer(v, item) for v in self.view.variants],
        }

    def _answer(self, variant: str, item: Item) -> list[Any]:
        """[mark, text, note, [[passage, similarity], ...]]"""
        answer, score = self.answers.get((variant, item.id)), self.scores.get((variant, item.id))
        mark = self.mark(variant, item)
        notes = []
        if mark is None:
            notes.append(f"not scored: {(score.reason if score else None) or 'there is no score'}")
        if answer is None:
            return [mark, None, visible("; ".join(["no answer was recorded", *notes])), []]
        if answer.text is None:
            notes.insert(0, f"no answer: {answer.error or 'no error was recorded'}")
        if answer.finish == "length":
            notes.append("cut off at the token limit")
        found = [[r.passage, round(r.score, 2)] for r in answer.retrieved]
        return [mark, None if answer.text is None else _kept(answer.text), visible("; ".join(notes)), found]


def _kept(text: str) -> str:
    if len(text) > LONGEST:
        text = text[:LONGEST] + f" [… {len(text) - LONGEST:,} more characters, kept in csv/answers.csv]"
    return visible(text)


def data(view: Inputs, room: int) -> dict[str, Any]:
    """What fits into ``room`` bytes."""
    browser = _Browser(view)
    order = sorted(range(len(browser.items)), key=lambda i: (browser.rank(browser.items[i]), i))
    kept: list[tuple[int, dict[str, Any]]] = []
    passages: dict[str, list[str]] = {}
    used = 4_000
    for position in order:
        packed = browser.packed(browser.items[position])
        more = _passages(view, packed, passages)
        weight = _weight(packed) + (_weight(more) if more else 0)
        if used + weight > room:
            continue
        used += weight
        passages |= more
        kept.append((position, packed))
    shown = {position for position, _ in kept}
    items = [packed for _, packed in sorted(kept, key=lambda found: found[0])]
    page: dict[str, Any] = {"variants": list(view.variants), "choice": view.comparison.decision.choice}
    page |= {"colours": [view.colour(v) for v in view.variants], "items": items, "passages": passages}
    return {
        "metric": view.success_metric,
        "payload": page,
        "shown": len(items),
        "asked": len(browser.items),
        "left_out": _left_out(browser, [i for n, i in enumerate(browser.items) if n not in shown]),
        "repeats": max((a.repeat for a in view.answers), default=0),
        "columns": [(v, view.colour(v)) for v in view.variants],
    }


def _passages(view: Inputs, packed: dict[str, Any], known: dict[str, list[str]]) -> dict[str, list[str]]:
    """Title and text of the passages of an item that the page does not hold yet."""
    wanted = {passage for answer in packed["a"] for passage, _ in answer[3]} - known.keys()
    found = {}
    for name in sorted(wanted):
        passage = view.passages.get(name)
        if passage:
            found[name] = [visible(passage.title), _kept(passage.text)]
    return found


def _weight(part: dict[str, Any]) -> int:
    return len(script_json(part).encode()) + 1


def _left_out(browser: _Browser, items: Sequence[Item]) -> list[str]:
    """How many of each kind are not in the file."""
    names = ["on which the variants differ", "that all variants got wrong", "that all variants got right"]
    ranks = [browser.rank(i) for i in items]
    return [f"{ranks.count(rank):,} {name}" for rank, name in enumerate(names) if ranks.count(rank)]
