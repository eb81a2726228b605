"""The winner's curse, and what drawing the figures in does about it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.bootstrap import Resampler
from harness.comparison.shrinkage import shrink_winner
from harness.comparison.table import Matrix
from harness.types.results import Shrinkage


def shrink(
    values: list[list[float]] | np.ndarray, winner: int = 0, cluster: np.ndarray | None = None
) -> Shrinkage:
    array = np.asarray(values, dtype=np.float64)
    rows, columns = array.shape
    matrix = Matrix(
        array, np.isnan(array), np.full(array.shape, -1, dtype=np.int32), (),
        np.arange(columns) if cluster is None else cluster,
    )  # fmt: skip
    names = tuple(f"v{i}" for i in range(rows))
    return shrink_winner(matrix, names, names[winner], Resampler(0, "all"))


def test_the_factor_is_that_of_efron_and_morris() -> None:
    """With independent items the noise is the variance of each distance from the mean, known in closed form."""
    rng = np.random.default_rng(1)
    values = (rng.random((6, 400)) < np.array([0.5, 0.52, 0.55, 0.58, 0.6, 0.62])[:, None]).astype(float)
    found = shrink(values, 5)
    apart = values - values.mean(axis=0)
    noise = (apart.var(axis=1, ddof=1) / 400).sum() / 5
    spread = ((values.mean(axis=1) - values.mean()) ** 2).sum()
    assert found.factor == pytest.approx(1 - 3 * noise / spread, abs=0.02)
    assert found.raw == pytest.approx(values[5].mean())
    assert found.shrunk == pytest.approx(values.mean() + found.factor * (values[5].mean() - values.mean()))


@pytest.mark.slow
def test_on_average_it_mends_the_winners_figure() -> None:
    """Eight variants that are truly equal: the best of them looks better than it is, the shrunk figure does not."""
    rng = np.random.default_rng(2)
    raw, shrunk = [], []
    for _ in range(120):
        values = (rng.random((8, 150)) < 0.5).astype(float)
        found = shrink(values, int(values.mean(axis=1).argmax()))
        raw.append(found.raw)
        shrunk.append(found.shrunk)
    assert np.mean(raw) - 0.5 > 0.04
    assert abs(np.mean(shrunk) - 0.5) < 0.5 * (np.mean(raw) - 0.5)


def test_clear_differences_stay() -> None:
    values = [
        [1.0] * 90 + [0.0] * 10,
        [1.0] * 60 + [0.0] * 40,
        [1.0] * 30 + [0.0] * 70,
        [1.0] * 5 + [0.0] * 95,
    ]
    found = shrink(values)
    assert found.factor is not None
    assert found.factor > 0.95


def test_the_difficulty_of_the_items_is_no_noise() -> None:
    """Variants that agree on every item but a few differ surely, however hard the items are."""
    base = [float(i % 2) for i in range(200)]
    values = [[1.0] * 40 + base[40:], base, base, [0.0] * 40 + base[40:]]
    found = shrink(values)
    assert found.factor is not None
    assert found.factor > 0.9


def test_clusters_make_more_noise() -> None:
    rng = np.random.default_rng(3)
    values = np.repeat((rng.random((5, 40)) < np.linspace(0.4, 0.6, 5)[:, None]).astype(float), 5, axis=1)
    alone, together = shrink(values, 4), shrink(values, 4, np.repeat(np.arange(40), 5))
    assert together.factor is not None
    assert alone.factor is not None
    assert together.factor < alone.factor


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], "it takes 4 variants"),
        ([[1.0, np.nan], [np.nan, 1.0], [1.0, 1.0], [0.0, 0.0]], "no item was answered by all"),
        ([[1.0], [0.0], [1.0], [0.0]], "one cluster"),
    ],
)
def test_where_it_cannot_be_told_a_reason_is(values: list[list[float]], reason: str) -> None:
    found = shrink(values)
    assert found.shrunk is None
    assert found.reason is not None
    assert reason in found.reason


def test_a_variant_without_a_value_takes_no_part() -> None:
    values = [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [np.nan] * 3]
    assert shrink(values).n_variants == 3
    equal = shrink([[1.0, 0.0]] * 4)
    assert (equal.raw, equal.shrunk, equal.factor) == (0.5, 0.5, 1.0)
