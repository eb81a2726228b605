"""The targets of the leak checks, on less text than ``benchmarks.leakage`` takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.scenario.inputs import Inputs, Options, load_inputs
from harness.scenario.rephrased import SIMILAR

ROOT = Path(__file__).parents[2]


@pytest.fixture
def inputs() -> Inputs:
    return load_inputs(ROOT / "scenarios" / "support-bot", Options())


def test_planted_copies_are_found_and_little_else(inputs: Inputs) -> None:
    from benchmarks.leakage import planted

    found = planted(inputs, 3000, 1500)
    assert found.recall("verbatim") >= 0.99
    assert found.recall("near") >= 0.95
    assert found.true() / len(found.stages) >= 0.95


@pytest.mark.model
def test_hand_written_rephrasings_are_found(inputs: Inputs) -> None:
    from benchmarks.rephrased import (
        Found,
        cached,
        choose,
        embedder,
        halves,
        pairs,
        same_fact,
    )

    same = same_fact(inputs)
    found = Found(pairs(inputs, cached(embedder(inputs)), facts=True), same)
    chosen, other = halves(inputs.heldout, {i for i, _ in same})
    assert choose(found, chosen) == SIMILAR
    measured = found.measure(SIMILAR, other)
    assert measured["recall"] >= 0.8
    assert measured["precision"] >= 0.9  # 94.2% when measured, short of the 95% aimed at
