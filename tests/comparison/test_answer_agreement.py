"""Judges of single answers, passed or failed and by a rubric."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.comparison.answer_agreement import validate_answers
from harness.errors import InputError
from harness.types.agreement import AnswerValidation
from harness.types.judging import AnswerLabel


def label(k: int, value: float | None, **other: Any) -> AnswerLabel:
    given: dict[str, Any] = {"item": f"i{k}", "annotators": {} if value is None else {"author": value}}
    return AnswerLabel(id=f"l{k}", input="?", answer="x", label=value, **given | other)


def check(labels: list[AnswerLabel], judged: list[float | None], **other: Any) -> AnswerValidation:
    given: dict[str, Any] = {"failures": {}, "floor": 0.8, "rng": np.random.default_rng(0)}
    return validate_answers(
        "j", labels, {lab.id: v for lab, v in zip(labels, judged, strict=True)}, **given | other
    )


def test_passed_or_failed() -> None:
    """60 good of which 57 are seen, 40 bad of which 30 are."""
    true = [1.0] * 60 + [0.0] * 40
    judged: list[float | None] = [0.9] * 57 + [0.1] * 3 + [0.2] * 30 + [0.8] * 10
    found = check([label(k, v) for k, v in enumerate(true)], judged)
    assert found.accuracy.value == 0.87
    assert found.sensitivity.value == 0.95
    assert found.specificity.value == 0.75
    assert found.balanced.value == pytest.approx(0.85)
    assert found.confusion.counts == ((30, 10, 0), (3, 57, 0))
    assert len(found.disagreements) == 13
    assert found.kappa.value == pytest.approx((0.87 - 0.534) / (1 - 0.534))
    assert [(b.judged, b.n) for b in found.calibration] == [
        (pytest.approx(v), n) for v, n in ((0.1, 3), (0.2, 30), (0.8, 10), (0.9, 57))
    ]
    assert found.calibration_error == pytest.approx((3 * 0.9 + 30 * 0.2 + 10 * 0.8 + 57 * 0.1) / 100)
    assert found.bias.value == pytest.approx(sum(v or 0 for v in judged) / 100 - 0.6)
    assert found.trust.status == "too few labels"


def test_a_judge_that_passes_everything() -> None:
    found = check([label(k, float(k % 2)) for k in range(100)], [1.0] * 100)
    assert found.accuracy.value == 0.5
    assert found.trust.status == "below floor"
    assert "Calls every answer good, whatever it is shown." in found.diagnoses
    assert any("too lenient by 50 points" in d for d in found.diagnoses)


def test_failures_count_as_wrong() -> None:
    labels = [label(k, float(k % 2)) for k in range(40)]
    judged = [None if k < 10 else float(k % 2) for k in range(40)]
    found = check(labels, judged, failures={f"l{k}": "refused: sorry" for k in range(10)})
    assert found.accuracy.value == 0.75
    assert found.answered.value == 1
    assert [(f.kind, f.count) for f in found.failures] == [("refused", 10)]
    assert [sum(row) for row in found.confusion.counts] == [20, 20]
    assert found.disagreements[0].reason == "refused: sorry"


def test_a_rubric_is_judged_by_threshold_and_by_distance() -> None:
    true = [1.0, 2.0, 3.0, 4.0, 5.0] * 12
    judged = [min(5.0, v + (k % 3 == 0)) for k, v in enumerate(true)]
    found = check(
        [
            label(k, v, criterion="tone", annotators={"ann": v, "bob": max(1.0, v - (k % 2))})
            for k, v in enumerate(true)
        ],
        judged,
    )
    assert found.threshold == 4
    assert 0.8 < (found.kappa.value or 0) < 1
    assert found.kappa.method.endswith("quadratic weights")
    assert found.bias.value == pytest.approx(np.mean(np.array(judged) - true))
    assert any("too lenient by 0.3 on the scale of 1 to 5" in d for d in found.diagnoses)
    assert found.people is not None
    assert found.people.alpha.value is not None
    assert len(found.confusion.counts) == 5
    assert found.labels_by == "people"


def test_labels_of_one_item_belong_together() -> None:
    labels = [label(k, float(k % 2), item=f"i{k // 10}") for k in range(100)]
    judged = [float(k % 2) if k // 10 != 3 else 1.0 - k % 2 for k in range(100)]
    found = check(labels, judged)
    assert found.accuracy.n_clusters == 10
    assert found.accuracy.low < 0.75  # type: ignore[operator]
    assert check(labels, judged, clusters={f"i{k}": "same" for k in range(10)}).accuracy.n_clusters == 1


def test_two_criteria_are_refused_and_none_is_nothing() -> None:
    with pytest.raises(InputError, match="2 criteria"):
        check([label(0, 1.0), label(1, 3.0, criterion="tone")], [1.0, 3.0])
    found = check([label(0, None)], [None])
    assert (found.n_labels, found.accuracy.value, found.calibration_error) == (0, None, None)


def test_where_nearly_all_labels_are_the_same_an_accuracy_is_put_in_its_place() -> None:
    labels = [label(k, float(k < 8)) for k in range(100)]
    found = check(labels, [float(k < 6 or k == 50) for k in range(100)])
    assert found.accuracy.value == pytest.approx(0.97)
    said = [d for d in found.diagnoses if d.startswith("92% of the answers are labelled bad")]
    assert len(said) == 1
    assert "Cohen's kappa, 0.78" in said[0]
    even = [label(k, float(k % 2)) for k in range(100)]
    assert not any("are labelled" in d for d in check(even, [float(k % 2) for k in range(100)]).diagnoses)
