"""The section on comparability, and its line on the first screen."""

from __future__ import annotations

import re
from typing import Any

from harness.report.build import build_report
from harness.report.sections.audit import SHOWN, summary
from harness.types.leak import Leak
from harness.types.results import Audit, AuditLine, CleanScore, Looks, Shrinkage

from .figures import estimate, missing
from .synthetic import Run


def make_audit(*statuses: Any, leaks: int = 0, **other: Any) -> Audit:
    lines = [AuditLine(check=f"Check {i}", status=s, sentence=f"Found {i}.") for i, s in enumerate(statuses)]
    found = [
        Leak(
            item=f"item-{i}", split="heldout", other="t-1", where="train", stage="n-gram", similarity=0.7123,
            text="<b>how long does it take</b>",
        )
        for i in range(leaks)
    ]  # fmt: skip
    given: dict[str, Any] = {"clean": (), "shrinkage": None} | other
    looks = Looks(comparisons=1, configurations={"prompt": 1})
    return Audit(lines=tuple(lines), looks=looks, n_leaked=leaks, leaks=tuple(found), **given)


def built(run: Run, audit: Audit | None) -> str:
    return build_report(**run.but(comparison=run.comparison.model_copy(update={"audit": audit})).arguments())


def test_the_summary_counts_and_names_what_does_not_hold() -> None:
    assert summary(make_audit("ok", "ok")) == "2 of 2 checks hold."
    assert summary(make_audit("ok", "caution")) == "1 of 2 checks hold; 1 caution: check 1."
    said = summary(make_audit("caution", "broken", "ok", "caution"))
    assert said == "1 of 4 checks hold; 1 broken: check 1; 2 cautions: check 0, check 3."


def test_the_first_screen_has_one_line_and_the_section_all(run: Run) -> None:
    text = built(run, make_audit("ok", "caution", "broken"))
    first = text[text.index('<section id="answer"') : text.index('<section id="scoreboard"')]
    assert (
        '<a href="#audit">Comparability</a>: 1 of 3 checks hold; 1 broken: check 2; 1 caution: check 1.'
        in first
    )
    section = text[text.index('<section id="audit"') : text.index('<section id="quality"')]
    for i, status in enumerate(("ok", "caution", "broken")):
        assert re.search(
            rf"Check {i}</th><td><span class=\"tag audit-{status}\">{status}</span></td><td>Found {i}\.",
            section,
        )


def test_the_section_follows_the_scoreboard(run: Run) -> None:
    names = re.findall(r'<section id="(\w+)"', built(run, make_audit("ok")))
    assert names[names.index("scoreboard") + 1] == "audit"


def test_a_run_without_an_audit_says_so(run: Run) -> None:
    text = built(run, None)
    assert "this run was made before the audit" in text
    assert 'href="#audit">Comparability</a>: ' not in text


def test_clean_figures_stand_beside_those_on_all(run: Run) -> None:
    some, fewer = estimate([1.0, 0.0] * 40), estimate([1.0, 0.0, 0.0] * 20)
    change = estimate([-0.1, -0.2] * 10)
    scores = (
        CleanScore(variant="prompt", all=some, clean=fewer, change=change, gap=None),
        CleanScore(
            variant="raft", all=some, clean=missing("no clean item was scored"), change=change, gap=change
        ),
    )
    text = built(run, make_audit("caution", leaks=1, clean=scores))
    table = text[text.index("With and without the items that leaked") : text.index('<section id="quality"')]
    for shown in ("50%", "33%", "−15 points", "no clean item was scored", "baseline"):
        assert shown in table, shown


def test_leaks_are_listed_escaped_and_not_without_end(run: Run) -> None:
    text = built(run, make_audit("broken", leaks=SHOWN + 5))
    section = text[text.index('<section id="audit"') : text.index('<section id="quality"')]
    assert section.count("<li>") == SHOWN
    assert f"{SHOWN + 5} overlaps" in section
    assert "5 more stand in" in section
    assert "item-0, in training item t-1: a long run of the same words (0.71)" in section
    assert "&lt;b&gt;how long" in section


def test_the_correction_of_the_winner_is_explained(run: Run) -> None:
    shrinkage = Shrinkage(variant="raft", raw=0.7, shrunk=0.68, factor=0.914, n_variants=7, n=240)
    assert "to 91% of what was measured" in built(run, make_audit("ok", shrinkage=shrinkage))
    none = shrinkage.model_copy(update={"factor": None, "shrunk": None, "reason": "two variants"})
    assert "too good on average" not in built(run, make_audit("ok", shrinkage=none))
