"""A report is held against its own rows: untouched it agrees, and each edited figure is named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from typing import Any

import pytest

import harness.report.rows
from harness.errors import InputError
from harness.flows.verify import rebuild
from harness.report.build import LIMIT, build_report
from harness.report.marks import MARK, read_page
from harness.report.rows import Evidence, Rows, digest, headline_metrics, pack, unpack
from harness.report.verify import Verification, verify
from harness.report.view import Inputs
from harness.types.results import Comparison, Score

from .measured import computed
from .synthetic import Run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Run:
    return computed()


@pytest.fixture(scope="module")
def html(run: Run) -> str:
    return build_report(**run.arguments())


def view(run: Run) -> Inputs:
    return Inputs(**run.arguments())


class Places(HTMLParser):
    """Where each digit of a marked text or tooltip stands in the document, with the key of its mark."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[tuple[str, int]] = []
        self._keys: list[str | None] = []
        self._starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self.feed(text)

    def _at(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "input"):
            self._keys.append(dict(attrs).get(MARK))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        self._keys.pop()

    def handle_data(self, data: str) -> None:
        key = next((k for k in reversed(self._keys) if k is not None), None)
        if key is not None:
            self.found += [(key, self._at() + m.start()) for m in re.finditer(r"\d", data)]


def digits(html: str) -> list[tuple[str, int]]:
    """The first digit of every text of a mark: the mark's key and the digit's place."""
    first: dict[tuple[str, int], int] = {}
    for key, at in Places(html).found:
        first.setdefault((key, html.rfind(">", 0, at)), at)
    return [(key, at) for (key, _), at in first.items()]


def edited(html: str, places: Sequence[int]) -> str:
    """Another digit at each of the places."""
    text = list(html)
    for at in places:
        text[at] = "3" if text[at] == "7" else "7"
    return "".join(text)


def named(found: Verification) -> list[str]:
    return sorted(d.place.partition(": ")[2] for d in found.disagreements)


def test_an_untouched_report_agrees(html: str) -> None:
    found = verify(html, rebuild)
    assert found.agrees, found
    assert found.checked > 150
    assert found.rows_sha256 in html


def test_every_kind_of_headline_figure_is_marked(html: str, run: Run) -> None:
    keys = {(m.section, m.key) for m in read_page(html).marks}
    choice = run.comparison.decision.choice
    assert {("page", "title"), ("answer", "choice"), ("answer", "reason"), ("answer", "lead")} <= keys
    for name in run.comparison.variants:
        assert ("scoreboard", f"success|{name}|value") in keys
        assert ("scoreboard", f"best|{name}") in keys
        assert ("cost", f"training|{name}") in keys
        assert ("cost", f"per_1000_successes|{name}|value") in keys
    assert ("answer", f"per_1000_successes|{choice}|interval") in keys


def test_edited_digits_are_found_and_named(html: str, run: Run) -> None:
    """Every marked text that shows a digit, fifteen at a time so that the test stays short."""
    made = rebuild(unpack(pack(view(run))))
    places = digits(html)
    assert len(places) > 300
    for some in (places[k::26] for k in range(26)):
        found = verify(edited(html, [at for _, at in some]), lambda _: made)
        assert named(found) == sorted(key for key, _ in some)


@pytest.mark.slow
def test_one_edited_digit_is_found_and_named_alone(html: str, run: Run) -> None:
    """Every fifth of them; the test above edits each, in groups."""
    made = rebuild(unpack(pack(view(run))))
    for key, at in digits(html)[::5]:
        assert named(verify(edited(html, [at]), lambda _: made)) == [key]


def test_what_was_edited_is_told_in_words(html: str) -> None:
    cell = re.search(r'data-figure="success\|rag\|value">(\d+%)<', html)
    assert cell
    text = html[: cell.start(1)] + "99%" + html[cell.end(1) :]
    found = verify(text, rebuild)
    assert [str(d) for d in found.disagreements] == [
        f"answer: success|rag|value: the page says '99%', the rows give '{cell[1]}'"
    ]
    assert not found.agrees


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (r"<em>(rag)</em></h1>", "vendor", "answer: choice"),
        (r'data-figure="reason">(Choose )', "Do not choose ", "answer: reason"),
        (r'(<li data-figure="change">.*?</li>)', "", "answer: change"),
        (r'rag\|verdict"[^>]*>(better)<', "worse", "scoreboard: difference|rag|verdict"),
        (r'per_1000\|vendor\|value">(n/a)<', "$0.01", "scoreboard: per_1000|vendor|value"),
        (r'(<td class="num" data-figure="best\|rag".*?</td>)', "<td>99%</td>", "scoreboard: best|rag"),
        (r'title="(95%) interval[^"]*" data-figure="success\|rag', "99%", "answer: success|rag|value|title"),
    ],
)
def test_words_tooltips_and_whole_elements_are_held_too(html: str, old: str, new: str, place: str) -> None:
    match = re.search(old, html, re.S)
    assert match
    found = verify(html[: match.start(1)] + new + html[match.end(1) :], rebuild)
    assert [d.place for d in found.disagreements][:1] == [place]


