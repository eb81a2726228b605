"""Numbers in words."""

from __future__ import annotations

import pytest

from harness.figures import (
    amount,
    chance,
    count,
    duration,
    figure,
    fine,
    joined,
    judged,
    money,
    number,
    plural,
    stated,
    tick,
)
from harness.types.results import Estimate


def made(value: float | None, low: float | None, high: float | None, reason: str | None = None) -> Estimate:
    return Estimate(
        value=value, low=low, high=high, n=200, n_missing=3, n_clusters=150, method="mean", reason=reason
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "signed", "expected"),
    [
        (0.6231, 0.554, 0.691, "rate", False, "62% (55–69%)"),
        (0.9981, 0.9962, 0.9991, "rate", False, "99.8% (99.6–99.9%)"),
        (0.062, -0.004, 0.128, "rate", True, "+6 points (−0.4 to 12.8)"),
        (-0.09, -0.14, -0.03, "rate", True, "−9 points (−14 to −3)"),
        (1.2372, 1.091, 1.402, "s", False, "1.24 s (1.09–1.40)"),
        (2.4, 2.07, 2.74, "s", False, "2.4 s (2.1–2.7)"),
        (0.446, 0.414, 0.481, "money", False, "$0.45 ($0.41–$0.48)"),
        (0.0613, 0.056, 0.065, "money", False, "$0.061 ($0.056–$0.065)"),
        (46.73, -59.04, 163.2, "money", False, "$50 (−$60 to $160)"),
        (1234.5, 1100.0, 1390.0, "money", False, "$1,230 ($1,100–$1,390)"),
        (21_756.0, 18_421.0, 25_913.0, "money", False, "$21,800 ($18,400–$25,900)"),
        (3_456_789.0, None, None, "money", False, "$3,460,000"),
        (1234.5, 1020.0, 1480.0, "ms", False, "1,230 ms (1,020–1,480)"),
        (0.512, 0.48, 0.55, "score", False, "0.51 (0.48–0.55)"),
        (0.0, 0.0, 0.0, "rate", False, "0% (0–0%)"),
    ],
)
def test_rounding(
    value: float, low: float | None, high: float | None, unit: str, signed: bool, expected: str
) -> None:
    shown = figure(made(value, low, high), unit, "USD", 0.95, signed=signed)  # type: ignore[arg-type]
    assert shown.full == expected


def test_a_missing_value_says_why_and_is_no_number() -> None:
    shown = figure(made(None, None, None, "no sources named"), "rate", "USD", 0.95)
    assert shown.text == "n/a"
    assert shown.reason == "no sources named"
    assert "3 missing" in shown.about
    assert shown.sort is None


def test_a_value_without_interval_says_so() -> None:
    shown = figure(made(0.5, None, None, "no interval: too few items"), "rate", "USD", 0.95)
    assert shown.interval is None
    assert "too few items" in shown.about


def test_an_unknown_currency_is_named() -> None:
    assert money(12.4, "CHF") == "CHF\u00a012.40"
    assert money(0.096, "USD") == "$0.096"
    assert money(0, "EUR") == "€0"


def test_counts_durations_and_ticks() -> None:
    assert [count(v) for v in (950, 24_310, 1_234_567)] == ["950", "24,000", "1.2 million"]
    assert [duration(v) for v in (4.2, 59.6, 200, 3900)] == [
        "4.2 s",
        "1 min 00 s",
        "3 min 20 s",
        "1 h 05 min",
    ]
    assert [tick(v, "money", "USD", v) for v in (0.05, 0.1, 3, 100)] == ["$0.05", "$0.10", "$3", "$100"]


def test_amounts_and_chances() -> None:
    assert amount(0.0612, "rate", "USD") == "6.1 points"
    assert amount(0.34, "rate", "USD") == "34 points"
    assert amount(0.0434, "score", "USD") == "0.043"
    assert amount(0.00012, "money", "USD") == "$0.00012"
    assert amount(0.0, "s", "USD") == "0.0 s"
    assert [chance(p) for p in (None, 1e-9, 0.0123, 0.456, 1)] == [None, "< 0.001", "0.012", "0.46", "1.00"]


def test_money_without_an_interval_has_three_figures_or_as_many_as_asked() -> None:
    assert [money(v, "USD") for v in (21_756, -999.6, 12_350, 0.0473)] == [
        "$21,800",
        "−$1,000",
        "$12,400",
        "$0.0473",
    ]
    assert [money(v, "USD", 2) for v in (21_756, 4.7)] == ["$22,000", "$4.70"]
    assert money(1234.5, "USD", 6) == "$1,234"


@pytest.mark.parametrize(
    ("value", "unit", "difference", "signed", "expected"),
    [
        (0.8, "rate", False, False, "80%"),
        (0.125, "rate", False, False, "12.5%"),
        (0.01, "rate", True, False, "1 point"),
        (-0.05, "rate", True, True, "−5 points"),
        (0.5, "money", False, False, "$0.50"),
        (21_756.25, "money", False, False, "$21,756.25"),
        (0.1 + 0.2, "s", True, True, "+0.3 s"),
        (0, "score", False, False, "0"),
    ],
)
def test_a_limit_is_said_as_it_was_stated(
    value: float, unit: str, difference: bool, signed: bool, expected: str
) -> None:
    shown = stated(value, unit, "USD", difference=difference, signed=signed)  # type: ignore[arg-type]
    assert shown == expected


def test_a_bound_that_misses_the_limit_never_reads_like_it() -> None:
    of = made(0.83, 0.7996, 0.86)
    assert judged(of, 0.7996, 0.8, "rate", "USD", difference=False) == ("83.00%", "79.96%", "80%")
    assert judged(of, 0.76, 0.8, "rate", "USD", difference=False) == ("83%", "76%", "80%")
    assert judged(made(0.8, 0.8, 0.8), 0.8, 0.8, "rate", "USD", difference=False) == ("80%", "80%", "80%")
    nothing = made(None, None, None, "no item here")
    assert judged(nothing, None, -0.05, "rate", "USD", difference=True) == ("n/a", "n/a", "−5 points")


def test_names_and_counts_in_a_sentence() -> None:
    assert [joined(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [plural(n, "item") for n in (0, 1, 1200)] == ["0 items", "1 item", "1,200 items"]
    assert [number(v) for v in (0, 41_000, 1_234_567, 0.0025)] == ["0", "41,000", "1.23 million", "0.0025"]


def test_large_samples_are_shown_to_two_figures_of_their_interval() -> None:
    found = Estimate(value=0.0221, low=0.0108, high=0.0333, n=9, n_missing=0, n_clusters=9, method="m")
    assert fine(found, 0.95, share=True, signed=True).full == "+2.2 points (1.1 to 3.3)"
    assert fine(found, 0.95, share=True).full == "2.2% (1.1–3.3%)"
    tight = found.model_copy(update={"low": 0.0219, "high": 0.0223})
    assert fine(tight, 0.95, share=True, signed=True).full == "+2.210 points (2.190 to 2.230)"
    assert fine(tight, 0.95, share=False, signed=True).full == "+0.02210 (0.02190 to 0.02230)"
    bare = found.model_copy(update={"low": None, "high": None, "reason": "too few"})
    assert fine(bare, 0.95, share=True, signed=True).interval is None
