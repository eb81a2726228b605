"""The small version of `benchmarks/calibration/gate.py`: the gate errs no more often than it says."""

from __future__ import annotations

from math import sqrt

import pytest

from benchmarks.calibration.gate import SMALL, Results, simulate
from benchmarks.calibration.gate_page import page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found() -> Results:
    return simulate(SMALL)


def noise(n: int, share: float = 0.05) -> float:
    return sqrt(share * (1 - share) / n)


def test_false_passes_at_the_margin(found: Results) -> None:
    rows = [*found.margin, *found.floor]
    assert sum(r.ours for r in rows) / len(rows) <= 0.045
    assert max(r.ours for r in rows) <= 0.05 + 4 * noise(SMALL.tests)
    clustered = [r for r in rows if r.population.alike == 0.7]
    assert sum(r.naive for r in clustered) / len(clustered) > 0.08  # so that clusters do matter here


def test_false_passes_over_twenty_looks(found: Results) -> None:
    assert len(found.looks) == 3
    for row in found.looks:
        assert row.ours <= 0.05 + 3 * noise(SMALL.sequences)
    assert found.looks[0].naive > 0.3


def test_clear_regressions_never_pass_and_are_caught_with_enough_items(found: Results) -> None:
    assert max(r.passed for r in found.regressions) <= 0.02
    caught = [r.failed for r in found.regressions if r.population.items == 2000]
    assert min(caught) > 0.8


def test_power_is_near_the_textbook(found: Results) -> None:
    for row in found.power:
        if row.population.items >= 204:
            assert row.passed > row.textbook - 0.15
        assert row.failed <= 0.02


def test_the_page_has_every_table(found: Results) -> None:
    text = page(found, SMALL)
    assert text.count("\n| items |") == 2
    assert text.count("\n| true difference |") == 2
    assert "the same items asked again" in text
