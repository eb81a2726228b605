"""The targets of the leak checks, on less text than ``benchmarks.leakage`` takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.scenario.inputs import Inputs, Options, load_inputs
from harness.scenario.rephrased import SIMILAR

ROOT = Path(__file__).parents[2]


@pytest.fixture
def inputs() -> Inputs:
    return load_inputs(ROOT / "scenarios" / "support-bot", Options())


@pytest.mark.slow
def test_planted_copies_are_found_and_little_else(inputs: Inputs) -> None:
    from benchmarks.leakage import planted

    found = planted(inputs, 3000, 1500)
    assert found.recall("verbatim") >= 0.99
    assert found.recall("near") >= 0.95
    assert found.true() / len(found.stages) >= 0.95


def test_further_questions_are_of_other_clusters_that_are_tested(inputs: Inputs) -> None:
    from benchmarks.rephrased import ALSO, also_asked, same_fact

    lines = [json.loads(line) for line in ALSO.read_text().splitlines()]
    known = {item.id: item.cluster for item in inputs.train}
    tested = {item.cluster for item in inputs.heldout}
    assert len({line["id"] for line in lines}) == len(lines)
    for line in lines:
        assert set(line["also"]) <= tested - {known[line["id"]]}
    assert len(also_asked(inputs)) == sum(len(line["also"]) for line in lines)
    assert not also_asked(inputs) & same_fact(inputs)


def test_a_precision_of_few_items_is_less_sure() -> None:
    from benchmarks.rephrased import precision_interval

    apart = {(i, 0) for i in range(40)}
    together = {(i % 4, i) for i in range(40)}
    wide, narrow = (
        precision_interval(told, {p for p in told if p[0] != 3 and p != (17, 0)})
        for told in (together, apart)
    )
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
    assert precision_interval(set(), set()) == (0.0, 1.0)


@pytest.mark.model
def test_hand_written_rephrasings_are_found(inputs: Inputs) -> None:
    from benchmarks.rephrased import (
        Found,
        also_asked,
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
    mended = Found(found.similarity, same | also_asked(inputs)).measure(SIMILAR, other)
    assert mended["recall"] >= 0.8
    assert mended["precision"] >= 0.95
