"""Compute the headline of a report again from the rows it holds, and compare it with what the page shows.

The page is parsed, never run. Its figures are held against those of a page that is rendered anew from the rows,
so that both sides are rounded and worded by the same code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from pydantic import ValidationError

from harness import __version__
from harness.errors import HarnessError, InputError
from harness.report.build import headline_page
from harness.report.marks import Mark, Page, as_data, read_page
from harness.report.rows import Evidence, Rows, digest, unpack
from harness.report.view import Inputs
from harness.types.results import Comparison

Rebuild = Callable[[Evidence], Comparison]
"""``build_comparison``, handed in by the pipeline: the report computes no statistics."""


@dataclass(frozen=True)
class Disagreement:
    place: str
    """Section and figure: ``scoreboard: success|rag|value``."""
    shown: str | None
    """What the page says; None where it lacks the figure."""
    computed: str | None
    """What the rows give; None where they give no such figure."""

    def __str__(self) -> str:
        shown = "does not show it" if self.shown is None else f"says {self.shown!r}"
        computed = "give no such figure" if self.computed is None else f"give {self.computed!r}"
        return f"{self.place}: the page {shown}, the rows {computed}"


@dataclass(frozen=True)
class Verification:
    """What was found; it agrees where ``problems`` and ``disagreements`` are empty."""

    checked: int
    """Headline figures that were computed again."""
    rows_sha256: str
    problems: tuple[str, ...]
    """What is wrong with the file as a whole."""
    disagreements: tuple[Disagreement, ...]

    @property
    def agrees(self) -> bool:
        return not self.problems and not self.disagreements


def verify(html: str, rebuild: Rebuild) -> Verification:
    """Raises InputError for what is not a whole report with its rows."""
    page = read_page(html)
    block = _block(page)
    found = digest(block["rows"])
    if found != block["rows_sha256"]:
        changed = (
            "the embedded rows were changed after the report was written: their SHA-256 is "
            f"{found}, the report states {block['rows_sha256']}; nothing can be computed from them"
        )
        return Verification(0, found, (changed,), ())
    computed = _computed(block["rows"], rebuild)
    differing = compare(page.marks, computed)
    unedited = digest(as_data(page.marks)) == block["figures_sha256"]
    problems = []
    if differing and unedited:
        problems.append(
            f"the page is as harness {block['harness']} wrote it, so what differs is how harness {__version__} "
            "computes or words it; verify with that version"
        )
    elif not differing and not unedited:
        problems.append("the stated SHA-256 of the headline figures is not theirs")
    return Verification(len(computed), found, tuple(problems), tuple(differing))


def _block(page: Page) -> dict[str, Any]:
    if page.evidence is None:
        why = "it is not a report of the harness" if page.complete else "it is cut off, or not a report"
        raise InputError(f"nothing to verify: {why} (no block of rows was found)")
    if not page.complete:
        raise InputError("the report is cut off: the end of the document is missing; fetch the whole file")
    try:
        block = json.loads(page.evidence)
    except (ValueError, RecursionError):
        raise InputError(
            "the embedded rows are not valid JSON: the file was damaged or edited; fetch it again"
        ) from None
    wanted = ("harness", "rows_sha256", "figures_sha256")
    if not isinstance(block, dict) or not all(isinstance(block.get(name), str) for name in wanted):
        raise InputError(
            "the embedded rows lack their hashes: the file was damaged or edited; fetch it again"
        )
    if "rows" not in block:
        reason = block.get("left_out") or "they are missing"
        raise InputError(f"the report holds no rows to compute from ({reason}); build it again from its run")
    return block


def _computed(data: Any, rebuild: Rebuild) -> tuple[Mark, ...]:
    """Marks of the page that the rows give."""
    try:
        evidence = unpack(Rows.model_validate(data))
        comparison = rebuild(evidence)
    except (ValidationError, ValueError, IndexError, HarnessError) as e:
        text = str(e).splitlines()[0]
        raise InputError(f"harness {__version__} cannot compute from the embedded rows: {text}") from None
    view = Inputs(comparison, evidence.manifest, evidence.scenario, (), (), (), {}, evidence.trainings)
    return read_page(headline_page(view)).marks


def compare(shown: Sequence[Mark], computed: Sequence[Mark]) -> list[Disagreement]:
    """Figure by figure, those of one place in their order."""
    places = list(dict.fromkeys((m.section, m.key) for m in (*computed, *shown)))
    said, given = _by_place(shown), _by_place(computed)
    return [
        Disagreement(f"{section}: {key}", one, other)
        for section, key in places
        for one, other in zip_longest(said.get((section, key), ()), given.get((section, key), ()))
        if one != other
    ]


def _by_place(marks: Sequence[Mark]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for mark in marks:
        found.setdefault((mark.section, mark.key), []).append(mark.text)
    return found