def block(html: str) -> tuple[int, int, dict[str, Any]]:
    match = re.search(r'<script type="application/json" id="evidence">(.*?)</script>', html, re.S)
    assert match
    return match.start(1), match.end(1), json.loads(match[1])


def test_an_edited_row_fails_by_its_hash(html: str) -> None:
    start, end, data = block(html)
    data["rows"]["scores"]["success"]["rag"][0][3] = 1 - data["rows"]["scores"]["success"]["rag"][0][3]
    found = verify(html[:start] + json.dumps(data) + html[end:], rebuild)
    assert not found.agrees
    assert found.checked == 0
    assert "rows were changed" in found.problems[0]


def test_rows_edited_together_with_their_hash_disagree_with_the_page(html: str) -> None:
    start, end, data = block(html)
    cells = data["rows"]["scores"]["success"]["rag"][0]
    data["rows"]["scores"]["success"]["rag"][0] = [0 if cell == 1 else cell for cell in cells]
    data["rows_sha256"] = digest(data["rows"])
    found = verify(html[:start] + json.dumps(data) + html[end:], rebuild)
    assert "scoreboard: success|rag|value" in [d.place for d in found.disagreements]


def test_rows_laid_out_otherwise_are_the_same_rows(html: str) -> None:
    start, end, data = block(html)
    assert verify(html[:start] + json.dumps(data, indent=1) + html[end:], rebuild).agrees


def test_a_page_that_another_version_wrote_is_told_from_an_edited_one(html: str, run: Run) -> None:
    def otherwise(e: Evidence) -> Comparison:
        made = rebuild(e)
        return made.model_copy(
            update={"decision": made.decision.model_copy(update={"reason": "By another rule."})}
        )

    found = verify(html, otherwise)
    assert [d.place for d in found.disagreements] == ["answer: reason"]
    assert "verify with that version" in found.problems[0]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: "", "cut off, or not a report"),
        (lambda text: "<html><body><p>Hello 62%</p></body></html>", "not a report of the harness"),
        (lambda text: text[: len(text) // 2], "cut off"),
        (lambda text: text[: text.rindex("</html>")], "the end of the document is missing"),
        (lambda text: text.replace('id="evidence">{', 'id="evidence">'), "not valid JSON"),
        (lambda text: text.replace('id="evidence">', 'id="evidence">' + "[" * 100_000), "not valid JSON"),
        (lambda text: text.replace('"rows_sha256"', '"rows_sha"'), "lack their hashes"),
        (lambda text: text.replace('"rows":{', '"cows":{'), "holds no rows"),
    ],
)
def test_what_is_no_whole_report_is_refused(html: str, spoil: Callable[[str], str], said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        verify(spoil(html), rebuild)


def test_rows_that_nothing_can_be_computed_from_are_refused(html: str) -> None:
    start, end, data = block(html)
    data["rows"]["scores"]["success"]["rag"][0].pop()
    data["rows_sha256"] = digest(data["rows"])
    with pytest.raises(InputError, match="cannot compute"):
        verify(html[:start] + json.dumps(data) + html[end:], rebuild)


def test_rows_give_back_what_they_were_packed_from(run: Run) -> None:
    rows = pack(view(run))
    again = unpack(Rows.model_validate(json.loads(json.dumps(rows.model_dump(mode="json")))))
    names = {m.name for m in headline_metrics(view(run))}
    kept = [s.model_copy(update={"scorer": ""}) for s in run.scores if s.metric in names]
    assert sorted(map(repr, again.scores)) == sorted(map(repr, kept))
    assert [(i.id, i.cluster) for i in again.items] == [(i.id, i.cluster) for i in run.items]
    whole, cut = run.comparison, rebuild(again)
    assert cut.decision == whole.decision
    assert cut.costs == whole.costs
    assert [e for e in whole.estimates if e.metric in names and e.slice == "all"] == list(cut.estimates)


def test_repeats_and_reasons_are_kept(run: Run) -> None:
    item = run.items[0].id
    again = Score(variant="rag", item=item, repeat=2, metric="style", value=0.25, scorer="s1")
    lost = Score(variant="rag", item=item, repeat=1, metric="style", value=None, reason="why", scorer="s1")
    scores = unpack(pack(view(run.but(scores=[*run.scores, again, lost])))).scores
    found = {
        s.repeat: (s.value, s.reason)
        for s in scores
        if (s.variant, s.item, s.metric) == ("rag", item, "style")
    }
    assert {1: (None, "why"), 2: (0.25, None)}.items() <= found.items()


def test_a_report_of_a_thousand_items_holds_its_rows_within_its_limit() -> None:
    run = computed(1000)
    html = build_report(**run.arguments())
    assert len(html.encode()) <= LIMIT
    assert verify(html, rebuild).agrees


def test_rows_that_do_not_fit_are_left_out_and_it_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.report.rows, "MOST_BYTES", 1000)
    html = build_report(**run.arguments())
    assert "cannot be computed again from this file" in html
    with pytest.raises(InputError, match="60 items take more than"):
        verify(html, rebuild)
