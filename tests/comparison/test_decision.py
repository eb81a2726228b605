from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from harness.comparison.decision import decide
from harness.comparison.table import build_table
from harness.types.economics import Economics
from harness.types.results import Decision, MetricInfo
from harness.types.settings import Choice, VariantSpec

from .factories import WHOLE, contest_of, economics, items, metric, model_of, scenario, scores

Wins = Mapping[str, Sequence[float | None]]


def verdict_of(
    wins: Wins,
    prices: Mapping[str, float | None],
    info: MetricInfo | None = None,
    latency: Mapping[str, float | None] | None = None,
    preview: bool = False,
    terms: Economics | None = None,
    **limits: Any,
) -> Decision:
    info = info or metric("success")
    n = max(len(row) for row in wins.values())
    money = {name: [price / 1000] * n for name, price in prices.items() if price is not None}
    rows = scores(info.name, wins) + scores("cost", money)
    table = build_table(tuple(wins), items(n), rows, ())
    given = scenario(
        [VariantSpec(name=name) for name in wins],
        choice=Choice(metric=info.name, **limits),
        economics=terms or economics(),
    )
    model = model_of(given, table, {}, info, latency)
    contest = contest_of(given, table, info, latency)
    return decide(contest, table, model, given.economics, preview, WHOLE)


def hits(rate: float, n: int = 200, seed: int = 0) -> list[float]:
    return (np.random.default_rng(seed).permutation(n) < rate * n).astype(float).tolist()


def test_a_clear_winner_wins_whatever_it_costs() -> None:
    d = verdict_of({"cheap": hits(0.3), "good": hits(0.8, seed=1)}, {"cheap": 0.1, "good": 9})
    assert (d.choice, d.runner_up, d.tied) == ("good", "cheap", ("good",))
    assert d.probability_best == {"cheap": 0, "good": 1}
    assert d.lead is not None
    assert d.lead.value == pytest.approx(0.5)
    assert d.reason.startswith("Choose good: success 80% (95% interval 74–85%, 200 items), clearly better")


def test_among_equals_the_cheapest() -> None:
    d = verdict_of(
        {"dear": hits(0.62), "cheap": hits(0.60, seed=1), "bad": hits(0.1)}, {"dear": 5, "cheap": 2, "bad": 1}
    )
    assert (d.choice, d.runner_up, d.tied) == ("cheap", "dear", ("dear", "cheap"))
    assert d.lead is not None
    assert d.lead.value == pytest.approx(-0.02)
    assert "no clear difference from dear, and it is the cheapest of them at $2.00" in d.reason
    assert d.probability_best["dear"] > d.probability_best["cheap"] > 0.1
    assert sum(d.probability_best.values()) == pytest.approx(1)


def test_unknown_cost_loses_ties_and_is_said() -> None:
    d = verdict_of({"bought": hits(0.62), "own": hits(0.60, seed=1)}, {"bought": None, "own": 50})
    assert d.choice == "own"
    assert "The cost of bought is unknown and was taken as the highest." in d.reason
    both = verdict_of({"a": hits(0.62), "b": hits(0.60, seed=1)}, {"a": None, "b": None})
    assert both.choice == "a"
    assert "no cost is known to decide" in both.reason


def test_twins_share_the_probability() -> None:
    d = verdict_of({"a": hits(0.5), "b": hits(0.5)}, {"a": 2, "b": 1})
    assert d.probability_best == {"a": 0.5, "b": 0.5}
    assert d.choice == "b"


def test_limits_come_first() -> None:
    wins = {"slow": hits(0.9), "dear": hits(0.8, seed=1), "ok": hits(0.3, seed=2), "blind": hits(0.9)}
    d = verdict_of(
        wins,
        {"slow": 1, "dear": 99, "ok": 1, "blind": 1},
        latency={"slow": 8.0, "dear": 0.1, "ok": 0.1, "blind": None},
        max_latency_s=2,
        max_cost_per_1000=10,
    )
    assert d.choice == "ok"
    assert d.runner_up is d.lead is None
    assert d.ruled_out == {
        "slow": "median latency of 8 s is above the limit of 2 s",
        "dear": "costs $99.00, above the limit of $10.00 per 1,000 requests",
        "blind": "latency was not measured, so the limit of 2 s cannot be checked",
    }
    assert "the only variant that qualifies" in d.reason
    assert "Ruled out: slow (median" in d.reason


def test_nobody_qualifies() -> None:
    d = verdict_of({"a": hits(0.5)}, {"a": None}, max_cost_per_1000=1, preview=True)
    assert (d.choice, d.tied, d.probability_best) == (None, (), {})
    assert d.reason.startswith(
        "Preview, not a basis for a decision. No variant qualifies: a (its cost is unknown"
    )


def test_failing_on_hard_items_gains_nothing() -> None:
    wins = {"honest": [1.0] * 60 + [0.0] * 40, "quitter": [1.0] * 58 + [0.0] * 2 + [None] * 40}
    d = verdict_of(wins, {"honest": 1, "quitter": 1})
    assert d.tied[0] == "honest"
    silent = verdict_of({"a": [1.0] * 100, "b": [1.0] * 40 + [None] * 60}, {"a": 1, "b": 0.1})
    assert silent.ruled_out == {"b": "answered only 40 of 100 items"}


def test_lower_can_be_better() -> None:
    rng = np.random.default_rng(0)
    wins = {"a": rng.normal(5, 1, 80).tolist(), "b": rng.normal(3, 1, 80).tolist()}
    d = verdict_of(wins, {"a": 1, "b": 2}, metric("words", "score", up=False))
    assert (d.choice, d.tied, d.probability_best["b"]) == ("b", ("b",), 1)


def test_an_unknown_worth_is_said_and_has_no_probability() -> None:
    wins = {"bought": hits(0.62), "own": hits(0.60, seed=1), "old": hits(0.1, seed=2)}
    d = verdict_of(wins, {"bought": None, "own": 50, "old": 1}, terms=economics(value_of_success=1.0))
    assert d.choice == "own"
    assert "What bought would be worth is not known and was taken as the least." in d.reason
    assert set(d.probability_best) == {"own", "old"}
    assert d.probability_best["own"] == 1
    assert d.worth is not None
    assert d.worth.sentence.startswith("Further testing cannot change the choice")


def test_the_reason_says_what_the_choice_is_worth() -> None:
    """10,000 requests a month: 6,000 successes at 1.00 less 20 of cost, pulled a little."""
    wins = {"good": hits(0.6, 2000), "weak": hits(0.3, 2000, seed=1)}
    d = verdict_of(wins, {"good": 2, "weak": 1}, terms=economics(value_of_success=1.0))
    assert "worth $5,970 a month" in d.reason
    assert "better than weak" in d.reason
    assert d.runner_up == "weak"
    loss = verdict_of(wins, {"good": 2, "weak": 1}, terms=economics(value_of_success=0.0001))
    assert loss.choice == "weak"
    assert "every variant loses money, this one least" in loss.reason
