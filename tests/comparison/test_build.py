from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest

from harness.comparison.build import build_comparison
from harness.comparison.judged import judged_metric
from harness.comparison.utility import evaluate
from harness.errors import InputError
from harness.types.results import Comparison
from harness.types.settings import VariantSpec

from .factories import METRICS, SQUARE, economics, items, metric, run, scenario, scores, training

TRAININGS = {"a": training()}


def built(seed: int = 1) -> Comparison:
    given, questions, rows = run(seed)
    return build_comparison(given, questions, rows, METRICS, TRAININGS, False)


def test_every_variant_metric_and_slice_is_there() -> None:
    c = built()
    slices = ["all", "topic=orders", "topic=returns"]
    assert [(e.metric, e.slice, e.variant) for e in c.estimates] == [
        (m.name, s, v.name) for m in METRICS for s in slices for v in SQUARE
    ]
    assert len(c.differences) == 4 * 3 * 3
    assert len(c.interactions) == 4 * 3
    assert (c.n_items, c.n_clusters, c.preview, c.confidence) == (60, 30, False, 0.95)
    overall = {(d.metric, d.variant): d.verdict for d in c.differences if d.slice == "all"}
    assert overall["success", "rag"] == overall["success", "lora-rag"] == "better"
    assert overall["latency", "lora-rag"] == overall["cost", "rag"] == "worse"
    assert c.decision.choice == "lora-rag"
    assert [p.latency_s is not None for p in c.frontier] == [True] * 4
    assert len(c.break_even) == 6


def test_same_input_in_any_order_gives_the_same_bytes() -> None:
    given, questions, rows = run()
    first = build_comparison(given, questions, rows, METRICS, TRAININGS, False).model_dump_json()
    shuffled = random.Random(0).sample(rows, len(rows))
    again = build_comparison(given, questions[::-1], shuffled, METRICS, TRAININGS, False)
    assert again.model_dump_json() == first
    assert Comparison.model_validate_json(first) == again
    assert "NaN" not in first
    assert "Infinity" not in first


def test_another_metric_variant_or_slice_changes_no_number() -> None:
    given, questions, rows = run()
    whole = built()
    fewer = build_comparison(
        given.model_copy(update={"slices": ()}), questions, rows, METRICS[:1], TRAININGS, False
    )
    assert set(fewer.estimates) <= set(whole.estimates)
    assert set(fewer.differences) <= set(whole.differences)
    assert fewer.costs == whole.costs
    two = given.model_copy(update={"variants": SQUARE[:2]})
    pair = build_comparison(two, questions, rows, METRICS, {}, False)
    assert set(pair.estimates) <= set(whole.estimates)
    assert pair.interactions == ()


def test_judges_stand_beside_the_rest_and_change_none_of_it() -> None:
    given, questions, rows = run()
    texts = {(s.variant, s.item): s.item for s in rows}
    marks = [r.model_copy(update={"metric": "judge.j"}) for r in rows if r.metric == "success"]
    names = [v.name for v in given.variants]
    judged = judged_metric("j", names, given.baseline, questions, marks, texts, [], None)
    c = build_comparison(given, questions, [*rows, *marks], METRICS, TRAININGS, False, judged=[judged])
    assert [e.status for e in c.judged[0].estimates] == ["uncorrected"] * len(names)
    assert c.model_copy(update={"judged": ()}) == built()
    assert Comparison.model_validate_json(c.model_dump_json()) == c


def test_another_seed_moves_what_is_resampled_and_nothing_else() -> None:
    given, questions, rows = run()
    one = built()
    two = build_comparison(given.model_copy(update={"seed": 9}), questions, rows, METRICS, TRAININGS, False)
    assert one.estimates == two.estimates
    assert one.differences == two.differences
    assert one.costs != two.costs
    assert one.decision.worth != two.decision.worth


def test_numbers_have_six_digits() -> None:
    c = built()
    numbers = [n for e in c.estimates for n in (e.estimate.value, e.estimate.low, e.estimate.high) if n]
    numbers += [*c.volumes, *(n for cost in c.costs for n in cost.curve if n)]
    assert all(n == float(f"{n:.6g}") for n in numbers)


