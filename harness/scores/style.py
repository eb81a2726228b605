"""Does the answer keep the house style? The rules stand in the scenario, so that nobody has to judge by taste."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.protocols import ScoringContext
from harness.scores.text import without_citations
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.results import MetricInfo
from harness.types.settings import Style


def kept_rules(text: str, style: Style) -> dict[str, bool]:
    """Each rule of the style and whether ``text`` keeps it."""
    text = without_citations(text).strip()
    body = text
    rules: dict[str, bool] = {}
    if style.closing:
        rules["closing"] = text.endswith(style.closing)
        body = text.removesuffix(style.closing).strip()
    if style.max_words is not None:
        rules["max_words"] = 0 < len(body.split()) <= style.max_words
    if style.max_sentences is not None:
        rules["max_sentences"] = 0 < len(re.findall(r"[.!?](?=\s|$)", body)) <= style.max_sentences
    rules |= {f"forbidden {p}": not re.search(p, body) for p in style.forbidden}
    rules |= {f"required {p}": bool(re.search(p, body)) for p in style.required}
    return rules


class HouseStyle:
    info = MetricInfo(
        name="style",
        label="House style",
        description="Mean share of the scenario's style rules (closing line, length, tone, no promises beyond "
        "policy) that the answer keeps.",
        unit="rate",
        higher_is_better=True,
    )

    def score(
        self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext
    ) -> list[tuple[float | None, str | None]]:
        scored: list[tuple[float | None, str | None]] = []
        for _, answer in pairs:
            rules = kept_rules(answer.text or "", context.scenario.style)
            scored.append(
                (sum(rules.values()) / len(rules), None)
                if rules
                else (None, "not applicable: no style is declared")
            )
        return scored
