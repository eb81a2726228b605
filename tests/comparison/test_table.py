from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from harness.comparison.table import NO_ROW, build_table
from harness.errors import HarnessError

from .factories import items, scores


def test_holes_are_missing_or_not_applicable() -> None:
    rows = scores("m", {"a": [1, None, 0]}) + scores("m", {"b": [None, 1, 1]}, "not applicable: no retrieval")
    matrix = build_table(["a", "b"], items(3), rows, ()).metrics["m"]
    assert matrix.missing.tolist() == [[False, True, False], [False, False, False]]
    assert np.isnan(matrix.values).tolist() == [[False, True, False], [True, False, False]]
    assert matrix.why_empty(0) == "timed out"
    assert matrix.why_empty(1) == "not applicable: no retrieval"


def test_scope_is_where_any_variant_has_a_row() -> None:
    rows = scores("latency", {"a": [1, 2], "b": [3]})
    matrix = build_table(["a", "b", "c"], items(5), rows, ()).metrics["latency"]
    assert matrix.missing.sum(axis=1).tolist() == [0, 1, 2]
    assert matrix.why_empty(2) == NO_ROW


def test_repeats_are_averaged_and_a_failed_one_does_not_hide_the_other() -> None:
    rows = scores("m", {"a": [1, None]}) + scores("m", {"a": [0, 1]}, repeat=1)
    matrix = build_table(["a"], items(2), rows, ()).metrics["m"]
    assert matrix.values.tolist() == [[0.5, 1.0]]
    assert not matrix.missing.any()


def test_failure_outweighs_not_applicable() -> None:
    na = scores("m", {"a": [None]}, "not applicable: x", repeat=1)
    for rows in (scores("m", {"a": [None]}) + na, na + scores("m", {"a": [None]}, repeat=2)):
        assert build_table(["a"], items(1), rows, ()).metrics["m"].missing.all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_no_score(value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        scores("m", {"a": [value]})


def test_slices_and_unknown_variants() -> None:
    rows = scores("m", {"a": [1, 0, 1], "gone": [1, 1, 1]})
    table = build_table(["a"], items(3, topic=("x", "y")), rows, ("topic", "nowhere"))
    assert {name: mask.sum() for name, mask in table.slices.items()} == {"all": 3, "topic=x": 2, "topic=y": 1}
    part = table.matrix("m", "topic=x")
    assert part is not None
    assert part.values.tolist() == [[1, 1]]
    assert table.matrix("other") is None


def test_mixed_or_doubled_data_is_refused() -> None:
    with pytest.raises(HarnessError, match="not among the items"):
        build_table(["a"], items(1), scores("m", {"a": [1, 1]}), ())
    with pytest.raises(HarnessError, match="two scores of m"):
        build_table(["a"], items(1), scores("m", {"a": [1]}) * 2, ())
    with pytest.raises(HarnessError, match="share an id"):
        build_table(["a"], items(1) * 2, [], ())
