"""All metrics over all answers: phases, failures, and that none of them breaks on odd text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.backends.fake import FakeEmbedder
from harness.protocols import Scorer
from harness.registry import SCORERS, lookup
from harness.scores.apply import apply_scorers, code_fingerprint
from harness.types.data import Passage
from harness.types.results import MetricInfo
from harness.types.settings import Style

from .factories import answer, context, item

ITEMS = {n: item(id=n, required=[["10"]], sources=["a"]) for n in ("x", "y")}
ODD = [
    "",
    " ",
    "\u2019",
    "[1]",
    "\x00\ud7ff",
    "😀 10",
    "a" * 10_000,
    "<script>alert(1)</script>",
    "١٠ euros",
    "\n\n",
]


def scorers(*names: str) -> list[Scorer]:
    return [lookup(SCORERS, n)() for n in names]


def test_each_metric_sees_the_answers_of_its_phase() -> None:
    given = [
        answer("10", item="x"),
        answer("11", item="y"),
        answer("10", item="x", phase="timing", total_s=2.0),
    ]
    found = apply_scorers(scorers("success", "latency"), ITEMS, given, context(), "print")
    assert [(s.metric, s.item, s.value) for s in found] == [
        ("success", "x", 1.0),
        ("success", "y", 0.0),
        ("latency", "x", 2.0),
    ]
    assert {s.scorer for s in found} == {"print"}


@pytest.mark.parametrize("metric", SCORERS)
def test_a_failed_answer_is_missing_with_its_error_as_reason(metric: str) -> None:
    [scorer] = scorers(metric)
    failed = answer(None, item="x", error="out of memory", phase=scorer.info.phase)
    [found] = apply_scorers([scorer], ITEMS, [failed], context(), "print")
    assert (found.value, found.reason) == (None, "out of memory")


@pytest.mark.slow
def test_a_failure_does_not_shift_the_values_of_the_others() -> None:
    given = [answer(None, item="x", error="no"), answer("10", item="y")]
    found = apply_scorers(scorers("success", "token_f1"), ITEMS, given, context(), "print")
    assert [(s.metric, s.item, s.reason) for s in found] == [
        ("success", "x", "no"),
        ("success", "y", None),
        ("token_f1", "x", "no"),
        ("token_f1", "y", None),
    ]
    assert found[1].value == 1.0


def test_repeats_of_an_item_are_scored_each() -> None:
    given = [answer("10", item="x", repeat=0), answer("11", item="x", repeat=1)]
    found = apply_scorers(scorers("success"), ITEMS, given, context(), "print")
    assert [(s.repeat, s.value) for s in found] == [(0, 1.0), (1, 0.0)]


def test_a_number_that_is_not_finite_is_missing_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    [scorer] = scorers("success")
    monkeypatch.setattr(type(scorer), "score", lambda *_: [(float("nan"), None)])
    [found] = apply_scorers([scorer], ITEMS, [answer("10", item="x")], context(), "print")
    assert found.value is None
    assert "not a finite number" in (found.reason or "")


def test_no_answers_no_scores() -> None:
    assert apply_scorers(scorers(*SCORERS), ITEMS, [], context(), "print") == []


@pytest.mark.parametrize("metric", SCORERS)
@pytest.mark.slow
def test_any_text_has_a_finite_value_or_a_reason(metric: str) -> None:
    [scorer] = scorers(metric)

    def embed(texts: Sequence[str]) -> np.ndarray:
        return FakeEmbedder(Path())(texts)

    passage = Passage(id="a#0", article="a", title="A", text="It costs 10 euros.")
    within = context(
        style=Style(closing="Bye", max_words=10, max_sentences=2), embed=embed, passages=[passage]
    )
    pairs = [(ITEMS["x"], answer(text, ["a"], compute_s=0.1)) for text in ODD]
    found = list(scorer.score(pairs, within))
    assert len(found) == len(ODD)
    for value, reason in found:
        assert (value is None) == (reason is not None)
        assert value is None or np.isfinite(value)
        if scorer.info.unit == "rate" and value is not None:
            assert 0 <= value <= 1


@pytest.mark.parametrize("metric", SCORERS)
def test_a_metric_describes_itself(metric: str) -> None:
    info: MetricInfo = lookup(SCORERS, metric).info
    assert info.name == metric
    assert info.label
    assert info.description.endswith(".")
    assert info.phase == ("timing" if metric in ("ttft", "latency", "tokens_per_s") else "quality")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("X = 1  # why\n\n", True),
        ("X = 2\n", False),
        ("from harness.scores.text import normalise\nX = 1\n", False),
    ],
)
def test_the_fingerprint_of_a_scorer_is_of_its_code_and_what_it_names(
    text: str, same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for folder, source in (("a", "X = 1\n"), ("b", text)):
        file = tmp_path / folder / "own_scorer.py"
        file.parent.mkdir()
        file.write_text(source)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(file.parent)
            patch.delitem(sys.modules, "own_scorer", raising=False)
            code_fingerprint.cache_clear()
            found.append(code_fingerprint("own_scorer"))
            sys.modules.pop("own_scorer", None)
    assert (found[0] == found[1]) == same


def test_modules_that_are_loaded_by_name_count_as_code_of_their_metric() -> None:
    assert code_fingerprint("harness.scores.overlap") != code_fingerprint("harness.scores.facts")
    assert code_fingerprint("harness.scores.latency") == code_fingerprint("harness.scores.latency")
