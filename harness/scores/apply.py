"""Score all answers of a variant with all metrics."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache
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
def scoring_code() -> str:
    """Fingerprint of the scorers' source, without comments and layout: what else changes may change a score."""
    root = Path(__file__).parent
    files = sorted(root.rglob("*.py"))
    trees = ((f.relative_to(root).as_posix(), ast.dump(ast.parse(f.read_bytes()))) for f in files)
    return fingerprint_of(*trees)
