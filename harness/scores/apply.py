"""Score all answers of a variant with all metrics."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from math import isfinite
from pathlib import Path

from harness.protocols import Scorer, ScoringContext
from harness.store import fingerprint as fingerprint_of
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.results import Score


def apply_scorers(
    scorers: Sequence[Scorer],
    items: Mapping[str, Item],
    answers: Sequence[Answer],
    context: ScoringContext,
    fingerprint: str,
) -> list[Score]:
    """One Score for each metric and answer of its phase; a failed answer scores None with its error as reason."""
    scores: list[Score] = []
    for scorer in scorers:
        asked = [a for a in answers if a.phase == scorer.info.phase]
        given = [(items[a.item], a) for a in asked if a.error is None]
        values = scorer.score(given, context) if given else []
        by_item = {(a.item, a.repeat): v for (_, a), v in zip(given, values, strict=True)}
        for answer in asked:
            value, reason = by_item.get((answer.item, answer.repeat), (None, answer.error))
            if value is not None and not isfinite(value):
                value, reason = None, f"the scorer returned {value}, which is not a finite number"
            scores.append(
                Score(
                    variant=answer.variant,
                    item=answer.item,
                    repeat=answer.repeat,
                    metric=scorer.info.name,
                    value=value,
                    reason=reason,
                    scorer=fingerprint,
                )
            )
    return scores


@cache
def code_fingerprint(module: str) -> str:
    """Of the source of a scorer's module and all of this package that it names; comments and layout do not count."""
    root = Path(__file__).parent
    files = {Path(import_module(module).__file__ or "")}
    fresh = set(files)
    while fresh:
        text = fresh.pop().read_text(encoding="utf-8")
        for name in set(re.findall(r"\bharness\.scores\.(\w+)", text)):
            found = {root / f"{name}.py", *(root / name).rglob("*.py")} - files
            fresh |= {f for f in found if f.is_file()}
            files |= fresh
    trees = [(f.name, ast.dump(ast.parse(f.read_bytes()))) for f in sorted(files)]
    return fingerprint_of(*trees)
