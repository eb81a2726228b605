"""The page as a document: blind, complete in itself, and safe with any text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from report.test_build import HOSTILE

from harness.labelling.draw import draw
from harness.labelling.page import SCRIPTS, build_page, default_guideline, guideline_html
from harness.types.labelling import Kind

from .runs import write_run


@pytest.mark.parametrize("kind", ["answers", "pairs"])
def test_the_page_names_no_variant(tmp_path: Path, kind: Kind) -> None:
    run = write_run(tmp_path, 10)
    page = build_page(draw(run, kind, "random", 20, 0, default_guideline(kind)))
    assert not re.search(r"\brag\b|few-shot|\bsuccess\b", page)


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    run = write_run(tmp_path, 10, words=HOSTILE)
    page = build_page(draw(run, "answers", "random", 20, 0, HOSTILE))
    head, _, body = page.partition('<script type="application/json" id="sample">')
    block = body.partition("</script>")[0]
    assert "<" not in block
    assert "\u202e" not in page
    assert "<img" not in page
    assert "javascript:alert" not in re.sub(r"\[x\]\(javascript:alert\(1\)\)", "", page)  # never a link
    assert page.count("<script") == 1 + len(SCRIPTS)
    assert "default-src 'none'" in head
    assert "unsafe" not in head.partition("<style>")[0]
    assert "connect-src" not in head.partition("<style>")[0]


def test_a_guideline_leads_nowhere() -> None:
    text = (
        "# Pass\n\n**bold** ![i](http://x/i.png) [l](http://x) <b>raw</b> <http://x>\n\n<div>raw</div>\n\n- a"
    )
    html = guideline_html(text)
    assert "<h1>Pass</h1>" in html
    assert "<strong>bold</strong>" in html
    assert "<li>a</li>" in html
    assert not re.search(r"<(a|img|b|div)\b", html)


def test_only_a_served_page_may_speak_to_its_server(tmp_path: Path) -> None:
    sample = draw(write_run(tmp_path, 10), "answers", "random", 5, 0, "")
    assert "connect-src 'self'" in build_page(sample, served=True)
