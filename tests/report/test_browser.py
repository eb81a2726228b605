"""The report in a real browser, opened as a file: no request, no error, and strangers' text stays text."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.report.build import build_report

from .chromium import CHROMIUM, Opened
from .synthetic import make_run
from .test_build import HOSTILE, hostile

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A plain report and one full of hostile text, with 10 kB lines in some answers."""
    folder = tmp_path_factory.mktemp("report")
    run = make_run(60, preview=True)
    bad = hostile(run)
    answers = [
        a.model_copy(update={"text": HOSTILE + "x" * 10_000}) if i % 7 == 0 and a.text else a
        for i, a in enumerate(bad.answers)
    ]
    found = {}
    for name, made in (("plain", run), ("hostile", bad.but(answers=answers))):
        found[name] = folder / f"{name}.html"
        found[name].write_text(build_report(**made.arguments()), encoding="utf-8")
    return found


@pytest.fixture(
    params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=lambda p: f"{p[1]}-{p[0]}"
)
def screen(request: pytest.FixtureRequest) -> tuple[int, str]:
    width, scheme = request.param
    return width, scheme


def test_it_fits_the_screen_in_both_schemes(
    browser: Any, files: dict[str, Path], screen: tuple[int, str]
) -> None:
    for file in files.values():
        opened = Opened(browser, file, *screen)
        page = opened.page
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (screen[1] == "dark")
        assert page.locator("svg.chart:visible").count() >= 3
        assert page.locator(".banner").is_visible()
        assert clipped(page) == []
        opened.close()


def clipped(page: Any) -> list[str]:
    """Texts of the visible charts that stick out of their chart, or lie on another label."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart')].flatMap(svg => {
             const frame = svg.getBoundingClientRect(), boxes = [];
             if (!frame.width) return [];
             return [...svg.querySelectorAll('text')].filter(text => {
               const a = text.getBoundingClientRect();
               const out = a.left < frame.left - 1 || a.right > frame.right + 1
                 || a.top < frame.top - 1 || a.bottom > frame.bottom + 1;
               const hit = text.classList.contains('label') && boxes.some(b =>
                 Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4);
               if (text.classList.contains('label')) boxes.push(a);
               return out || hit;
             }).map(text => text.textContent); })"""
    )
    return found


def test_the_answer_and_its_chart_are_on_the_first_screen(browser: Any, files: dict[str, Path]) -> None:
    opened = Opened(browser, files["plain"], 1280, "light")
    page = opened.page
    for place in ("h1", ".lead", ".changes", "#front svg.chart >> visible=true"):
        box = page.locator(place).first.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 800, place
    labels = page.locator("#front figure:not([hidden]) .only-wide .label")
    names = labels.all_text_contents()
    assert set(names) == {"prompt", "few-shot", "rag", "lora", "lora-rag", "raft"}
    assert clipped(page) == []
    page.get_by_role("button", name="Latency", exact=True).click()
    assert page.locator("#front figure:not([hidden]) h2").inner_text().startswith("Success against median")
    opened.close()


def test_filters_find_what_they_say(browser: Any, files: dict[str, Path]) -> None:
    opened = Opened(browser, files["plain"], 1280, "light")
    page = opened.page
    assert "of 60 items" in page.locator("#f-status").inner_text()
    page.select_option("#f-kind", "only:5")
    for item in page.locator("#f-items .item").all():
        assert item.locator(".mark.right").count() == 1
        assert (
            item.locator(".reply", has=page.locator(".mark.right"))
            .locator("h4")
            .inner_text()
            .startswith("raft")
        )
    page.select_option("#f-kind", "fail:5")
    failures = page.locator("#f-items .item")
    assert failures.count() > 0
    raft = page.locator("#f-items .reply h4", has_text="raft")
    assert all("right" not in text for text in raft.all_inner_texts())
    page.select_option("#f-kind", "differ")
    page.select_option("#f-slice", '["topic","billing"]')
    assert all("topic: billing" in text for text in page.locator("#f-items h3").all_inner_texts())
    page.select_option("#f-kind", "all")
    page.select_option("#f-slice", "")
    page.fill("#f-text", "no 33??")
    page.get_by_text("1–1 of 1 item").wait_for()
    assert page.locator("#f-items .item").count() == 1
    page.locator("#browser input[name=variant]").first.uncheck()
    assert page.locator("#f-items .reply").count() == 6
    page.locator("#f-items summary").first.click()
    assert page.locator("#f-items .passage").first.is_visible()
    page.fill("#f-text", "no such words anywhere")
    page.get_by_text("No item matches.").wait_for()
    opened.close()


