"""The page driven in a real browser: label by keys, undo, reload, two tabs, export, import, and a server that dies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from cli.console import run as console
from report.chromium import CHROMIUM, FLAGS
from report.test_build import HOSTILE

from harness.labelling.draw import draw
from harness.labelling.page import build_page, default_guideline
from harness.types.labelling import Kind, Sample

from .runs import write_run
from .served import labelling

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


@contextmanager
def watched(browser: Any, width: int = 1280, scheme: str = "light", **more: Any) -> Iterator[Any]:
    """A browser of one person: no page of it may complain, or ask for anything but itself."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
    context.set_default_timeout(10_000)
    trouble: list[str] = []
    asked: list[str] = []

    def watch(page: Any) -> None:
        page.on("pageerror", lambda e: trouble.append(str(e)))
        page.on("console", lambda m: trouble.append(m.text))
        page.on("request", lambda r: asked.append(r.url))

    context.on("page", watch)
    context.trouble, context.asked = trouble, asked
    yield context
    assert trouble == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "blob"}
    context.close()


def begin(context: Any, url: str, rater: str | None = "Ann") -> Any:
    page = context.new_page()
    page.goto(url)
    if rater:
        page.fill("#name", rater)
        page.keyboard.press("Enter")
        page.locator("#work").wait_for()
    return page


def count(page: Any) -> str:
    return str(page.locator("#count").inner_text()).partition(",")[0]


def until(page: Any, selector: str, text: str) -> None:
    """Wait for it without the script that the page's policy forbids."""
    page.locator(selector, has_text=re.compile(f"^{text}")).wait_for()


def press(page: Any, keys: str | list[str]) -> None:
    for key in keys:
        page.keyboard.press(key)


def export(page: Any, button: str, to: Path) -> dict[str, Any]:
    with page.expect_download() as waiting:
        page.click(button)
    waiting.value.save_as(to)
    found: dict[str, Any] = json.loads(to.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., tuple[Sample, Path]]:
    def made(n: int, kind: Kind = "answers", words: str = "") -> tuple[Sample, Path]:
        sample = draw(write_run(tmp_path, 40, words), kind, "random", n, 0, words or default_guideline(kind))
        file = tmp_path / f"{kind}.html"
        file.write_text(build_page(sample), encoding="utf-8")
        return sample, file

    return made


def test_a_hundred_answers_by_a_hundred_keys_to_an_alpha(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path)
    assert console("label", "small", "-o", "page.html").code == 0
    url = (tmp_path / "page.html").as_uri()
    said = {"Ann": "1021" * 25, "Bo": "1011" * 25}
    for rater, keys in said.items():
        with watched(browser) as context:
            page = begin(context, url, rater)
            press(page, keys[:60])
            assert count(page) == "60 of 100 done"
            page.reload()
            until(page, "#count", "60 of 100 done")
            assert page.locator("#q-h").inner_text() == "Question 61 of 100"
            press(page, ["u", "u"])
            assert count(page) == "58 of 100 done"
            assert page.locator("#q-h").inner_text() == "Question 59 of 100"
            press(page, keys[58:])
            assert page.locator("#done-h").inner_text() == "All 100 done"
            marks = export(page, "#export-done", tmp_path / f"{rater}.json")["marks"]
            assert [m["label"] for m in marks if m["label"] is not None].count(1) == (
                50 if rater == "Ann" else 75
            )
    out = console("label", "import", "small", "Ann.json", "Bo.json")
    assert out.code == 0, out.err
    assert "200 new labels" in out.out
    assert "100 items read by two or more" in out.out
    assert "they disagree on 25:" in out.out


def test_two_tabs_lose_nothing(
    browser: Any, make: Callable[..., tuple[Sample, Path]], tmp_path: Path
) -> None:
    sample, file = make(40)
    with watched(browser) as context:
        first = begin(context, file.as_uri())
        press(first, "11")
        second = begin(context, file.as_uri(), None)  # the name is not asked for again
        until(second, "#count", "2 of 40 done")
        press(first, "000")
        until(second, "#count", "5 of 40 done")
        assert (
            second.locator("#q-h").inner_text() == "Question 3 of 40"
        )  # it does not move under the reader's hand
        press(second, "00000000")  # the third again, then those that are open
        until(first, "#count", "12 of 40 done")
        press(first, "1111")  # the sixth again
        until(second, "#count", "15 of 40 done")
        first.close()
        second.reload()
        until(second, "#count", "15 of 40 done")
        marks = export(second, "#export", tmp_path / "out.json")["marks"]
        said = {m["entry"]: m["label"] for m in marks}
        assert "".join(str(said[e.id]) for e in sample.entries[:15]) == "110001000000111"


