from __future__ import annotations

import numpy as np
import pytest

from harness.comparison.sums import summarise

NAN = float("nan")


def bell_mccaffrey(x: np.ndarray, cluster: np.ndarray) -> tuple[float, float]:
    """CR2 variance of a mean and its degrees of freedom for independent items, by the matrices of the paper."""
    n, names = len(x), np.unique(cluster)
    residual_maker = np.eye(n) - np.ones((n, n)) / n
    columns = [residual_maker @ (cluster == g) / np.sqrt(1 - (cluster == g).sum() / n) / n for g in names]
    shares = np.linalg.eigvalsh(np.array(columns) @ np.array(columns).T)
    variance = sum(float(column @ x) ** 2 for column in columns)
    return variance, float(shares.sum() ** 2 / (shares**2).sum())


def test_variance_and_degrees_match_the_matrices() -> None:
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(9), rng.integers(1, 9, 9))
    # Within each cluster the values sum to about the same, so no correlation is seen and none assumed.
    x = rng.normal(size=len(cluster))
    x -= 0.97 * np.array([x[cluster == g].mean() for g in cluster])
    sums = summarise(x[None, :], cluster)
    variance, degrees = bell_mccaffrey(x, cluster)
    assert sums.variance[0] == pytest.approx(variance)
    assert sums.degrees[0] == pytest.approx(degrees)


def test_independent_items_have_the_textbook_variance() -> None:
    x = np.random.default_rng(1).normal(size=20)
    sums = summarise(x[None, :], np.arange(20))
    assert sums.variance[0] == pytest.approx(x.var(ddof=1) / 20)
    assert (sums.degrees[0], sums.smallest_n[0]) == (pytest.approx(19), 20)


def test_equal_clusters_leave_one_degree_fewer_than_clusters_and_kish_counts_them() -> None:
    x = np.repeat(np.random.default_rng(2).normal(size=12), 5)
    sums = summarise(x[None, :], np.repeat(np.arange(12), 5))
    assert (sums.degrees[0], sums.smallest_n[0]) == (pytest.approx(11), 12)
    assert sums.variance[0] == pytest.approx(x[::5].var(ddof=1) / 12)


def test_holes_and_lone_clusters() -> None:
    values = np.array([[1.0, NAN, 3.0, NAN], [NAN] * 4, [1.0, 2.0, NAN, NAN]])
    sums = summarise(values, np.array([7, 7, 9, 4]))
    assert sums.n.tolist() == [2, 0, 2]
    assert sums.n_clusters.tolist() == [2, 0, 1]
    assert sums.mean.tolist() == [2, 0, 1.5]
    assert sums.variance.tolist() == [pytest.approx(1.0), 0, 0]
    assert sums.degrees.tolist() == [pytest.approx(1.0), 0, 0]


def test_clusters_that_agree_have_no_variance() -> None:
    sums = summarise(np.array([[0.1, 0.3, 0.2, 0.2, 0.1, 0.3]]), np.array([0, 0, 1, 1, 2, 2]))
    assert sums.variance[0] == 0


def test_degrees_for_shares_fall_with_the_clusters_that_hold_the_events() -> None:
    """Two of 100 clusters with the events leave few degrees; half of them leave all."""
    cluster = np.repeat(np.arange(100), 3)
    rare, even = np.isin(cluster, (3, 50)).astype(float), (cluster % 2).astype(float)
    sums = summarise(np.stack([rare, even]), cluster)
    residual = np.where(np.arange(100) < 2, 0.98, -0.02)
    kurtosis = (residual**4).mean() / (residual**2).mean() ** 2
    assert sums.share_degrees[0] == pytest.approx(200 / (kurtosis - 1))
    assert sums.share_degrees[0] < 6
    assert sums.share_degrees[1] == sums.degrees[1] == pytest.approx(99)
