"""What is put into a snapshot, and what keeps two of them from being compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.gate.baseline import comparability
from harness.gate.snapshot import content_hash
from harness.scenario.baseline import baseline_text, read_baseline
from harness.types.data import Facts, Item, Message

from .factories import METRICS, hits, rule, snapshot

BASE = snapshot(
    {"success": hits(30, 20), "cost": [0.1] * 30},
    scoring={"style rules": "a", "prices": "p"},
    prompt={"system prompt": "a", "decoding": "b"},
)
ITEM = Item(
    id="a", split="heldout", messages=(Message(role="user", content="q"),), references=("r",), cluster="c"
)


def refusals(now=BASE, then=BASE, *rules, accept: bool = False):  # type: ignore[no-untyped-def]
    return comparability(now, then, rules or (rule(not_worse_by=0.1),), accept)


def test_a_snapshot_compares_with_itself() -> None:
    assert refusals() == comparability(BASE, BASE, (), True)
    assert refusals().refusals == ()


def test_another_scenario_is_the_only_thing_said() -> None:
    [said] = refusals(BASE, BASE.model_copy(update={"scenario": "x", "scoring": {}})).refusals
    assert "of scenario 'x'" in said


def test_a_baseline_with_more_items_is_a_cut_run_and_no_refusal() -> None:
    assert refusals(snapshot({"success": hits(10, 5)}), snapshot({"success": hits(30, 5)})).refusals == ()


def test_many_changed_items_are_counted_and_some_named() -> None:
    changed = tuple(i.model_copy(update={"hash": "1" * 8}) for i in BASE.items)
    [said] = refusals(BASE.model_copy(update={"items": changed})).refusals
    assert "the content of 30 items ('i0', 'i1', 'i2', ...) changed" in said


def test_prices_and_currency_matter_to_money_alone() -> None:
    other = BASE.model_copy(update={"scoring": BASE.scoring | {"prices": "q"}, "currency": "EUR"})
    assert refusals(other).refusals == ()
    assert len(refusals(other, BASE, rule("cost", not_worse_by=1)).refusals) == 2
    assert refusals(other, BASE, rule("cost", at_most=1)).refusals == ()


def test_a_metric_that_the_baseline_lacks() -> None:
    old = BASE.model_copy(update={"metrics": METRICS[1:]})
    assert "no scores of 'success'" in refusals(BASE, old).refusals[0]
    assert refusals(BASE, old, rule(at_least=0.1)).refusals == ()


def test_a_changed_prompt_can_be_accepted_and_names_its_parts() -> None:
    other = BASE.model_copy(update={"prompt": {"system prompt": "x", "decoding": "y"}, "variant": "w"})
    [said] = refusals(other).refusals
    assert "the decoding and system prompt changed" in said
    assert "variant 'v' then, 'w' now" in said
    accepted = refusals(other, BASE, accept=True)
    assert accepted.refusals == ()
    assert len(accepted.accepted) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (Message(role="user", content="Q"),)},
        {"references": ("r", "s")},
        {"facts": Facts(required=(("x",),))},
        {"abstain": True},
        {"sources": ("a",)},
    ],
    ids=lambda c: next(iter(c)),
)
def test_the_hash_of_an_item_covers_what_a_score_rests_on(change: dict[str, object]) -> None:
    assert content_hash(ITEM.model_copy(update=change)) != content_hash(ITEM)


def test_the_hash_of_an_item_leaves_out_how_it_is_grouped() -> None:
    other = ITEM.model_copy(update={"cluster": "d", "slices": {"kind": "x"}})
    assert content_hash(other) == content_hash(ITEM)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=8), st.text(max_size=20))
def test_a_file_holds_a_snapshot_whole(tmp_path_factory: pytest.TempPathFactory, values, run: str) -> None:  # type: ignore[no-untyped-def]
    written = snapshot({"success": values}, run=run.encode("utf-8", "replace").decode())
    file: Path = tmp_path_factory.mktemp("b") / "b.json"
    file.write_text(baseline_text(written), encoding="utf-8")
    assert read_baseline(file) == written
