"""Schedules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import InputError
from harness.load.arrivals import constant, poisson, read_trace, replayed


def test_poisson_gaps_are_exponential() -> None:
    times = poisson(50, 200, 1)
    gaps = np.diff(times)
    assert len(times) == 10_000
    assert gaps.mean() == pytest.approx(0.02, rel=0.03)
    assert gaps.std() == pytest.approx(0.02, rel=0.05)
    assert times == poisson(50, 200, 1) != poisson(50, 200, 2)


def test_constant_arrivals_are_even() -> None:
    assert constant(4, 1.0) == [0, 0.25, 0.5, 0.75]
    assert constant(0.01, 10) == [0]


def test_a_schedule_has_a_limit() -> None:
    with pytest.raises(InputError, match="lower the rate"):
        constant(1e6, 3600)


def test_a_trace_is_replayed_from_zero_and_stretched_to_a_rate() -> None:
    assert replayed([5.0, 7.0, 6.0]) == [0, 1, 2]
    assert replayed([5.0, 7.0, 6.0], rate=2) == [0, 0.5, 1]
    assert replayed([5.0]) == [0]


def test_a_trace_is_read_in_each_shape(tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl"
    file.write_text('1.5\n\n{"timestamp": 2500, "input_length": 9}\n{"intended_s": 3}\n')
    assert read_trace(file) == [1.5, 2.5, 3]


@pytest.mark.parametrize(
    "line", ["nan", "-1", "true", '{"at": 1}', "{", '{"timestamp": "x"}', "[1]", "1e400"]
)
def test_a_bad_line_of_a_trace_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "trace.jsonl"
    file.write_text(f"1\n{line}\n")
    with pytest.raises(InputError, match=r"trace.jsonl:2: not an arrival"):
        read_trace(file)


def test_a_trace_that_is_missing_or_empty_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_trace(tmp_path / "none")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(InputError, match="holds no arrivals"):
        read_trace(tmp_path / "empty")
