"""Which bound decides, in which direction, and what keeps a check from being decided."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from harness.comparison.intervals import tango, wilson
from harness.gate.looks import look_alpha
from harness.types.verdict import EXIT_CODES

from .factories import check, hits, judge, rule, snapshot


def success(n: int, right: int, **other: object):  # type: ignore[no-untyped-def]
    return snapshot({"success": hits(n, right)}, **other)


@pytest.mark.parametrize(
    ("right", "limit", "status"),
    [
        (90, {"at_least": 0.8}, "pass"),
        (60, {"at_least": 0.8}, "fail"),
        (80, {"at_least": 0.8}, "inconclusive"),
        (10, {"at_most": 0.2}, "pass"),
        (40, {"at_most": 0.2}, "fail"),
        (20, {"at_most": 0.2}, "inconclusive"),
    ],
)
def test_a_floor_and_a_ceiling(right: int, limit: dict[str, float], status: str) -> None:
    assert check(success(100, right), None, rule(**limit)).status == status


def test_the_bound_is_one_sided_at_the_alpha_of_the_look() -> None:
    for look in (1, 2, 7):
        found = check(success(100, 90), None, rule(at_least=0.8), look=look)
        assert found.bound == wilson(0.9, 100, 1 - 2 * look_alpha(look))[0]


@pytest.mark.parametrize(
    ("now", "then", "limit", "status"),
    [
        (180, 180, {"not_worse_by": 0.05}, "pass"),
        (150, 180, {"not_worse_by": 0.05}, "fail"),
        (172, 180, {"not_worse_by": 0.05}, "inconclusive"),
        (180, 150, {"better_by": 0.0}, "pass"),
        (180, 180, {"better_by": 0.0}, "inconclusive"),
        (150, 180, {"better_by": 0.0}, "fail"),
        (180, 150, {"better_by": 0.05}, "pass"),
    ],
)
def test_against_the_baseline(now: int, then: int, limit: dict[str, float], status: str) -> None:
    found = check(success(200, now), success(200, then), rule(**limit))
    assert found.status == status
    assert found.observed.value == pytest.approx((now - then) / 200)
    gained, lost = max(0, now - then), max(0, then - now)
    assert found.bound == pytest.approx(tango(gained, lost, 200, 0.92)[0])


def test_where_lower_is_better_worse_is_up() -> None:
    few, many = snapshot({"errors": hits(200, 10)}), snapshot({"errors": hits(200, 40)})
    assert check(many, few, rule("errors", not_worse_by=0.05)).status == "fail"
    assert check(few, few, rule("errors", not_worse_by=0.05)).status == "pass"
    assert check(few, many, rule("errors", better_by=0.05)).status == "pass"
    assert check(many, few, rule("errors", not_worse_by=0.05)).threshold == 0.05


def test_pairs_are_matched_by_item_whatever_their_order() -> None:
    rng = np.random.default_rng(1)
    values = (rng.random(150) < 0.6).astype(float)
    now = snapshot({"success": values})
    turned = now.model_copy(update={"items": now.items[::-1]})
    assert check(now, turned, rule(not_worse_by=0.05)).observed.value == 0


def test_a_slice_is_judged_on_its_items_alone() -> None:
    slices = {f"i{k}": {"kind": "old" if k < 100 else "new"} for k in range(200)}
    found = check(success(200, 100), None, rule(at_least=0.9, slice="kind=old"), slices=slices)
    assert (found.status, found.observed.n, found.observed.value) == ("pass", 100, 1.0)
    other = check(success(200, 100), None, rule(at_least=0.9, slice="kind=new"), slices=slices)
    assert (other.status, other.observed.n) == ("fail", 100)


def test_items_in_clusters_count_for_less() -> None:
    values = np.repeat(hits(50, 45), 4)
    alone, together = (snapshot({"success": values}, per_cluster=k) for k in (1, 4))
    floor = rule(at_least=0.85)
    assert check(alone, None, floor).status == "pass"
    assert check(together, None, floor).status == "inconclusive"


# --- all must pass ------------------------------------------------------------------------------


def test_all_must_pass_and_one_failure_decides() -> None:
    now = snapshot({"success": hits(200, 190), "style": hits(200, 100)})
    passing, failing, unsure = rule(at_least=0.5), rule("style", at_least=0.9), rule("style", at_least=0.5)
    for rules, status in (
        ((passing,), "pass"),
        ((passing, unsure), "inconclusive"),
        ((passing, unsure, failing), "fail"),
    ):
        verdict = judge(now, None, *rules)
        assert verdict.status == status
        assert verdict.exit_code == EXIT_CODES[verdict.status]
    assert "style[all] at_least 0.9" in judge(now, None, passing, unsure, failing).reason


def test_alpha_is_not_split_over_rules() -> None:
    now = success(100, 90)
    many = judge(now, None, *[rule(at_least=0.8)] * 6)
    assert {c.bound for c in many.checks} == {check(now, None, rule(at_least=0.8)).bound}


# --- what is missing ----------------------------------------------------------------------------


def test_a_missing_answer_counts_as_the_worst() -> None:
    right, gone = [1.0] * 190, [None] * 10
    now, then = snapshot({"success": [*right, *gone]}), success(200, 200)
    found = check(now, then, rule(not_worse_by=0.02))
    assert found.status == "fail"
    assert (found.observed.value, found.observed.n, found.observed.n_missing) == (-0.05, 200, 10)
    absolute = check(now, None, rule(at_least=0.9))
    assert absolute.observed.value == pytest.approx(0.95)
    assert "10 items without a score counted as the worst possible" in absolute.reason


def test_a_missing_answer_of_the_baseline_gains_nothing() -> None:
    then = snapshot({"success": [*([1.0] * 190), *([None] * 10)]})
    found = check(success(200, 200), then, rule(better_by=0.0))
    assert (found.observed.value, found.observed.n, found.observed.n_missing) == (0.0, 190, 10)


def test_a_missing_time_keeps_from_passing_but_not_from_failing() -> None:
    times = [1.0] * 20
    now = snapshot({"latency": [*times, None]})
    found = check(now, None, rule("latency", at_most=2.0))
    assert (found.status, found.items_needed) == ("inconclusive", None)
    assert "Latency is not known for 1 answer that failed" in found.reason
    assert check(now, None, rule("latency", at_most=0.5)).status == "fail"


def test_a_metric_that_applies_to_other_items_cannot_be_paired() -> None:
    then = snapshot({"style": hits(100, 100), "success": hits(100, 90)})
    now = snapshot({"style": hits(60, 60), "success": hits(100, 90)})
    found = check(now, then, rule("style", not_worse_by=0.1))
    assert (found.status, found.items_needed) == ("inconclusive", None)
    assert "40 items had this metric in only one of the two runs" in found.reason


def test_times_of_another_machine_do_not_compare() -> None:
    times = {"latency": [1.0] * 20, "success": hits(40, 40)}
    now, then = snapshot(times), snapshot(times, hardware="other box")
    found = check(now, then, rule("latency", not_worse_by=0.5))
    assert (found.status, "another machine" in found.reason) == ("inconclusive", True)
    assert check(now, then, rule(not_worse_by=0.2)).status == "pass"
    assert check(now, snapshot(times), rule("latency", not_worse_by=0.5)).status == "pass"


def test_nothing_to_judge_is_inconclusive_with_its_reason() -> None:
    found = check(success(50, 50), None, rule("style", at_least=0.5))
    assert (found.status, found.bound, found.items_needed) == ("inconclusive", None, None)
    assert "no item here has a score of style" in found.reason


@pytest.mark.parametrize(("right", "status"), [(50, "inconclusive"), (0, "fail")])
def test_a_cut_run_cannot_pass_but_can_fail(right: int, status: str) -> None:
    verdict = judge(success(50, right), None, rule(at_least=0.5), left_out=150)
    assert verdict.status == status
    assert verdict.checks[0].items_needed == (150 if status == "inconclusive" else None)


def test_a_cut_is_also_seen_from_the_baseline() -> None:
    verdict = judge(success(50, 50), success(200, 200), rule(at_least=0.5))
    assert (verdict.status, verdict.n_left_out) == ("inconclusive", 150)


# --- flips --------------------------------------------------------------------------------------


def test_flips_name_the_items_and_a_lost_answer_is_a_loss() -> None:
    then = snapshot({"success": [1, 1, 0, 0, None, 1]})
    now = snapshot({"success": [1, 0, 1, 0, 1, None]})
    flips = judge(now, then, rule(at_least=0.5)).flips
    assert flips is not None
    assert (flips.right_to_wrong, flips.wrong_to_right) == (("i1", "i5"), ("i2",))


def test_flips_of_a_graded_metric_do_not_exist() -> None:
    graded = snapshot({"style": [0.2, 0.5, 1.0]})
    assert judge(graded, graded, rule("style", at_least=0.1)).flips is None
    assert judge(graded, None, rule("style", at_least=0.1)).flips is None


# --- items needed -------------------------------------------------------------------------------


def needed(found) -> int:  # type: ignore[no-untyped-def]
    assert found.status == "inconclusive"
    assert found.items_needed is not None, found.reason
    return int(found.items_needed)


def test_items_needed_is_the_textbook_size_for_a_share() -> None:
    found = check(success(100, 85), None, rule(at_least=0.8))
    z, power = float(ndtri(1 - look_alpha(2))), float(ndtri(0.8))
    textbook = ((z * np.sqrt(0.8 * 0.2) + power * np.sqrt(0.85 * 0.15)) / 0.05) ** 2
    assert needed(found) == pytest.approx(textbook - 100, abs=1)


def test_items_needed_without_any_change_is_what_tango_needs() -> None:
    more = needed(check(success(20, 20), success(20, 20), rule(not_worse_by=0.05)))
    z = float(ndtri(1 - look_alpha(2)))
    assert more + 20 == pytest.approx(z * z * 0.95 / 0.05, abs=1)
    enough = success(20 + more, 20)
    assert check(enough, enough, rule(not_worse_by=0.05), look=2).status == "pass"


@pytest.mark.slow
def test_with_the_items_needed_four_of_five_pass() -> None:
    rng = np.random.default_rng(5)
    n = 100 + needed(check(success(100, 86), None, rule(at_least=0.8)))
    passed = [
        check(success(n, int(rng.binomial(n, 0.86))), None, rule(at_least=0.8), look=2).status == "pass"
        for _ in range(400)
    ]
    assert np.mean(passed) == pytest.approx(0.8, abs=0.06)


def test_clusters_need_more_items() -> None:
    values = np.repeat(hits(40, 34), 3)
    alone, together = (snapshot({"success": values}, per_cluster=k) for k in (1, 3))
    assert needed(check(together, None, rule(at_least=0.8))) > 2 * needed(
        check(alone, None, rule(at_least=0.8))
    )


def test_on_the_wrong_side_no_number_is_named() -> None:
    found = check(success(100, 78), None, rule(at_least=0.8))
    assert (found.status, found.items_needed) == ("inconclusive", None)
    assert "wrong side" in found.reason
    exactly = check(success(100, 80), None, rule(at_least=0.8))
    assert exactly.items_needed is None
    assert "exactly on the limit" in exactly.reason


def test_too_few_times_for_a_median() -> None:
    found = check(snapshot({"latency": [1.0, 2.0, 1.5]}), None, rule("latency", at_most=3.0))
    # at the next look's 0.6% a median's bound needs 2^-n below that
    assert needed(found) == 8 - 3
    assert (
        check(snapshot({"latency": [1.0] * 8}), None, rule("latency", at_most=3.0), look=2).status == "pass"
    )


# --- properties ---------------------------------------------------------------------------------

ORDER = {"fail": 0, "inconclusive": 1, "pass": 2}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 120), st.integers(0, 120), st.sampled_from([0.02, 0.05, 0.1]), st.integers(1, 5))
@pytest.mark.slow
def test_a_better_candidate_never_fares_worse(one: int, two: int, margin: float, look: int) -> None:
    worse, better = sorted((one, two))
    for limit in (rule(not_worse_by=margin), rule(at_least=1 - margin)):
        fared = [check(success(120, r), success(120, 60), limit, look=look).status for r in (worse, better)]
        assert ORDER[fared[0]] <= ORDER[fared[1]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=6, max_size=80), st.integers(1, 4))
def test_two_runs_are_never_both_better(pairs: list[tuple[bool, bool]], look: int) -> None:
    a, b = (snapshot({"success": [float(pair[side]) for pair in pairs]}) for side in (0, 1))
    one, two = (check(x, y, rule(better_by=0.0), look=look) for x, y in ((a, b), (b, a)))
    assert "pass" not in (one.status, two.status) or {one.status, two.status} == {"pass", "fail"}
    assert one.observed.value == -(two.observed.value or 0.0)
