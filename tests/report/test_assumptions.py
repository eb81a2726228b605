"""The sliders in a real browser: at any setting the page says what Python says."""

from __future__ import annotations

import json
import math
import random
import re
from pathlib import Path
from typing import Any

import pytest

from harness.comparison.build import build_comparison
from harness.comparison.utility import evaluate
from harness.flows.verify import rebuild
from harness.report.build import build_report
from harness.report.sections import assumptions
from harness.report.sections.assumptions import Field
from harness.report.verify import verify
from harness.report.view import Inputs
from harness.types.decision import DecisionTerms
from harness.types.economics import Economics, Swing, Weights
from harness.types.results import Score

from .chromium import CHROMIUM, Opened
from .figures import METRICS, STRENGTHS, metric
from .measured import computed
from .synthetic import Run

pytestmark = pytest.mark.slow
SETTINGS = 20
KINDS = ("quality", "money", "weights")
in_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


def make(kind: str) -> Run:
    """A run whose scenario ranks by quality and cost, by money, or by weights under a limit on cost."""
    run = computed(60)
    stated: dict[str, dict[str, Any]] = {
        "quality": {},
        "money": {"value_of_success": 0.02, "cost_of_harm": 0.05},
        "weights": {
            "weights": Weights(
                quality=Swing(weight=3, worst=0.2, best=0.9),
                latency=Swing(weight=1, worst=5, best=0.5),
                cost=Swing(weight=2, worst=4, best=0.01),
            )
        },
    }
    economics = Economics(**{**dict(run.scenario.economics), **stated[kind]})
    limit = 20.0 if kind == "weights" else None
    choice = run.scenario.choice.model_copy(update={"max_cost_per_1000": limit})
    scenario = run.scenario.model_copy(update={"economics": economics, "choice": choice})
    rng = random.Random(3)
    harms = [
        Score(variant=v, item=i.id, metric="harm", value=float(rng.random() < 0.3 - 0.2 * s[0]), scorer="s1")
        for v, s in STRENGTHS.items()
        for i in run.items
    ]
    scores = [*run.scores, *harms] if kind == "money" else run.scores
    metrics = (*METRICS, metric("harm", "Harmful answers", "rate", higher=False))
    comparison = build_comparison(scenario, run.items, scores, metrics, run.trainings, preview=False)
    return run.but(scenario=scenario, scores=scores, comparison=comparison)


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    return {kind: make(kind) for kind in KINDS}


