from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.multiplicity import adjust, family, holm


@pytest.mark.parametrize("n", [1, 2, 5, 30])
@pytest.mark.slow
def test_holm_matches_statsmodels(n: int) -> None:
    from statsmodels.stats.multitest import multipletests

    p_values = (np.random.default_rng(n).random(n) ** 3).round(2).tolist()
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_families() -> None:
    assert family("success", "all", "success") != family("f1", "all", "success")
    assert family("latency", "all", "success") == family("f1", "all", "success")
    assert family("success", "topic=a", "success") == family("f1", "topic=b", "success")
    assert family("success", "topic=a", "success") != family("success", "kind=a", "success")


def test_families_do_not_pay_for_each_other_and_untested_ones_do_not_count() -> None:
    found = adjust([0.02, 0.02, None, 0.02, 0.5], ["one", "two", "two", "two", "two"])
    assert found == [0.02, pytest.approx(0.06), None, pytest.approx(0.06), 0.5]
