"""The small version of ``benchmarks/calibration``: our intervals hold the truth where naive ones do not."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration import populations
from benchmarks.calibration.alarms import run_alarm
from benchmarks.calibration.cases import Case, Result, small_cases
from benchmarks.calibration.coverage import run
from benchmarks.calibration.table import write_table

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return run(small_cases(), tests=600, seed=7)


def test_ours_cover_in_every_case(results: list[Result]) -> None:
    """600 tests: chance alone moves a coverage of 95% by 2.7 points at three standard errors."""
    assert {r.case.kind: r.coverage for r in results if not 0.92 <= r.coverage <= 0.98} == {}


def test_naive_ones_fail_where_items_are_alike(results: list[Result]) -> None:
    clustered = [r for r in results if r.case.within and r.others]
    assert clustered
    assert all(r.others["Wald"] < 0.8 and r.others["item bootstrap"] < 0.8 for r in clustered)


def test_the_table_has_a_line_for_each_case(results: list[Result]) -> None:
    text = write_table(results, [], 600, 500, 400, "command", 7, "versions")
    assert text.count("\n| 100 | 100 | none |") == text.count("\n| 300 | ") == len(results) // 2
    assert f"**{100 * results[0].coverage:.1f}**" in text


def test_variants_that_are_alike_are_seldom_called_different() -> None:
    for kind, rate in (("paired yes/no", 0.5), ("latency difference", None), ("overlap difference", None)):
        alarm = run_alarm(Case(kind, 300, 0.7, rate, 0.5), 300, 7)  # type: ignore[arg-type]
        assert alarm.ours <= 0.09
        assert alarm.naive > 0.2


def test_populations_have_the_truth_and_correlation_that_they_claim() -> None:
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(500), 4)
    yes = populations.yes_no(np.full(200, 0.3), 0.4, cluster, rng)
    assert yes.mean() == pytest.approx(0.3, abs=0.005)
    pairs = yes.reshape(200, 500, 4) - 0.3
    assert (pairs[..., 0] * pairs[..., 1]).mean() / 0.21 == pytest.approx(0.4, abs=0.02)
    change = populations.paired_yes_no(np.full(200, 0.6), np.full(200, 0.5), 0.5, 0.4, cluster, rng)
    assert change.mean() == pytest.approx(0.1, abs=0.005)
    spread = change.reshape(200, 500, 4) - 0.1
    assert (spread[..., 0] * spread[..., 1]).mean() / change.var() == pytest.approx(0.4, abs=0.02)
    for shape, centre in ((populations.latencies, 1.5), (populations.overlaps, 0.9)):
        one, two = populations.normal_pairs(200, 0.5, 0.4, cluster, rng)
        values, mean = shape(one, centre)
        assert values.mean() == pytest.approx(mean, rel=0.01)
        assert np.corrcoef(one.ravel(), two.ravel())[0, 1] == pytest.approx(0.5, abs=0.02)
