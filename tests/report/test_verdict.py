"""A verdict in text, JUnit, Markdown and the report, with hostile text wherever a stranger's text enters."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from harness.report.build import build_report
from harness.report.verdict_junit import verdict_junit
from harness.report.verdict_markdown import LIMIT, inline, verdict_markdown
from harness.report.verdict_text import verdict_text
from harness.types.results import Estimate
from harness.types.verdict import Check, Flips, Status, Verdict

from .synthetic import Run

HOSTILE = (
    "</pre></details><script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) ``` ~~~ | a | b |\n\n"
    "# title\n- list\n![i](http://e.vil/p.png) @someone www.e.vil <!-- ]]> &amp; \x1b[31m \u202e \ufffe \x00 *b* _i_"
)


def check(status: Status = "pass", **other: Any) -> Check:
    observed = Estimate(value=0.9, low=0.85, high=0.94, n=200, n_missing=0, n_clusters=200, method="m")
    given: dict[str, Any] = {
        "rule": f"success[all] at_least 0.8 {status}", "words": "Success is at least 80%", "metric": "success",
        "slice": "all", "unit": "rate", "relative": False, "observed": observed, "bound": 0.85, "threshold": 0.8,
        "status": status, "items_needed": 120 if status == "inconclusive" else None, "reason": "why",
    }  # fmt: skip
    return Check(**given | other)


def verdict(*checks: Check, **other: Any) -> Verdict:
    given: dict[str, Any] = {
        "status": "pass", "reason": "All 1 checks passed.", "scenario": "shop", "variant": "rag", "candidate": "f",
        "run": "full-1", "finished": "2026-11-01", "currency": "USD", "baseline": None, "look": 1, "alpha": 0.04,
        "total_alpha": 0.05, "n_items": 200, "n_left_out": 0, "checks": checks or (check(),), "flips": None,
        "errors": (), "accepted": (), "notes": (),
    }  # fmt: skip
    return Verdict(**given | other)


def hostile() -> Verdict:
    return verdict(
        check("fail", words=HOSTILE, reason=HOSTILE, rule=HOSTILE),
        status="fail",
        reason=HOSTILE,
        flips=Flips(metric=HOSTILE, right_to_wrong=(HOSTILE,), wrong_to_right=(HOSTILE,)),
        errors=(HOSTILE,),
        notes=(HOSTILE,),
    )


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.found.append(tag)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def test_hostile_text_adds_no_element_to_markdown() -> None:
    text = verdict_markdown(hostile(), {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE})
    assert set(Tags(text).found) == {"details", "summary", "code", "pre"}
    assert text.count("<pre>") == text.count("</pre>") == 4
    assert text.count("<details>") == text.count("</details>") == 3
    outside = re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)
    for structure in ("](", "```", "~~~", "![", "www.", "http://", "*b*", "_i_"):
        assert structure not in outside
    assert [line for line in outside.splitlines() if line.startswith("#")] == [text.splitlines()[0]]
    rows = [line for line in outside.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {7}
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)


def test_what_is_escaped_reads_as_it_was() -> None:
    assert html.unescape(inline("a*b_c|d <e> & [f](g) `h`")) == "a*b_c|d <e> & [f](g) `h`"


def test_a_comment_stays_within_its_limit() -> None:
    items = tuple(f"item-{i}" for i in range(3000))
    flips = Flips(metric="success", right_to_wrong=items, wrong_to_right=items)
    long = dict.fromkeys(items, "<" * 5000)
    text = verdict_markdown(verdict(flips=flips), long, long)
    assert len(text) <= LIMIT + 500
    assert "more items" in text
    assert text.count("<details>") == text.count("</details>")


def test_hostile_text_is_text_in_junit() -> None:
    root = Xml.fromstring(verdict_junit(hostile(), {HOSTILE: HOSTILE}))
    tags = {e.tag for e in root.iter()}
    assert tags == {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "system-out"
    }  # fmt: skip
    assert "<script>" in (root.find(".//failure").get("message") or "")  # type: ignore[union-attr]


def test_junit_keeps_failures_apart_from_errors() -> None:
    checks = (check("pass"), check("fail"), check("inconclusive"))
    root = Xml.fromstring(
        verdict_junit(verdict(*checks, status="fail", errors=("a", "b")), {"a": "timed out"})
    )
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("6", "2", "2")
    rules, answers = root.findall("testsuite")
    assert [f.get("type") for f in rules.iter("failure")] == ["fail", "inconclusive"]
    assert list(rules.iter("error")) == []
    assert [e.get("message") for e in answers.iter("error")] == ["timed out", "no answer"]
    assert list(answers.iter("failure")) == []


@pytest.mark.parametrize("status", ["pass", "fail", "inconclusive"])
def test_the_text_begins_with_the_status(status: Status) -> None:
    text = verdict_text(verdict(check(status), status=status))
    assert text.startswith(f"{status.upper()}  shop, variant rag: ")
    assert ("about 120 more items" in text) == (status == "inconclusive")


def test_the_text_shows_no_control_characters() -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", verdict_text(hostile()))


def test_the_report_shows_the_verdict_where_there_is_one(run: Run, built_page: str) -> None:
    assert "Release gate" not in built_page
    shown = build_report(**run.arguments(), verdict=hostile())
    assert 'id="verdict-h"' in shown
    assert "<img src=x" not in shown
    assert "\u202e" not in shown