def test_precomputed_and_a_missing_metric_and_baseline() -> None:
    variants = (VariantSpec(name="bought", weights="precomputed:x.jsonl"), VariantSpec(name="rag"))
    wins = {"bought": [1.0, 0] * 20, "rag": [1.0, 1, 0, 1] * 10}
    money = scores("cost", {"rag": [0.001, 0.002] * 20})
    given = scenario(variants, baseline="prompt")
    c = build_comparison(given, items(40), scores("success", wins) + money, METRICS, {}, True)
    assert c.costs[0].per_1000.value is None
    assert c.frontier[0].dominated_by == ()
    assert {d.verdict for d in c.differences} == {"unknown"}
    assert c.differences[0].estimate.reason == "the baseline prompt was not run"
    f1 = [e.estimate for e in c.estimates if e.metric == "f1"]
    assert f1[0].reason == "no answer was scored by f1"
    assert c.decision.choice == "rag"
    assert c.decision.reason.startswith("Preview")


def test_all_missing() -> None:
    rows = scores("success", {v.name: [None] * 5 for v in SQUARE})
    c = build_comparison(scenario(), items(5), rows, METRICS, TRAININGS, False)
    assert c.estimates[0].estimate.n_missing == 5
    assert c.decision.choice is None
    assert "has no value of success (timed out)" in c.decision.reason
    nothing = build_comparison(scenario(), items(5), [], METRICS, TRAININGS, False)
    assert nothing.decision.choice is None
    assert build_comparison(scenario(), [], [], METRICS, TRAININGS, False).n_items == 0


def test_one_cluster_and_one_item() -> None:
    given, questions, rows = run(n=8, per_cluster=8)
    c = build_comparison(given, questions, rows, METRICS, TRAININGS, False)
    assert c.n_clusters == 1
    single = build_comparison(
        given, questions[:1], [r for r in rows if r.item == "i0000"], METRICS, TRAININGS, False
    )
    assert single.decision.choice is not None


def test_choice_metric_must_be_among_the_metrics() -> None:
    with pytest.raises(InputError, match="not among the metrics"):
        build_comparison(scenario(), items(1), [], [metric("f1")], {}, False)


def test_import_brings_no_heavy_library() -> None:
    code = (
        "import sys, harness.comparison.build; "
        "print(sorted({'torch', 'pandas', 'scipy.stats', 'statsmodels'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("terms", [{}, {"value_of_success": 0.01, "cost_of_harm": 0.02}])
def test_the_model_gives_the_figures_of_the_comparison_again(terms: dict[str, float]) -> None:
    """What the report's sliders start from: the arithmetic on the rounded model against the estimates."""
    given, questions, rows = run(n=200)
    rng = np.random.default_rng(4)
    rows += scores("harm", {v.name: (rng.random(200) < 0.1).astype(float).tolist() for v in SQUARE})
    given = given.model_copy(update={"economics": economics(example_price=0.2, **terms)})
    c = build_comparison(given, questions, rows, (*METRICS, metric("harm", up=False)), TRAININGS, False)
    found = evaluate(c.model, c.model.terms)
    for cost, outcome in zip(c.costs, found.outcomes, strict=True):
        assert outcome.per_1000 == pytest.approx(cost.per_1000.value, rel=1e-5)
        assert outcome.per_1000_successes == pytest.approx(cost.per_1000_successes.value, rel=1e-5)
        assert sum(line.per_month for line in cost.ledger) == pytest.approx(outcome.per_month, rel=1e-5)
    assert found.recommended == c.decision.choice
    assert found.tied == c.decision.tied
    assert c.decision.worth is not None
    if terms:
        worth = {v.variant: v.value for v in c.decision.worth.variants}
        assert worth == {o.variant: pytest.approx(o.utility, rel=1e-5) for o in found.outcomes}
    for one, other in zip(found.break_even, c.break_even, strict=True):
        assert (one.cheaper_above, one.other) == (other.cheaper_above, other.other)
        assert (one.monthly_requests is None) == (other.monthly_requests is None)
        assert one.monthly_requests is None or one.monthly_requests == pytest.approx(
            other.monthly_requests, rel=1e-4
        )
