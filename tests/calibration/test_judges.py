"""The small version of ``benchmarks/calibration/judges.py``: corrected figures hold the truth, raw ones do not."""

from __future__ import annotations

import pytest

from benchmarks.calibration.judges import SMALL, WIDEST, Result, run
from benchmarks.calibration.judges_page import page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return run(SMALL)


def test_corrected_figures_hold_the_truth(results: list[Result]) -> None:
    """300 tests: chance alone moves a coverage of 95% by 3.8 points at three standard errors."""
    assert {r.case: r.coverage for r in results if r.coverage < 0.912} == {}
    assert sum(r.coverage for r in results) / len(results) > 0.935


def test_they_are_never_much_wider_than_labels_alone_and_mostly_narrower(results: list[Result]) -> None:
    assert max(r.width for r in results) <= WIDEST
    assert all(r.width < 0.9 for r in results if r.case.judge == "lenient")


def test_the_raw_judge_is_wrong_and_sure_of_it(results: list[Result]) -> None:
    assert max(r.raw for r in results) < 0.1


def test_the_page_has_a_line_for_each_case(results: list[Result]) -> None:
    text = page(results, SMALL)
    assert text.count("| share | ") == 5 + 3  # and its groups
    assert "**Judges that are biased:**" in text