@pytest.fixture(scope="module")
def files(runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("assumptions")
    for kind, run in runs.items():
        (folder / f"{kind}.html").write_text(build_report(**run.arguments()), encoding="utf-8")
    return {kind: folder / f"{kind}.html" for kind in runs}


def at(run: Run, terms: DecisionTerms) -> dict[str, Any]:
    """What Python shows at ``terms``."""
    model = run.comparison.model
    moved = model.model_copy(update={"terms": terms})
    comparison = run.comparison.model_copy(update={"model": moved, "evaluation": evaluate(model, terms)})
    found = assumptions.data(Inputs(**run.but(comparison=comparison).arguments()))
    rows = [
        [row["place"], row["name"], row["why"], *(text or "n/a" for _, text, _ in row["figures"])]
        for row in found["rows"]
    ]
    volumes = {
        (p.cheaper_above, p.other): p.monthly_requests
        for p in comparison.evaluation.break_even
        if p.monthly_requests is not None
    }
    said = {"title": found["title"], "said": found["said"], "rows": rows, "pairs": found["pairs"]}
    return said | {"volumes": volumes, "worth": found["worth"]}


def shown(page: Any) -> dict[str, Any]:
    """What the page shows."""
    found: dict[str, Any] = page.evaluate(
        """() => {
          const text = (id) => document.getElementById(id).textContent;
          const all = (where) => [...document.querySelectorAll(where)];
          const worth = document.getElementById("assumptions-worth");
          return {
            title: text("assumptions-choice"), said: text("assumptions-said"),
            worth: getComputedStyle(worth).display === "none" ? null : worth.textContent,
            rows: all("#assumptions-rows tr").map((tr) => [tr.cells[1].textContent, tr.querySelector(".key").textContent,
              (tr.querySelector(".verdict") || { textContent: "" }).textContent,
              ...[...tr.cells].slice(2).map((td) => td.querySelector(".na") ? "n/a" : td.textContent)]),
            pairs: all("#assumptions-pairs li").map((li) => li.textContent),
            volumes: all("#assumptions-pairs li[data-volume]").map((li) =>
              [li.dataset.above, li.dataset.other, Number(li.dataset.volume)]),
          }; }"""
    )
    found["volumes"] = {(above, other): volume for above, other, volume in found["volumes"]}
    return found


def agree(page: Any, run: Run, terms: DecisionTerms) -> None:
    here, there = shown(page), at(run, terms)
    volumes, wanted = here.pop("volumes"), there.pop("volumes")
    assert here == there
    assert volumes.keys() == wanted.keys()
    for pair, volume in volumes.items():
        assert math.isclose(volume, wanted[pair], rel_tol=1e-12), pair


def drive(page: Any, field: Field, rng: random.Random) -> float | None:
    """Moves the slider, or types into the field beside it; the value that the page then rests on."""
    ident = f"#t-{field.name.replace('.', chr(92) + '.')}"
    if field.optional and rng.random() < 0.2:
        page.fill(ident, "")
        return None
    if rng.random() < 0.5:
        page.fill(f"{ident}-slider", str(rng.randint(1, 1000)))
    else:
        low = max(field.low, field.high / 1e5)
        page.fill(ident, f"{low * (field.high / low) ** rng.random() * field.times:.4g}")
    return float(page.input_value(ident)) / field.times


def terms_of(run: Run, values: dict[str, float | None]) -> DecisionTerms:
    terms = run.comparison.model.terms
    plain = {name: value for name, value in values.items() if "." not in name}
    weights = terms.weights
    for name, value in values.items():
        if name.startswith("weights.") and weights is not None:
            figure = name.removeprefix("weights.")
            swing = getattr(weights, figure).model_copy(update={"weight": value})
            weights = weights.model_copy(update={figure: swing})
    return terms.model_copy(update={**plain, "weights": weights})


def fields(run: Run) -> list[Field]:
    return assumptions.fields(Inputs(**run.arguments()))


def test_each_scenario_has_the_assumptions_that_bear_on_it(runs: dict[str, Run]) -> None:
    names = {kind: {f.name for f in fields(run)} for kind, run in runs.items()}
    always = {"monthly_requests", "serving_price_per_hour", "training_price_per_hour", "utilisation"}
    always |= {"retraining_months", "value_of_success"}
    assert names["quality"] == always
    assert names["money"] == always | {"cost_of_harm"}
    more = {"max_cost_per_1000", "weights.quality", "weights.latency", "weights.cost"}
    assert names["weights"] == always | more
    untrained = runs["quality"].comparison.model
    variants = [v.model_copy(update={"training_hours": 0.0, "other_once": 0.0}) for v in untrained.variants]
    model = untrained.model_copy(update={"variants": tuple(variants)})
    comparison = runs["quality"].comparison.model_copy(update={"model": model})
    left = {f.name for f in fields(runs["quality"].but(comparison=comparison))}
    assert always - left == {"training_price_per_hour", "retraining_months"}


def test_without_a_script_the_page_has_the_answer_of_python(runs: dict[str, Run]) -> None:
    for run in runs.values():
        html = build_report(**run.arguments())
        section = html[html.index('<section id="assumptions"') : html.index('<section id="scoreboard"')]
        there = at(run, run.comparison.model.terms)
        assert re.search(r'id="assumptions-form"[^>]* hidden>', section)
        assert f'data-figure="choice">{there["title"]}<' in section
        assert there["title"] == f"Use {run.comparison.decision.choice}"
        assert re.findall(r'<tr[^>]*data-variant="([^"]+)"', section) == [row[1] for row in there["rows"]]
        data = re.search(r'id="assumptions-data"[^>]*>(.*?)</script>', section, re.S)
        assert data
        assert json.loads(data[1])["model"] == json.loads(run.comparison.model.model_dump_json())


@pytest.mark.parametrize("kind", KINDS)
def test_the_report_agrees_with_its_rows(runs: dict[str, Run], kind: str) -> None:
    assert verify(build_report(**runs[kind].arguments()), rebuild).agrees


class TestInTheBrowser:
    pytestmark = in_browser

    @pytest.mark.parametrize("kind", KINDS)
    def test_at_twenty_settings_it_says_what_python_says(
        self, browser: Any, runs: dict[str, Run], files: dict[str, Path], kind: str
    ) -> None:
        run, rng = runs[kind], random.Random(f"settings {kind}")
        opened = Opened(browser, files[kind], 1280, "light")
        seen = set()
        for _ in range(SETTINGS):
            values = {field.name: drive(opened.page, field, rng) for field in fields(run)}
            agree(opened.page, run, terms_of(run, values))
            seen.add(shown(opened.page)["title"])
        assert len(seen) > 1, "the settings change the recommendation"
        opened.close()

    @pytest.mark.parametrize("kind", KINDS)
    def test_drawn_at_the_stated_terms_it_is_what_the_server_drew(
        self, browser: Any, runs: dict[str, Run], files: dict[str, Path], kind: str
    ) -> None:
        opened = Opened(browser, files[kind], 1280, "light")
        page, stated = opened.page, runs[kind].comparison.model.terms
        agree_but_volumes(page, runs[kind], stated)
        before = shown(page)["rows"]
        page.fill("#t-monthly_requests", "777")
        assert shown(page)["rows"] != before
        assert "volume 777 (report: 20,000)" in page.inner_text("#assumptions-state")
        page.get_by_role("button", name="Back to the report's assumptions").click()
        agree(page, runs[kind], stated)
        assert page.inner_text("#assumptions-state") == "These are the report's own assumptions."
        assert page.evaluate("location.hash") == ""
        assert float(page.input_value("#t-monthly_requests")) == stated.monthly_requests
        opened.close()

    def test_the_fragment_restores_the_state(
        self, browser: Any, runs: dict[str, Run], files: dict[str, Path]
    ) -> None:
        opened = Opened(browser, files["money"], 1280, "light")
        opened.page.fill("#t-monthly_requests", "54321")
        opened.page.fill("#t-utilisation", "12.5")
        opened.page.fill("#t-value_of_success", "")
        fragment = opened.page.evaluate("location.hash")
        left = shown(opened.page)
        opened.close()
        again = Opened(browser, files["money"], 390, "dark", fragment)
        assert shown(again.page) == left
        assert again.page.input_value("#t-utilisation") == "12.5"
        assert again.page.input_value("#t-value_of_success") == ""
        moved = {"monthly_requests": 54321.0, "utilisation": 0.125, "value_of_success": None}
        agree(again.page, runs["money"], terms_of(runs["money"], moved))
        again.close()

    @pytest.mark.parametrize(
        "fragment",
        [
            "#terms:",
            "#terms:monthly_requests=-5&utilisation=7",
            "#terms:x=1&serving_price_per_hour=<b>",
            "#cost",
        ],
    )
    def test_a_spoilt_fragment_changes_nothing(
        self, browser: Any, runs: dict[str, Run], files: dict[str, Path], fragment: str
    ) -> None:
        opened = Opened(browser, files["money"], 1280, "light", fragment)
        assert shown(opened.page)["rows"] == at(runs["money"], runs["money"].comparison.model.terms)["rows"]
        assert opened.page.inner_text("#assumptions-state") == "These are the report's own assumptions."
        opened.close()

    def test_what_cannot_be_is_refused_and_the_last_value_kept(
        self, browser: Any, runs: dict[str, Run], files: dict[str, Path]
    ) -> None:
        opened = Opened(browser, files["quality"], 1280, "light")
        page = opened.page
        page.fill("#t-monthly_requests", "5000")
        kept = shown(page)
        for text in ("-3", "0", "", "1e99"):
            page.fill("#t-monthly_requests", text)
            assert page.evaluate("document.getElementById('t-monthly_requests').validity.valid") is False
            assert shown(page) == kept
        page.locator("#t-monthly_requests").blur()
        assert page.input_value("#t-monthly_requests") == "5000"
        opened.close()

    def test_it_works_from_the_keyboard_and_tells_a_screen_reader(
        self, browser: Any, files: dict[str, Path]
    ) -> None:
        opened = Opened(browser, files["money"], 1280, "light")
        page = opened.page
        slider = page.get_by_label("Requests a month, slider")
        slider.focus()
        page.keyboard.press("ArrowRight")
        assert slider.get_attribute("aria-valuetext") == page.input_value("#t-monthly_requests").replace(
            "20", "20,", 1
        )
        live = page.locator("#assumptions [aria-live=polite]")
        assert live.count() == 1
        assert live.inner_text().startswith("Use ")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "t-serving_price_per_hour"
        opened.close()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1280, 390])
    def test_it_fits(self, browser: Any, files: dict[str, Path], width: int, scheme: str) -> None:
        for kind in KINDS:
            opened = Opened(browser, files[kind], width, scheme)
            page = opened.page
            page.fill("#t-monthly_requests", "1234567")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            for control in page.locator("#assumptions-form input").all():
                box = control.bounding_box()
                assert box
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= width
            opened.close()

    def test_print_shows_the_state(self, browser: Any, files: dict[str, Path]) -> None:
        opened = Opened(browser, files["money"], 1280, "light")
        page = opened.page
        page.fill("#t-monthly_requests", "1234567")
        page.emulate_media(media="print")
        assert "volume 1,234,570" in page.inner_text("#assumptions-state")
        assert page.locator("#assumptions input[type=range]").first.is_hidden()
        assert page.locator("#t-monthly_requests").is_visible()
        opened.close()


def agree_but_volumes(page: Any, run: Run, terms: DecisionTerms) -> None:
    """As drawn by the server, whose lines of volumes carry no numbers for the machine."""
    here, there = shown(page), at(run, terms)
    here.pop("volumes")
    there.pop("volumes")
    assert here == there
