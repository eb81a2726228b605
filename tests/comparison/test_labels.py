"""What more labels would buy."""

from __future__ import annotations

import pytest

from harness.comparison.intervals import wilson
from harness.comparison.labels import half_width


def test_more_labels_narrow_as_they_should() -> None:
    low, high = wilson(31 / 52, 150)
    labels = [1.0] * 30 + [0.0] * 20
    assert half_width(labels, 100) == pytest.approx((high - low) / 2)
    assert half_width(labels, 50) > half_width(labels, 100) > half_width(labels, 200) > 0


def test_it_is_known_before_the_first_label() -> None:
    assert half_width([], 100) == pytest.approx(0.096, abs=0.001)
    assert 0 < half_width([1.0] * 5, 100) < half_width([], 100)
