"""Build ``report.html``: one file that answers which variant to choose, how sure that is, and why.

No statistics are computed here: every figure with an interval comes from the comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from harness import __version__
from harness.report.marks import as_data, read_page
from harness.report.render import page, render
from harness.report.rows import evidence_block, pack
from harness.report.sections import SECTIONS, Section, examples
from harness.report.view import Inputs
from harness.types.abtest import AbTest
from harness.types.answers import Answer, TrainingRecord
from harness.types.data import Item, Passage
from harness.types.judge_record import JudgeRecord
from harness.types.manifest import Manifest
from harness.types.results import Comparison, Score
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
    abtest: AbTest | None = None,
    judges: Sequence[JudgeRecord] = (),
) -> str:
    """The report as HTML. ``answers`` and ``scores`` are of both phases; ``trainings`` is by adapter."""
    view = Inputs(
        comparison, manifest, scenario, items, answers, scores, passages, trainings, verdict, abtest, judges
    )
    evidence = evidence_block(pack(view), as_data(read_page(headline_page(view)).marks), __version__)
    bodies = {s.name: _body(view, s) for s in SECTIONS if s.data and s.shown(view)}
    spent = len(_assemble(view, bodies, evidence).encode())
    filler = next(s for s in SECTIONS if s.data is None)
    chosen = examples.data(view, LIMIT - spent - 8_000)
    bodies[filler.name] = render(filler.name, view=view, section=filler, **chosen)
    return _assemble(view, bodies, evidence)


def headline_page(view: Inputs) -> str:
    """The page with the sections of the headline alone, which rest on nothing but the embedded rows."""
    return _assemble(view, {s.name: _body(view, s) for s in SECTIONS if s.headline and s.data}, None)


def _body(view: Inputs, section: Section) -> Markup:
    assert section.data is not None
    return render(section.name, view=view, section=section, **section.data(view))


def _assemble(view: Inputs, bodies: Mapping[str, Markup], evidence: dict[str, Any] | None) -> str:
    choice = view.comparison.decision.choice
    title = f"{view.scenario.name}: " + (f"use {choice}" if choice else "no variant qualifies")
    shown = [(s, bodies[s.name]) for s in SECTIONS if s.name in bodies]
    return page(view=view, title=title, sections=shown, evidence=evidence)
