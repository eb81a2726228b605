"""Rates of a cache, with what could not be judged counted."""

from __future__ import annotations

from harness.comparison.caching import Outcome, cache_figure


def test_rates_have_intervals_and_their_n() -> None:
    hits = [Outcome(f"h{i}", True, wrong=i == 0 if i < 4 else None, other_facts=i < 2) for i in range(10)]
    figure = cache_figure("rag", 0.8, True, [*hits, *(Outcome(f"m{i}", False) for i in range(30))])
    assert (figure.hits.value, figure.hits.n, figure.hits.n_missing) == (0.25, 40, 0)
    assert (figure.wrong.value, figure.wrong.n, figure.wrong.n_missing) == (0.25, 4, 6)
    assert (figure.other_facts.value, figure.other_facts.n) == (0.2, 10)
    for estimate in (figure.hits, figure.wrong, figure.other_facts):
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < (estimate.value or 0) < estimate.high


def test_a_cluster_is_one_piece_of_evidence() -> None:
    alone = cache_figure("rag", 0.8, True, [Outcome(f"c{i}", i % 2 == 0) for i in range(40)]).hits
    together = cache_figure("rag", 0.8, True, [Outcome(f"c{i % 4}", i % 2 == 0) for i in range(40)]).hits
    assert together.value == alone.value
    assert (together.low or 0) < (alone.low or 0)


def test_without_hits_there_is_no_rate_of_wrong_ones() -> None:
    figure = cache_figure("rag", None, False, [Outcome("a", False)] * 5)
    assert figure.hits.value == 0
    assert figure.wrong.value is None
    assert figure.wrong.reason == "no hits"
    nothing = cache_figure("rag", None, False, [])
    assert nothing.hits.value is None
