"""The sections of the report in their order: each a function from the inputs to its data, and a template.

To add one: a module with ``data(view)``, a template of the same name, and a line in ``SECTIONS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.report.sections import (
    abtest,
    answer,
    assumptions,
    audit,
    cache,
    cost,
    decision,
    glossary,
    judges,
    knowledge,
    latency,
    load,
    provenance,
    quality,
    retrieval,
    scoreboard,
    training,
    verdict,
)
from harness.report.view import Inputs


@dataclass(frozen=True)
class Section:
    """``name`` is also its anchor and its template."""

    name: str
    title: str
    data: Callable[[Inputs], dict[str, Any]] | None
    """None for the section that takes the room that the others leave."""
    shown: Callable[[Inputs], bool] = lambda view: True
    headline: bool = False
    """Whether its figures rest on the embedded rows alone, so that ``harness report verify`` computes them again."""


SECTIONS = (
    Section("answer", "The answer", answer.data, headline=True),
    Section("assumptions", "Change the assumptions", assumptions.data, headline=True),
    Section("scoreboard", "Scoreboard", scoreboard.data, headline=True),
    Section("audit", "Comparability", audit.data),
    Section("quality", "Quality by slice", quality.data),
    Section("knowledge", "Fine-tuning and retrieval", knowledge.data),
    Section("latency", "Latency", latency.data),
    Section("decision", "The decision", decision.data, headline=True),
    Section("cost", "Cost and volume", cost.data, headline=True),
    Section("load", "Cost under load", load.data, shown=load.shown),
    Section("examples", "Answers side by side", None),
    Section("retrieval", "Retrieval", retrieval.data),
    Section("judges", "Judges", judges.data, shown=judges.shown),
    Section("cache", "Answer cache", cache.data, shown=cache.shown),
    Section("training", "Training", training.data),
    Section("verdict", "Release gate", verdict.data, shown=verdict.shown),
    Section("abtest", "In production, beside the offline prediction", abtest.data, shown=abtest.shown),
    Section("provenance", "Provenance", provenance.data),
    Section("glossary", "Glossary", glossary.data),
)