def test_back_undo_and_a_held_key(browser: Any, make: Callable[..., tuple[Sample, Path]]) -> None:
    _, file = make(10)
    with watched(browser) as context:
        page = begin(context, file.as_uri())
        press(page, "101")
        press(page, ["ArrowLeft", "ArrowLeft"])
        assert page.locator("[data-label='0']").get_attribute("aria-pressed") == "true"
        press(page, "1")  # another mind on the second, then on to the first that is open
        assert page.locator("#q-h").inner_text() == "Question 4 of 10"
        press(page, "u")
        assert page.locator("#q-h").inner_text() == "Question 2 of 10"
        assert page.locator("[data-label='0']").get_attribute("aria-pressed") == "true"
        assert count(page) == "3 of 10 done"
        press(page, ["ArrowRight", "ArrowRight"])
        for _ in range(5):
            page.keyboard.down("1")
        page.keyboard.up("1")
        assert count(page) == "4 of 10 done"
        page.uncheck("#keys")
        press(page, "1")
        assert count(page) == "4 of 10 done"
        page.click("[data-label='0']")
        assert count(page) == "5 of 10 done"


def test_pairs_take_letters_and_arrows(
    browser: Any, make: Callable[..., tuple[Sample, Path]], tmp_path: Path
) -> None:
    sample, file = make(8, "pairs")
    with watched(browser) as context:
        page = begin(context, file.as_uri())
        press(page, ["a", "b", "t", "ArrowLeft", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowUp", "n"])
        assert page.locator("#q-h").inner_text() == "Question 6 of 8"
        marks = export(page, "#export", tmp_path / "pairs.json")["marks"]
        said = {m["entry"]: m["label"] for m in marks}
        assert [said.get(e.id) for e in sample.entries[:7]] == ["a", "b", "tie", "a", "b", "tie", None]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("kind", ["answers", "pairs"])
def test_hostile_text_is_shown_as_text_and_fits(
    browser: Any, make: Callable[..., tuple[Sample, Path]], kind: Kind, width: int, scheme: str
) -> None:
    _, file = make(3, kind, HOSTILE + "x" * 3000)
    with watched(browser, width, scheme) as context:
        page = begin(context, file.as_uri(), "<img src=x onerror=window.__pwned=1>")
        shown = page.locator("#text-0").inner_text()
        assert "<script>window.__pwned=1</script>" in shown
        assert "[U+202E]gnp.exe" in shown
        assert page.evaluate("window.__pwned") is None
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (scheme == "dark")
        for button in page.locator(".choices button").all():
            box = button.bounding_box()
            assert box["y"] + box["height"] <= 900
            assert box["height"] >= 44, "too small for a thumb"
        assert all(
            button.get_attribute("aria-keyshortcuts") for button in page.locator(".choices button").all()
        )


def test_a_browser_that_keeps_nothing_says_so(browser: Any, make: Callable[..., tuple[Sample, Path]]) -> None:
    _, file = make(5)
    with watched(browser) as context:
        context.add_init_script(
            "Storage.prototype.setItem = () => { throw new Error('full'); };"
            "IDBFactory.prototype.open = () => { throw new Error('forbidden'); };"
        )
        page = begin(context, file.as_uri())
        press(page, "1")
        until(page, "#trouble", "This browser keeps nothing")
        assert "export your labels before you close it" in page.locator("#trouble").inner_text()
        assert count(page) == "1 of 5 done"


def test_a_browser_that_is_killed_loses_no_label(
    browser: Any, make: Callable[..., tuple[Sample, Path]], tmp_path: Path
) -> None:
    _, file = make(40)
    profile = tmp_path / "profile"

    def launch() -> Any:
        return browser.browser_type.launch_persistent_context(profile, executable_path=CHROMIUM, args=FLAGS)

    first = begin(launch(), file.as_uri())
    press(first, "1010" * 5)
    assert count(first) == "20 of 40 done"
    first.evaluate(
        "new Promise(done => setTimeout(done, 100))"
    )  # the last one may still be on its way to the disk
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if f"--user-data-dir={profile}" in process.cmdline():
                process.kill()
    first.context.close()
    context = launch()
    until(begin(context, file.as_uri(), None), "#count", "20 of 40 done")
    context.close()


def test_a_server_that_is_killed_costs_no_label(browser: Any, tmp_path: Path, own_cache: Path) -> None:
    write_run(tmp_path)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    page = context.new_page()
    with labelling(tmp_path, "--n", "30") as first:
        page.goto(f"{first.url}?rater=Ann")  # starts without asking
        page.locator("#work").wait_for()
        press(page, "10101")
        until(page, "#saved", "saved")
        other = browser.new_context()
        elsewhere = other.new_page()
        elsewhere.goto(f"{first.url}?rater=Ann")
        until(elsewhere, "#count", "5 of 30 done")
        other.close()
        first.process.kill()
        first.process.wait()
        press(page, "111")
        page.wait_for_selector("#trouble:not([hidden])")
        assert "this browser keeps your labels and sends them later" in page.locator("#trouble").inner_text()
    with labelling(tmp_path, "--n", "30", "--port", first.port) as second:
        until(page, "#saved", "saved")
        assert page.locator("#trouble").is_hidden()
        kept = second.ask("/marks?rater=Ann")[1]["marks"]
        assert len(kept) == 8
    context.close()
