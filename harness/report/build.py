"""Build ``report.html``: one file that answers which variant to choose, how sure that is, and why.

No statistics are computed here: every figure with an interval comes from the comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from harness.report.render import page, render
from harness.report.sections import SECTIONS, examples
from harness.report.view import Inputs
from harness.types.answers import Answer, TrainingRecord
from harness.types.data import Item, Passage
from harness.types.results import Comparison, Manifest, Score
from harness.types.settings import Scenario
from harness.types.verdict import Verdict

LIMIT = 2_000_000
"""Bytes of the whole file: what a mail server passes on and a phone opens."""


def build_report(
    comparison: Comparison,
    manifest: Manifest,
    scenario: Scenario,
    items: Sequence[Item],
    answers: Sequence[Answer],
    scores: Sequence[Score],
    passages: Mapping[str, Passage],
    trainings: Mapping[str, TrainingRecord],
    verdict: Verdict | None = None,
) -> str:
    """The report as HTML. ``answers`` and ``scores`` are of both phases; ``trainings`` is by adapter."""
    view = Inputs(comparison, manifest, scenario, items, answers, scores, passages, trainings, verdict)
    bodies: dict[str, Markup] = {}
    for section in SECTIONS:
        if section.data is not None and section.shown(view):
            bodies[section.name] = render(section.name, view=view, section=section, **section.data(view))
    filler = next(s for s in SECTIONS if s.data is None)
    spent = len(_assemble(view, bodies).encode())
    chosen = examples.data(view, LIMIT - spent - 8_000)
    bodies[filler.name] = render(filler.name, view=view, section=filler, **chosen)
    return _assemble(view, bodies)


def _assemble(view: Inputs, bodies: Mapping[str, Markup]) -> str:
    choice = view.comparison.decision.choice
    title = f"{view.scenario.name}: " + (f"use {choice}" if choice else "no variant qualifies")
    shown = [(s, bodies[s.name]) for s in SECTIONS if s.name in bodies]
    return page(view=view, title=title, sections=shown)
