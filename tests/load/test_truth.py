"""The generator tells the truth about a server with planted stalls, where a closed loop does not; real processes."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from benchmarks.load_generator import against_truth, closed_loop, open_loop, stub
from benchmarks.stub_server import Shape
from harness.load.arrivals import constant
from harness.load.prompts import made_up

pytestmark = pytest.mark.slow
SHAPE = Shape(first=0.02, spread=0.01, tokens=3, gap=0.01, every=9.0, stall=1.35)
"""Two stalls of 15% in 18 seconds. Long beside what a busy machine adds."""


def test_percentiles_hold_the_truth_and_a_closed_loop_hides_the_stalls() -> None:
    with stub(SHAPE) as url:
        found = open_loop(url, constant(40, 18))
        closed = asyncio.run(closed_loop(url, 9, made_up(1, 40, 1)[0]))
    assert found.failed == 0
    rows = against_truth(found, SHAPE)
    assert [r for r in rows if not r["inside"] and r["metric"] != "tpot"] == []
    p99 = next(r for r in rows if r["metric"] == "e2e" and r["q"] == 0.99)
    assert abs(p99["off_by"]) < 0.05, p99
    assert np.quantile(closed, 0.95) < 0.1 * p99["true_ms"] / 1000 or len(closed) < 100


def test_freezes_are_left_out_of_work() -> None:
    shape = Shape(every=10, stall=2)
    assert shape.thawed(0.5, 1) == 3
    assert shape.thawed(3, 1) == 4
    assert shape.thawed(9.5, 1) == 12.5
    assert shape.thawed(9.5, 9) == 22.5
    assert Shape().thawed(9.5, 1) == 10.5
