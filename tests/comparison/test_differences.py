from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from scipy import stats

from harness.comparison.differences import Gap, judged, weigh
from harness.comparison.estimate import Rows, analytic_estimates
from harness.types.results import Difference
from harness.types.settings import VariantSpec

from .factories import metric, scenario


def difference(
    values: np.ndarray, cluster: np.ndarray | None = None, margins: dict[str, float] | None = None, **how: str
) -> Difference:
    numbers = np.arange(len(values)) if cluster is None else cluster
    rows = Rows(
        values[None, :],
        numbers,
        (0,),
        ("nothing",),
        how.get("statistic", "mean"),
        how.get("support", "signed"),  # type: ignore[arg-type]
    )
    (estimate,) = analytic_estimates(rows)
    (evidence,) = weigh(rows, [estimate])
    given = scenario(margins=margins or {})
    return judged([Gap("b", metric("success"), "all", estimate, evidence)], given)[0]


def test_detectable_difference_is_found_with_the_stated_power() -> None:
    """As many items drawn with a true difference of that size are significant in about 80%."""
    rng = np.random.default_rng(0)
    d = rng.choice([-1.0, 0, 1], p=[0.15, 0.7, 0.15], size=400)
    found = difference(d).minimum_detectable
    assert found is not None
    up, down = 0.15 + found / 2, 0.15 - found / 2
    hits = 0
    for draw in rng.choice([-1.0, 0, 1], p=[down, 0.7, up], size=(300, 400)):
        e = difference(draw).estimate
        hits += e.low is not None and e.low > 0
    assert hits / 300 == pytest.approx(0.8, abs=0.07)


def test_detectable_difference_and_items_needed_by_the_textbook() -> None:
    x = np.random.default_rng(1).normal(size=2000)
    d = difference(x, margins={"success": 0.03}, support="unbounded")
    expected = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * stats.sem(x)
    assert d.minimum_detectable == pytest.approx(expected, rel=2e-3)
    assert d.items_needed == ceil(2000 * (d.minimum_detectable / 0.03) ** 2)
    assert d.margin == 0.03


def test_clusters_that_agree_need_as_many_times_more_items() -> None:
    rng = np.random.default_rng(2)
    own = rng.choice([-1.0, 0, 1], p=[0.2, 0.6, 0.2], size=200)
    alone = difference(own, margins={"success": 0.05})
    alike = difference(np.repeat(own, 5), np.repeat(np.arange(200), 5), margins={"success": 0.05})
    assert alone.items_needed is not None
    assert alike.items_needed == pytest.approx(5 * alone.items_needed, rel=0.01)
    assert alike.minimum_detectable == pytest.approx(alone.minimum_detectable)


def test_twins_still_say_what_they_could_have_shown() -> None:
    d = difference(np.zeros(30), margins={"success": 0.05})
    assert (d.p_value, d.p_holm, d.verdict) == (1, 1, "inconclusive")
    assert d.minimum_detectable == pytest.approx(0.1135 * 2.8016 / 1.96, rel=1e-3)
    assert d.items_needed is not None
    assert difference(np.zeros(30)).items_needed is None


def test_a_median_is_tested_by_the_signs() -> None:
    d = difference(np.arange(1.0, 13) - 2.5, statistic="median", support="unbounded")
    assert d.p_value == pytest.approx(stats.binomtest(2, 12).pvalue)
    assert d.minimum_detectable is not None


def test_no_difference_has_no_test() -> None:
    d = difference(np.full(3, np.nan))
    assert (d.p_value, d.p_holm, d.minimum_detectable, d.verdict) == (None, None, None, "unknown")


def test_variants_of_the_primary_family_pay_for_each_other() -> None:
    variants = (VariantSpec(name="prompt"), VariantSpec(name="b"), VariantSpec(name="c"))
    values = np.array([[1.0] * 9 + [-1.0] * 1 + [0.0] * 20, [1.0] * 6 + [0.0] * 24])
    rows = Rows(values, np.arange(30), (0, 0), ("", ""), "mean", "signed")
    estimates = analytic_estimates(rows)
    evidence = weigh(rows, estimates)
    names = zip("bc", estimates, evidence, strict=True)
    gaps = [Gap(name, metric("success"), "all", e, seen) for name, e, seen in names]
    both = judged(gaps, scenario(variants))
    assert [d.p_value for d in both] == pytest.approx([22 / 1024, 2 / 64])
    assert [d.p_holm for d in both] == pytest.approx([44 / 1024, 44 / 1024])
    assert judged(gaps[1:], scenario(variants))[0].p_holm == pytest.approx(2 / 64)
