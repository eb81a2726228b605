"""Judges of pairs with known faults, and what is said of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.comparison.agreement import validate_pairs
from harness.comparison.intervals import wilson
from harness.types.agreement import PairValidation
from harness.types.judging import PairJudgement, PreferencePair, Side

OTHER: dict[Side, Side] = {"a": "b", "b": "a", "tie": "tie"}


def pair(k: int, label: Side | None, **other: Any) -> PreferencePair:
    given = {"a": "short", "b": "short", "annotators": {"author": label} if label else {}}
    return PreferencePair(id=f"p{k}", input="?", label=label, **given | other)


def said(
    k: int, forward: Side | None, backward: Side | None = None, failure: str | None = None
) -> PairJudgement:
    backward = forward if backward is None and forward else backward
    return PairJudgement(id=f"p{k}", forward=forward, backward=backward, failure=failure)


def check(pairs: list[PreferencePair], judgements: list[PairJudgement], **other: Any) -> PairValidation:
    given: dict[str, Any] = {"floor": 0.8, "rng": np.random.default_rng(0)}
    return validate_pairs("j", pairs, judgements, **given | other)


def mixed(n: int = 100) -> list[Side]:
    return ["a" if k % 2 else "b" for k in range(n)]


def test_a_good_judge_is_trusted_and_its_errors_are_listed() -> None:
    labels = mixed()
    choices = [OTHER[v] if k % 20 == 0 else v for k, v in enumerate(labels)]
    found = check([pair(k, v) for k, v in enumerate(labels)], [said(k, v) for k, v in enumerate(choices)])
    assert found.accuracy.value == 0.95
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx(wilson(0.95, 100))
    assert found.trust.status == "trusted"
    assert found.trust.sentence.startswith("Trusted: it judges 95% of 100 labelled pairs as labelled")
    assert [d.id for d in found.disagreements] == ["p0", "p20", "p40", "p60", "p80"]
    assert found.confusion.counts == ((50, 0, 0, 0), (5, 45, 0, 0), (0, 0, 0, 0))
    assert [c.recall.value for c in found.classes] == [1.0, 0.9, None]
    assert found.balanced.value == pytest.approx(0.95)
    assert found.kappa.value == pytest.approx(0.9)
    assert found.position.consistency.value == 1
    assert found.labels_by == "author"
    assert found.people is None
    assert found.diagnoses == ()


def test_a_judge_that_says_the_first_whatever_it_is_shown() -> None:
    labels = mixed()
    found = check([pair(k, v) for k, v in enumerate(labels)], [said(k, "a", "b") for k in range(100)])
    assert found.position.always_first.value == 1
    assert found.position.favours == "first"
    assert found.accuracy.value == 0  # all its choices are ties
    assert found.decided.value == 0.5
    assert found.trust.status == "below floor"
    assert found.diagnoses[0] == "Says the first whatever it is shown: in 100% of pairs, in both orders."
    assert found.disagreements[0].reason == "the two orders disagree"


def test_failures_are_wrong_and_counted_by_kind() -> None:
    labels = mixed()
    judgements = [
        said(k, None, None, "timeout: 30 s") if k % 3 == 0 else said(k, v) for k, v in enumerate(labels[:-1])
    ]
    found = check([pair(k, v) for k, v in enumerate(labels)], judgements)
    assert found.n_failed == 34
    assert found.accuracy.value == pytest.approx(0.66)
    assert found.answered.value == 1
    assert [(f.kind, f.count) for f in found.failures] == [("timeout", 33), ("not judged", 1)]
    assert found.diagnoses[0] == "Fails to answer in 34% of 100 cases, most often: timeout."


def test_ties_are_a_class_of_their_own() -> None:
    labels: list[Side] = ["tie"] * 20 + ["a"] * 20
    found = check(
        [pair(k, v) for k, v in enumerate(labels)], [said(k, "tie" if k < 30 else "a") for k in range(40)]
    )
    assert found.accuracy.value == 0.75
    assert found.decided.value == 0.75  # of the 20 that are labelled a, ten ties count half
    assert found.confusion.counts == ((10, 0, 10, 0), (0, 0, 0, 0), (0, 0, 20, 0))


def test_a_judge_that_prefers_the_longer_answer() -> None:
    rng = np.random.default_rng(1)
    labels: list[Side] = ["a" if v else "b" for v in rng.random(200) < 0.5]
    lengths = rng.integers(20, 200, (200, 2))
    pairs = [pair(k, v, a="x" * int(lengths[k, 0]), b="x" * int(lengths[k, 1])) for k, v in enumerate(labels)]
    longer: list[Side] = ["a" if a > b else "b" for a, b in lengths]
    choices = [v if k % 2 else longer[k] for k, v in enumerate(labels)]
    found = check(pairs, [said(k, v) for k, v in enumerate(choices)])
    assert found.length.prefers == "longer"
    assert found.length.judge.low > 0  # type: ignore[operator]
    assert found.length.label.low < 0 < found.length.label.high  # type: ignore[operator]
    assert any(d.startswith("Prefers the longer answer") for d in found.diagnoses)
    fair = check(pairs, [said(k, v) for k, v in enumerate(labels)])
    assert fair.length.prefers == "neither"


def test_a_judge_that_prefers_its_own() -> None:
    labels = mixed(80)
    writers = [
        {"writer_a": "me", "writer_b": "other"} if k % 4 < 2 else {"writer_a": "other", "writer_b": "me"}
        for k in range(80)
    ]
    pairs = [pair(k, v, slices=writers[k]) for k, v in enumerate(labels)]
    choices: list[Side] = ["a" if w["writer_a"] == "me" else "b" for w in writers]
    found = check(pairs, [said(k, v) for k, v in enumerate(choices)], own="me").self_preference
    assert found is not None
    assert (found.judged.value, found.labelled.value) == (1.0, 0.5)
    assert found.difference.low > 0.3  # type: ignore[operator]
    assert check(pairs, []).self_preference is None


def test_people_and_slices() -> None:
    labels = mixed(60)
    pairs = [
        pair(
            k,
            v,
            annotators={"ann": v, "bob": v if k % 5 else OTHER[v]},
            slices={"kind": "old" if k < 30 else "new"},
        )
        for k, v in enumerate(labels)
    ]
    found = check(pairs, [said(k, v if k < 30 else OTHER[v]) for k, v in enumerate(labels)])
    assert found.labels_by == "people"
    assert found.people is not None
    assert found.people.between.value == pytest.approx(0.8)
    assert [(s.slice, s.accuracy.value) for s in found.slices] == [("kind=new", 0.0), ("kind=old", 1.0)]
    assert found.diagnoses[-1] == "Is below the floor on kind=new: right in 0% of 30 cases."


def test_pairs_of_one_cluster_are_one_piece_of_evidence() -> None:
    labels = mixed()
    pairs = [pair(k, v, slices={"fact": str(k // 10)}) for k, v in enumerate(labels)]
    judgements = [said(k, v if k // 10 != 3 else OTHER[v]) for k, v in enumerate(labels)]
    alone, together = (check(pairs, judgements, cluster=key) for key in (None, "fact"))
    assert together.accuracy.low < alone.accuracy.low  # type: ignore[operator]
    assert (alone.trust.status, together.trust.status) == ("trusted", "too few labels")
    assert together.slices == ()


def test_without_labels_nothing_is_known() -> None:
    found = check([pair(0, None), pair(1, None)], [said(0, "a"), said(1, "a", "b")])
    assert found.accuracy.value is None
    assert found.trust.status == "too few labels"
    assert found.position.consistency.value == 0.5
    assert check([], []).n_pairs == 0
