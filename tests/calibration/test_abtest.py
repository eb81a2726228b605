"""The small version of ``benchmarks/calibration/abtest``."""

from __future__ import annotations

import pytest

from benchmarks.calibration.abtest import World, broken, coverage, cuped, peeking

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "world",
    [
        World("yes/no", 300, 0.3, 0.05),
        World("yes/no", 60, 0.3, 0.05, rows=(1, 10), within=0.4),
        World("lognormal", 200, effect=0.2),
    ],
    ids=str,
)
def test_the_interval_for_one_look_holds_the_effect(world: World) -> None:
    assert 0.92 <= coverage(world, 300) <= 0.98


@pytest.mark.parametrize(
    "world",
    [World("yes/no", 2000), World("yes/no", 200, rows=(5, 15), within=0.3), World("lognormal", 2000)],
    ids=str,
)
def test_looking_after_every_row_fools_a_plain_interval_and_not_the_sequence(world: World) -> None:
    ours, naive = peeking(world, 200)
    assert ours <= 0.05
    assert naive > 0.2


def test_a_fair_split_is_hardly_ever_called_broken_and_an_unfair_one_is() -> None:
    assert broken(5000, 0.5, 800) <= 0.005
    assert broken(5000, 0.54, 300) > 0.9


def test_cuped_has_no_bias_and_takes_away_rho_squared() -> None:
    found = cuped(World("normal", 400, effect=0.2, rho=0.7), 300)
    assert abs(found.bias) < 3
    assert found.reduction == pytest.approx(0.49, abs=0.02)
    assert found.true_reduction == pytest.approx(0.49, abs=0.1)
    assert 0.92 <= found.coverage <= 0.98
