from __future__ import annotations

import pytest

from harness.comparison.switch import sweeps
from harness.comparison.utility import evaluate
from harness.figures import number
from harness.types.decision import DecisionModel, Sweep
from harness.types.economics import Swing, Weights

from .test_utility import model, terms, variant


def by_term(given: DecisionModel, **other: object) -> dict[str, Sweep]:
    return {s.term: s for s in sweeps(given.model_copy(update={"terms": terms(**other)}))}


RAG = variant("rag", per_request=0.004, success_rate=0.6)
LORA = variant("lora", per_request=0.001, success_rate=0.6, other_once=369)


def test_worked_example_over_volume() -> None:
    """Equally good: 0.004 V = 0.001 V + 123 at V = 41,000."""
    found = by_term(model(RAG, LORA), value_of_success=1.0)
    volume = found["monthly_requests"]
    assert volume.choices == ("rag", "lora")
    assert volume.switches == pytest.approx((41_000,), rel=1e-9)
    assert volume.sentence == "rag until 41,000 requests a month, then lora."
    # 10,000 x 0.003 more at 1.8 an hour, 123 a month: 4.1 times the price.
    assert found["serving_price_per_hour"].switches == pytest.approx((1.8 * 4.1,), rel=1e-9)
    assert (
        found["value_of_success"].sentence
        == "rag all the way from $0.01 for a success to $100 for a success."
    )


def test_each_side_of_a_switch_is_what_evaluate_recommends() -> None:
    good = variant("good", per_request=0.02, success_rate=0.9, other_once=100)
    given = model(RAG, LORA, good)
    for term, sweep in by_term(given, value_of_success=0.03).items():
        assert len(sweep.switches) == len(sweep.choices) - 1 > 0
        for at, before, after in zip(sweep.switches, sweep.choices, sweep.choices[1:], strict=False):
            for factor, expected in ((0.9999, before), (1.0001, after)):
                there = terms(value_of_success=0.03).model_copy(update={term: at * factor})
                assert evaluate(given, there).recommended == expected


def test_weight_of_quality_and_a_limit_that_nobody_keeps() -> None:
    weights = Weights(quality=Swing(weight=1, worst=0, best=1), cost=Swing(weight=1, worst=10, best=0))
    good = variant("good", per_request=0.009, success_rate=0.9)
    found = by_term(model(RAG, good), weights=weights)["quality_weight"]
    # .6 w + .6 = .9 w + .1 at w = 5 / 3.
    assert found.switches == pytest.approx((5 / 3,))
    assert found.sentence == "rag until a quality weight of 1.7, then good."
    limited = by_term(model(RAG), max_cost_per_1000=4.5)["serving_price_per_hour"]
    assert limited.choices == ("rag", None)
    assert limited.sentence == "rag until $2.02 an hour of serving, then no variant."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (41_234, "41,200"),
        (1_234_567, "1.23 million"),
        (0.0030, "0.003"),
        (99.96, "100"),
        (0, "0"),
        (7, "7"),
        (12.5, "12.5"),
    ],
)
def test_numbers_keep_three_figures(value: float, text: str) -> None:
    assert number(value) == text
