"""A variant with an answer cache, compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures.small_scenario import give_cache

from harness.errors import ScenarioError

from .runs import Asked, run


def test_a_cache_is_tried_on_the_answers_that_are_there(folder: Path, asked: Asked) -> None:
    plain = run(folder)
    assert not plain.comparison.caches
    assert "Answer cache" not in (plain.folder.path / "report.html").read_text()
    asked.quality.clear()
    cached = run(give_cache(folder, "rag", {"near": 0.75}))
    assert not asked.quality  # the setting changes no answer
    assert cached.comparison.estimates == plain.comparison.estimates
    assert cached.comparison.decision == plain.comparison.decision
    figures = cached.comparison.caches
    assert {f.variant for f in figures} == {"rag"}
    assert [f.near for f in figures] == [None, 0.6, 0.7, 0.75, 0.8, 0.9]
    assert [f.near for f in figures if f.chosen] == [0.75]
    assert all(f.hits.n == 24 for f in figures)
    report = (cached.folder.path / "report.html").read_text()
    assert "Answer cache" in report
    assert "0.75 (set)" in report


def test_a_variant_that_cannot_be_served_has_no_cache(folder: Path) -> None:
    with pytest.raises(ScenarioError, match="a variant with precomputed answers is not served"):
        run(give_cache(folder, "elsewhere", {}))


def test_a_threshold_that_is_no_cosine_is_refused(folder: Path) -> None:
    with pytest.raises(ScenarioError, match="near"):
        run(give_cache(folder, "rag", {"near": 80}))
