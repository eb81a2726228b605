from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.comparison.estimate import analytic_estimates
from harness.comparison.paired import difference_rows, find_squares, interaction_rows, verdict
from harness.comparison.table import build_table
from harness.types.results import Estimate, MetricInfo
from harness.types.settings import Decoding, VariantSpec

from .factories import RETRIEVAL, SQUARE, estimates, items, metric, scores

Row = Sequence[float | None]


def difference(a: Row, b: Row, info: MetricInfo | None = None, per_cluster: int = 1) -> Estimate:
    table = build_table(["a", "b"], items(len(a), per_cluster), scores("m", {"a": a, "b": b}), ())
    info = info or metric("m")
    support = "unit" if info.unit == "rate" else "unbounded"
    rows = difference_rows(info, table.metrics["m"], support, [0], 1)  # type: ignore[arg-type]
    return analytic_estimates(rows)[0]


def test_only_items_that_both_answered_count() -> None:
    e = difference([1, 1, None, 0, 1], [0, 1, 1, None, 0])
    assert e.value == pytest.approx(2 / 3)
    assert (e.n, e.n_missing) == (3, 2)


def test_pairing_beats_two_separate_intervals() -> None:
    rng = np.random.default_rng(0)
    hard = rng.random(300) < 0.5
    better = np.where(rng.random(300) < 0.08, 1, hard)
    e = difference(better.astype(float).tolist(), hard.astype(float).tolist())
    assert e.low is not None
    assert e.high is not None
    assert 0 < e.low < e.high < 0.1
    assert verdict(e, True) == "better"
    assert verdict(e, False) == "worse"


def test_clusters_that_flip_together_are_not_independent_evidence() -> None:
    flips = np.repeat([1.0] * 8 + [0.0] * 2 + [-1.0] * 3 + [0.0] * 17, 10)
    a, b = np.maximum(flips, 0).tolist(), np.maximum(-flips, 0).tolist()
    assert verdict(difference(a, b), True) == "better"
    assert verdict(difference(a, b, per_cluster=10), True) == "inconclusive"


def test_false_alarms_of_the_clustered_difference_are_rare() -> None:
    """50 clusters of 10 without a true difference: the naive bootstrap is wrong in 43% (anchors.md)."""
    rng = np.random.default_rng(3)
    share = rng.beta(0.5, 0.5, (2, 200, 50))
    a, b = (rng.random((2, 200, 500)) < np.repeat(share, 10, axis=2)).astype(float)

    def alarms(cluster: np.ndarray) -> float:
        found = estimates(a - b, cluster, support="signed")
        return float(np.mean([verdict(e, True) != "inconclusive" for e in found]))

    assert alarms(np.repeat(np.arange(50), 10)) <= 0.085
    assert alarms(np.arange(500)) > 0.25


def test_twins_are_not_proof_of_equality() -> None:
    same = difference([1.0, 0, 1] * 10, [1.0, 0, 1] * 10)
    assert same.low == pytest.approx(-0.1135, abs=1e-4)
    assert same.high == pytest.approx(0.1135, abs=1e-4)
    assert verdict(same, True) == "inconclusive"
    always = difference([1.0] * 30, [0.0] * 30)
    assert (always.value, always.high) == (1, 1)
    assert verdict(always, True) == "better"
    money = metric("m", "money", up=False)
    assert verdict(difference([2.0] * 9, [2.0] * 9, money), False) == "inconclusive"
    offset = difference([3.0] * 9, [2.0] * 9, money)
    assert (offset.value, offset.low, verdict(offset, False)) == (1, None, "unknown")


