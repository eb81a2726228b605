from __future__ import annotations

import pytest

from harness.gate.looks import TOTAL_ALPHA, look_alpha, look_number
from harness.types.verdict import Look


def entry(candidate: str, data: str, look: int) -> Look:
    return Look(candidate=candidate, data=data, look=look, alpha=look_alpha(look), status="pass", time="t")


def test_all_looks_together_spend_no_more_than_the_total() -> None:
    spent = sum(look_alpha(k) for k in range(1, 100_000))
    assert spent <= TOTAL_ALPHA
    assert spent == pytest.approx(TOTAL_ALPHA, abs=1e-6)
    assert sum(look_alpha(k) for k in range(1, 21)) < TOTAL_ALPHA


def test_later_looks_spend_less() -> None:
    alphas = [look_alpha(k) for k in range(1, 30)]
    assert alphas == sorted(alphas, reverse=True)
    assert alphas[0] == 0.04


def test_there_is_no_look_0() -> None:
    with pytest.raises(ValueError, match="counted from 1"):
        look_alpha(0)


def test_the_same_data_is_the_same_look() -> None:
    history = [entry("a", "x", 1), entry("a", "y", 2), entry("b", "x", 1)]
    assert look_number([], "a", "x") == 1
    assert look_number(history, "a", "x") == 1
    assert look_number(history, "a", "y") == 2
    assert look_number(history, "a", "z") == 3
    assert look_number(history, "b", "z") == 2
    assert look_number(history, "c", "x") == 1