def test_tables_sort_and_say_so_and_missing_stays_last(browser: Any, files: dict[str, Path]) -> None:
    opened = Opened(browser, files["plain"], 1280, "light")
    page = opened.page
    board = page.locator("#scoreboard table.board")
    cost = board.get_by_role("columnheader", name="Cost per 1,000")

    def column() -> list[str]:
        return [
            str(v)
            for v in board.locator("tbody tr").evaluate_all("all => all.map(r => r.cells[6].dataset.sort)")
        ]

    for direction, turned in (("ascending", False), ("descending", True)):
        cost.get_by_role("button").press("Enter")
        assert cost.get_attribute("aria-sort") == direction
        values = column()
        assert values[-1] == "", "the variant without a cost stays last"
        numbers = [float(v) for v in values[:-1]]
        assert numbers == sorted(numbers, reverse=turned)
    opened.close()


def test_quality_can_be_read_off_by_metric_and_slice(browser: Any, files: dict[str, Path]) -> None:
    opened = Opened(browser, files["plain"], 1280, "light")
    page = opened.page
    charts = page.locator("#quality-charts .multiple")
    shown = charts.first.locator("tbody :is(th, .fig b, .ci, td.n)")
    before = shown.all_inner_texts()
    assert len(before) >= 7 * 4
    page.select_option("#quality-key", "all")
    assert charts.count() == 1
    page.select_option("#quality-key", "topic")
    assert shown.all_inner_texts() == before, "the page draws what the server drew"
    page.select_option("#quality-metric", "retrieval_recall")
    assert charts.count() == 5
    missing = charts.first.locator("tbody tr").first.locator(".na")
    assert missing.inner_text().startswith("n/a")
    assert "retrieves nothing" in str(missing.get_attribute("title"))
    opened.close()


def test_hostile_text_stays_text(browser: Any, files: dict[str, Path]) -> None:
    for width in (1280, 390):
        opened = Opened(browser, files["hostile"], width, "light")
        page = opened.page
        page.locator("#f-items summary").first.click()
        page.locator("#f-items .more").first.click()
        page.select_option("#quality-key", "topic")
        page.locator("#f-next").click()
        shown = page.locator("#f-items .reply .text").first.inner_text()
        assert shown.startswith("<script>window.__pwned=1</script><img src=x onerror=")
        assert "[x](javascript:alert(1))" in shown
        assert "{{ 7*7 }}" in shown
        assert page.evaluate("typeof window.__pwned") == "undefined"
        assert page.locator("img, iframe, object, a[href^=javascript]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "a long line breaks the page"
        )
        opened.close()


def test_it_is_usable_from_the_keyboard_and_by_a_screen_reader(browser: Any, files: dict[str, Path]) -> None:
    opened = Opened(browser, files["plain"], 1280, "light")
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"
    assert page.evaluate("document.documentElement.lang") == "en"
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels)), "heading levels are not skipped"
    unnamed = page.evaluate(
        "[...document.querySelectorAll('select,input')].filter(e => !e.labels.length).map(e => e.id)"
    )
    assert unnamed == []
    doubled = page.evaluate(
        """() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
                   return ids.filter((id, i) => ids.indexOf(id) !== i); }"""
    )
    assert doubled == []
    unnamed = page.evaluate(
        """[...document.querySelectorAll('svg.chart')].filter(svg => svg.getAttribute('aria-labelledby')
             .split(' ').some(id => !document.getElementById(id).textContent)).map(svg => svg.outerHTML)"""
    )
    assert unnamed == []
    opened.close()


def test_print_opens_everything(browser: Any, files: dict[str, Path]) -> None:
    opened = Opened(browser, files["plain"], 1280, "dark")
    page = opened.page
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("section > details:not([open])").count() == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("#front figure >> visible=true").count() == 2
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0
    assert len(page.pdf()) > 20_000
    opened.close()
