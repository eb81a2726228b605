"""Numbers as people read them, the same in every output: rounded to what their interval supports, with unit,
interval and n. Nothing else is here, so every stage may use it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.types.results import Estimate, Unit

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_SUFFIX: dict[str, str] = {
    "rate": "%",
    "score": "",
    "s": " s",
    "ms": " ms",
    "tokens/s": " tok/s",
    "money": "",
}


@dataclass(frozen=True)
class Figure:
    """One estimate in words. ``text`` is ``n/a`` where there is no value, and ``reason`` says why."""

    text: str
    interval: str | None
    n: int
    missing: int
    about: str
    """How sure, on what and by which method: the tooltip and the text for screen readers."""
    reason: str | None = None
    sort: float | None = None

    @property
    def available(self) -> bool:
        return self.reason is None

    @property
    def full(self) -> str:
        """Value and interval in one run of text."""
        return f"{self.text} ({self.interval})" if self.interval else self.text


def symbol(currency: str) -> str:
    return _SYMBOLS.get(currency, currency + "\u00a0")


def decimals(value: float, low: float | None, high: float | None, unit: Unit) -> int:
    """Digits after the point; fewer than none round to tens or hundreds.

    One figure of the interval's half-width, two where it begins with a one or stands before the point; a value
    without an interval has three figures.
    """
    half = (high - low) / 2 if low is not None and high is not None else 0.0
    if unit == "rate":
        return 1 if 0 < half < 0.5 else 0
    scale = half if half > 0 else abs(value) / 100
    if scale == 0:
        return 2 if unit == "money" else 0
    exponent = math.floor(math.log10(scale))
    if exponent > 1:
        return 1 - exponent if half > 0 else -exponent
    digits = max(0, min(6, (1 if scale / 10**exponent < 1.95 else 0) - exponent))
    if unit == "score":
        return max(2, min(3, digits))
    if unit == "money":
        return 0 if abs(value) >= 100 or half >= 5 else max(2, digits)
    return min(digits, 3)


def plain(value: float, digits: int) -> str:
    """Digits with thousands separators and a real minus sign; never a negative zero. Below 0 ``digits`` rounds to
    tens, hundreds and so on."""
    text = f"{round(value, digits) if digits < 0 else value:,.{max(0, digits)}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", "\u2212")


def _range(ends: list[str]) -> str:
    return " to " if ends[0].startswith("\u2212") else "\u2013"


def _parts(values: list[float], digits: int, unit: Unit, currency: str, signed: bool) -> list[str]:
    before = symbol(currency) if unit == "money" else ""
    out = []
    for value in values:
        text = plain(value, digits)
        sign = "\u2212" if text.startswith("\u2212") else "+" if signed and text.strip("0.,") else ""
        out.append(sign + before + text.lstrip("\u2212"))
    return out


def figure(
    estimate: Estimate | None, unit: Unit, currency: str, confidence: float, *, signed: bool = False
) -> Figure:
    """``estimate`` as text. ``signed`` is for differences: a plus sign, and points instead of percent."""
    if estimate is None:
        reason = "not computed in this comparison"
        return Figure("n/a", None, 0, 0, reason, reason)
    basis = _basis(estimate)
    if estimate.value is None:
        reason = estimate.reason or "no value was recorded, and no reason"
        return Figure("n/a", None, estimate.n, estimate.n_missing, f"{reason}. {basis}", reason)
    times = 100.0 if unit == "rate" else 1.0
    value = estimate.value * times
    low = estimate.low * times if estimate.low is not None else None
    high = estimate.high * times if estimate.high is not None else None
    digits = decimals(value, low, high, unit)
    suffix = " points" if signed and unit == "rate" else _SUFFIX[unit]
    text = _parts([value], digits, unit, currency, signed)[0] + suffix
    if low is None or high is None:
        why = estimate.reason or "no interval: none was computed"
        return Figure(text, None, estimate.n, estimate.n_missing, f"{why}. {basis}", sort=value)
    if signed and low * high < 0:
        digits = next((d for d in range(digits, 5) if round(low, d) and round(high, d)), digits)
    ends = _parts([low, high], digits, unit, currency, False)
    interval = (" to " if signed else _range(ends)).join(ends) + (
        "%" if unit == "rate" and not signed else ""
    )
    about = f"{confidence:.0%} interval {interval}. {basis}"
    return Figure(text, interval, estimate.n, estimate.n_missing, about, sort=value)


def fine(estimate: Estimate, confidence: float, *, share: bool, signed: bool = False) -> Figure:
    """``estimate`` to two figures of its interval's half-width: large samples support more than whole percents.

    ``share`` shows percent, or with ``signed`` points.
    """
    unit: Unit = "rate" if share else "score"
    rough = figure(estimate, unit, "", confidence, signed=signed)
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return rough
    times = 100.0 if share else 1.0
    half = (estimate.high - estimate.low) / 2 * times
    digits = max(0, min(6, 1 - math.floor(math.log10(half)))) if half > 0 else 2
    suffix = " points" if share and signed else _SUFFIX[unit]
    text = _parts([estimate.value * times], digits, unit, "", signed)[0] + suffix
    ends = _parts([estimate.low * times, estimate.high * times], digits, unit, "", False)
    interval = (" to " if signed else _range(ends)).join(ends) + ("" if signed else suffix)
    about = f"{100 * confidence:.4g}% interval {interval}. {_basis(estimate)}"
    return replace(rough, text=text, interval=interval, about=about)


def _basis(estimate: Estimate) -> str:
    clusters = f" in {estimate.n_clusters:,} clusters" if estimate.n_clusters else ""
    return f"n = {estimate.n:,}{clusters}, {estimate.n_missing:,} missing. {estimate.method}".strip()


def amount(value: float, unit: Unit, currency: str) -> str:
    """The size of a difference without an interval, to two figures: 6.1 points, 0.043, 120 ms."""
    times = 100.0 if unit == "rate" else 1.0
    exponent = math.floor(math.log10(abs(value) * times)) if value else 0
    suffix = " points" if unit == "rate" else _SUFFIX[unit]
    return _parts([value * times], max(0, min(6, 1 - exponent)), unit, currency, False)[0] + suffix


def stated(
    value: float,
    unit: Unit,
    currency: str,
    digits: int | None = None,
    *,
    difference: bool = False,
    signed: bool = False,
) -> str:
    """A value as it was stated, or to ``digits``; the difference of two rates is in points."""
    size = value * (100.0 if unit == "rate" else 1.0)
    if digits is None:
        exponent = math.floor(math.log10(abs(size))) if size else 0
        digits = max(0, 5 - exponent)
        digits = next((d for d in range(digits) if math.isclose(round(size, d), size, rel_tol=1e-9)), digits)
    if unit == "money" and digits == 1:
        digits = 2
    text = _parts([size], digits, unit, currency, signed)[0]
    if unit != "rate":
        return text + _SUFFIX[unit]
    return text + ((" point" if text.lstrip("+\u2212") == "1" else " points") if difference else "%")


def judged(
    observed: Estimate, bound: float | None, limit: float, unit: Unit, currency: str, *, difference: bool
) -> tuple[str, str, str]:
    """What was observed, the bound that is sure and the limit, as ``stated`` has them: the first two to what the
    interval supports, and further where either would else read like a limit that it is not."""
    value, low, high = (
        None if v is None else v * (100.0 if unit == "rate" else 1.0)
        for v in (observed.value, observed.low, observed.high)
    )
    first = 0 if value is None else decimals(value, low, high, unit)

    def shown(x: float | None, digits: int | None) -> str:
        if x is None:
            return "n/a"
        return stated(x, unit, currency, digits, difference=difference, signed=difference)

    digits = next(
        (
            d
            for d in range(first, first + 4)
            if all(shown(x, d) != shown(limit, d) or x == limit for x in (observed.value, bound))
        ),
        first + 4,
    )
    return shown(observed.value, digits), shown(bound, digits), shown(limit, None)


def number(value: float, figures: int = 3) -> str:
    """``value`` to so many figures: 41,000, 1.2 million, 0.0025."""
    if value == 0:
        return "0"
    place = figures - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, place)
    if abs(rounded) >= 1e6:
        return f"{rounded / 1e6:,.{figures}g} million"
    text = f"{rounded:,.{max(0, place)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plural(n: int, one: str, many: str | None = None) -> str:
    """``1 item`` or ``1,200 items``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def joined(names: Sequence[str]) -> str:
    """``a``, ``a and b`` or ``a, b and c``."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""


def chance(p: float | None) -> str | None:
    """A p-value as it is printed."""
    if p is None:
        return None
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def money(value: float, currency: str, figures: int = 3) -> str:
    """An amount without an interval, to so many figures, and no zeros beyond the cents."""
    size, sign = abs(value), "\u2212" if value < 0 else ""
    if size == 0:
        return symbol(currency) + "0"
    exponent = math.floor(math.log10(size))
    if exponent >= figures:
        place = 10.0 ** (exponent - figures + 1)
        size = math.floor(size / place + 0.5) * place  # as the page's script rounds
    text = plain(size, 0 if size >= 100 else max(2, figures - 1 - exponent))
    whole, point, cents = text.partition(".")
    return sign + symbol(currency) + whole + point + cents[:2] + cents[2:].rstrip("0")


def tick(value: float, unit: Unit, currency: str, step: float) -> str:
    """A label on an axis whose ticks are ``step`` apart."""
    times = 100.0 if unit == "rate" else 1.0
    value, step = value * times, step * times
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    if unit == "money" and digits == 1:
        digits = 2
    before = symbol(currency) if unit == "money" else ""
    return before + plain(value, digits) + ("%" if unit == "rate" else "")


def count(value: float) -> str:
    """A volume to two figures: 950, 24,000, 1.2 million."""
    if value <= 0:
        return "0"
    exponent = math.floor(math.log10(value))
    rounded = round(value, 1 - exponent)
    if rounded >= 1e6:
        return f"{rounded / 1e6:,.10g} million"
    return f"{rounded:,.0f}"


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 1 h 05 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.0f} MiB"
