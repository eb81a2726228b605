"""The sections of the report in their order: each a function from the inputs to its data, and a template.

To add one: a module with ``data(view)``, a template of the same name, and a line in ``SECTIONS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.report.sections import (
    answer,
    audit,
    cost,
    glossary,
    knowledge,
    latency,
    provenance,
    quality,
    retrieval,
    scoreboard,
    training,
)
from harness.report.view import Inputs


@dataclass(frozen=True)
class Section:
    """``name`` is also its anchor and its template."""

    name: str
    title: str
    data: Callable[[Inputs], dict[str, Any]] | None
    """None for the section that takes the room that the others leave."""


SECTIONS = (
    Section("answer", "The answer", answer.data),
    Section("scoreboard", "Scoreboard", scoreboard.data),
    Section("audit", "Comparability", audit.data),
    Section("quality", "Quality by slice", quality.data),
    Section("knowledge", "Fine-tuning and retrieval", knowledge.data),
    Section("latency", "Latency", latency.data),
    Section("cost", "Cost and volume", cost.data),
    Section("examples", "Answers side by side", None),
    Section("retrieval", "Retrieval", retrieval.data),
    Section("training", "Training", training.data),
    Section("provenance", "Provenance", provenance.data),
    Section("glossary", "Glossary", glossary.data),
)