@pytest.mark.parametrize(
    ("low", "high", "p_holm", "margin", "said"),
    [
        (0.01, 0.2, None, None, "better"),
        (0.01, 0.2, 0.04, None, "better"),
        (0.01, 0.2, 0.06, None, "inconclusive"),
        (0.01, 0.2, 0.06, 0.05, "non-inferior"),
        (-0.2, -0.01, 0.04, None, "worse"),
        (-0.2, -0.01, 0.04, 0.05, "worse"),
        (-0.2, -0.01, 0.06, 0.05, "inconclusive"),
        (-0.04, -0.01, 0.04, 0.05, "non-inferior"),
        (-0.04, -0.01, 0.04, None, "worse"),
        (-0.04, 0.01, 0.5, 0.05, "non-inferior"),
        (-0.05, 0.01, 0.5, 0.05, "inconclusive"),
        (0.0, 0.01, 0.04, None, "inconclusive"),
    ],
)
def test_verdicts(low: float, high: float, p_holm: float | None, margin: float | None, said: str) -> None:
    there = Estimate(
        value=(low + high) / 2, low=low, high=high, n=9, n_missing=0, n_clusters=9, method="paired mean"
    )
    assert verdict(there, True, p_holm, margin) == said
    back = there.model_copy(update={"value": -(low + high) / 2, "low": -high, "high": -low})
    assert verdict(back, False, p_holm, margin) == said


def test_nothing_in_common() -> None:
    e = difference([1, None], [None, 1])
    assert (e.value, e.n, e.n_missing, e.reason) == (None, 0, 2, "no item was answered by both")
    assert verdict(e, True) == "unknown"


def test_latency_is_the_median_of_paired_differences() -> None:
    rng = np.random.default_rng(0)
    b = rng.lognormal(0, 1, 12)
    a = b + np.linspace(0.1, 0.3, 12)
    e = difference(a.tolist(), b.tolist(), metric("m", "s", up=False, phase="timing"))
    assert e.value == pytest.approx(0.2)
    assert e.method == "paired median, order statistics"
    assert verdict(e, False) == "worse"


def test_squares_are_found_by_composition() -> None:
    (square,) = find_squares(SQUARE)
    assert (square.base, square.retrieval, square.tuned, square.both) == ("prompt", "rag", "lora", "lora-rag")
    raft = VariantSpec(name="raft", weights="adapter:b", context=RETRIEVAL)
    assert find_squares((*SQUARE[:2], SQUARE[2], raft)) == ()
    other = RETRIEVAL.model_copy(update={"k": 9})
    assert find_squares((*SQUARE[:3], SQUARE[3].model_copy(update={"context": other}))) == ()
    sampled = SQUARE[3].model_copy(update={"decoding": Decoding(temperature=1)})
    assert find_squares((*SQUARE[:3], sampled)) == ()


def test_interaction_of_ovadia_shape() -> None:
    """Retrieval adds .4 to the base and .25 to the tuned model: they overlap by .15."""
    n = 400
    rng = np.random.default_rng(0)
    u = rng.random(n)
    rates = {"prompt": 0.45, "rag": 0.85, "lora": 0.55, "lora-rag": 0.8}
    rows = {name: (u < rate).astype(float).tolist() for name, rate in rates.items()}
    rows["lora"] = [None, *rows["lora"][1:]]
    matrix = build_table(tuple(rows), items(n), scores("m", rows), ()).metrics["m"]
    e = analytic_estimates(interaction_rows(metric("m"), matrix, "unit", [(0, 1, 2, 3)]))[0]
    assert e.value == pytest.approx(-0.15, abs=0.04)
    assert (e.n, e.n_missing) == (n - 1, 1)
    assert e.high is not None
    assert e.high < 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, None])] * 2), min_size=1, max_size=30))
def test_swapping_the_sides_mirrors_the_difference(pairs: list[tuple[float | None, float | None]]) -> None:
    a, b = [p[0] for p in pairs], [p[1] for p in pairs]
    there, back = difference(a, b), difference(b, a)
    assert (there.n, there.n_missing, there.method) == (back.n, back.n_missing, back.method)
    if there.value is not None and there.low is not None:
        assert back.value == pytest.approx(-there.value)
        assert back.high == pytest.approx(-there.low, abs=1e-9)
