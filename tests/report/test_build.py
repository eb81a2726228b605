"""The report as a document: escaping, policy, missing values, size and time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from html.parser import HTMLParser

import pytest

from harness.report.build import LIMIT, build_report
from harness.report.render import environment
from harness.types.data import Passage

from .figures import missing
from .synthetic import Run, make_run

HOSTILE = (
    "<script>window.__pwned=1</script><img src=x onerror='window.__pwned=1'></script><!-- "
    "[x](javascript:alert(1)) "
    "\u202egnp.exe\u202c \x1b[31mred\x1b[0m \u2028 ]]> {{ 7*7 }} <style>*{display:none}</style>"
)


def hostile(run: Run) -> Run:
    """The run with hostile text wherever a stranger's text enters."""
    answers = [a.model_copy(update={"text": HOSTILE}) if a.text else a for a in run.answers]
    items = [
        i.model_copy(update={"slices": {**i.slices, HOSTILE[:40]: HOSTILE}, "references": (HOSTILE,)})
        for i in run.items
    ]
    passages = {
        k: Passage(id=p.id, article=p.article, title=HOSTILE, text=HOSTILE) for k, p in run.passages.items()
    }
    estimates = [
        e.model_copy(update={"slice": f"topic={HOSTILE}"}) if e.slice == "topic=orders" else e
        for e in run.comparison.estimates
    ]
    decision = run.comparison.decision.model_copy(
        update={"reason": HOSTILE, "ruled_out": {"vendor": HOSTILE}}
    )
    comparison = run.comparison.model_copy(update={"estimates": tuple(estimates), "decision": decision})
    manifest = run.manifest.model_copy(update={"command": HOSTILE, "versions": {HOSTILE: HOSTILE}})
    return run.but(answers=answers, items=items, passages=passages, comparison=comparison, manifest=manifest)


def built(run: Run) -> str:
    return build_report(**run.arguments())


class Tags(HTMLParser):
    """All start tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_hostile_text_adds_no_element(run: Run, built_page: str) -> None:
    plain, bad = Tags(built_page).found, Tags(built(hostile(run))).found
    for tags in (plain, bad):
        assert sum(tag == "script" for tag, _ in tags) == 7
        assert sum(tag == "style" for tag, _ in tags) == 1
        assert not [tag for tag, _ in tags if tag in ("img", "iframe", "object", "link", "base")]
        assert not [a for _, attrs in tags for a in attrs if a == "style" or a.startswith("on")]
        assert not [a for _, attrs in tags for a in attrs if a in ("src", "srcset", "action")]
        assert all(str(attrs["href"]).startswith("#") for _, attrs in tags if "href" in attrs)


def test_how_sure_names_test_power_and_items(run: Run, built_page: str) -> None:
    text = built_page
    table = text[
        text.index("How sure each difference") : text.index("Every metric by variant, over all items")
    ]
    for shown in ("0.020", "0.12", "6.1 points", "1,234", "margin of 5.0 points", "good side of 0"):
        assert shown in table
    assert table.count("<tr") == len(run.comparison.variants)
    untold = [d.model_copy(update={"margin": None, "items_needed": None}) for d in run.comparison.differences]
    without = built(run.but(comparison=run.comparison.model_copy(update={"differences": tuple(untold)})))
    assert "Items needed" not in without


def test_control_and_direction_characters_are_spelled_out(run: Run) -> None:
    text = built(hostile(run))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert "[U+202E]gnp.exe" in text
    assert "[U+001B][31mred" in text
    assert "\\u003cscript\\u003e" in text


def test_data_blocks_are_json_and_hold_the_answers(run: Run, built_page: str) -> None:
    blocks = re.findall(
        r'<script type="application/json" id="([\w-]+)"[^>]*>(.*?)</script>', built_page, re.S
    )
    data = {name: json.loads(text) for name, text in blocks}
    assert set(data) == {"assumptions-data", "quality-data", "examples-data", "evidence"}
    assert len(data["examples-data"]["items"]) == len(run.items)


def test_policy_names_the_inline_parts_and_nothing_else(built_page: str) -> None:
    text = built_page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    rules = policy[1].replace("&#39;", "'")
    assert rules.startswith("default-src 'none'; ")
    assert "unsafe" not in rules
    inline = re.findall(r"<style>(.*?)</style>", text, re.S) + re.findall(
        r"<script>(.*?)</script>", text, re.S
    )
    hashes = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in inline]
    assert len(hashes) == 4
    assert sorted(re.findall(r"'sha256-([^']+)'", rules)) == sorted(hashes)


def test_every_missing_value_has_its_reason(built_page: str) -> None:
    text = built_page
    for shown in re.findall(r'<span class="na"[^>]*>.*?</span></span>', text, re.S):
        assert re.search(r'title="[^"]{8,}', shown), shown
        assert re.search(r'class="vh"> \([^)]{8,}', shown), shown
    assert "precomputed: its cost is not known" in text
    assert not re.search(r">(nan|None|NaN|inf)<", text)


def test_preview_is_said_everywhere() -> None:
    preview, full = built(make_run(30, preview=True)), built(make_run(30))
    assert '<title data-figure="title">PREVIEW' in preview
    assert preview.count("PREVIEW") >= 3
    assert 'class="preview"' in preview, "its pages have the print header"
    style = re.search("<style>.*?</style>", full, re.S)
    assert style
    assert "PREVIEW" not in full.replace(style[0], "")


def test_no_choice_no_runner_up_and_nothing_measured() -> None:
    run = make_run(12)
    ruled_out = dict.fromkeys(run.comparison.variants, "median latency over 0.1 s")
    nobody = {"choice": None, "runner_up": None, "lead": None, "tied": (), "ruled_out": ruled_out}
    decision = run.comparison.decision.model_copy(update={**nobody, "reason": "All break the limit."})
    none = [
        e.model_copy(update={"estimate": missing("stopped before scoring")}) for e in run.comparison.estimates
    ]
    empty = dict.fromkeys(("differences", "costs", "break_even", "interactions", "frontier"), ())
    comparison = run.comparison.model_copy(update={"decision": decision, "estimates": tuple(none), **empty})
    text = built(run.but(comparison=comparison, trainings={}, passages={}, answers=[], scores=[]))
    assert "No variant qualifies" in text
    assert "All break the limit." in text
    assert "stopped before scoring" in text


@pytest.mark.slow
def test_a_thousand_items_of_seven_variants_fit_and_build_in_time() -> None:
    run = make_run(1000, words=60)
    start = time.perf_counter()
    text = built(run)
    assert time.perf_counter() - start < 5
    assert len(text.encode()) <= LIMIT
    left_out = re.search(r"<strong>([\d,]+) of 1,000 items</strong>", text)
    assert left_out, "what is left out is said"
    blocks = re.findall(r'id="examples-data">(.*?)</script>', text, re.S)
    items = json.loads(blocks[0])["items"]
    assert len(items) == int(left_out[1].replace(",", ""))
    assert all(len({a[0] for a in item["a"]}) > 1 for item in items), "differences come first"


def test_the_same_input_gives_the_same_bytes() -> None:
    assert built(make_run(20)) == built(make_run(20))


def test_templates_fail_on_a_name_that_is_not_given() -> None:
    assert environment().undefined.__name__ == "StrictUndefined"
    assert environment().autoescape is True
