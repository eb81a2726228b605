from __future__ import annotations

from datetime import date

import pytest

from harness.comparison.ledger import ledger
from harness.comparison.model import terms_of
from harness.comparison.utility import outcome
from harness.types.answers import Usage
from harness.types.economics import Economics
from harness.types.settings import Choice
from harness.types.tokens import StatedTokens, TokenTier

from .factories import economics, training
from .test_utility import variant

USED = Usage(
    requests=50, prompt_tokens=400, output_tokens=100, machine_s=1.0, retrieval_s=0.1, attempts=1.25, token_source=None,
    index_s=None,
)  # fmt: skip


def total(terms: Economics, name: str, usage: Usage | None, **fields: float) -> tuple[float, float]:
    """Sum of the lines, and the bill of a month by the arithmetic of the decision."""
    known = training(seconds=1800, examples=10) if fields.get("training_hours") else None
    v = variant(name, per_request=None, **fields)
    lines = ledger(v, terms_of(terms, Choice()), terms, usage, known)
    found = outcome(v, terms_of(terms, Choice()), "USD").per_month
    assert found is not None
    return sum(line.per_month for line in lines), found


def test_the_lines_add_up_to_the_bill() -> None:
    given = economics(example_price=2.0, people_hours_per_month={"lora": 3}, people_price_per_hour=40)
    lines, bill = total(given, "lora", USED, machine_s=1.25, training_hours=0.5, other_once=20, per_month=120)
    assert lines == pytest.approx(bill)
    # 1.25 s at 3.6 an hour and half used, 0.5 h at 3.6 and 20 of labels every three months, 120 of people.
    assert bill == pytest.approx(10_000 * 0.0025 + (1.8 + 20) / 3 + 120)


def test_each_line_says_what_it_is_and_where_it_comes_from() -> None:
    given = economics(example_price=2.0)
    v = variant("lora", machine_s=1.25, training_hours=0.5, other_once=20)
    lines = ledger(v, terms_of(given, Choice()), given, USED, training(seconds=1800, examples=10))
    found = {line.what: line for line in lines}
    assert list(found) == ["Labelling", "Training", "Serving", "Retries"]
    assert (found["Labelling"].quantity, found["Labelling"].amount) == (10, 20)
    assert (found["Training"].quantity, found["Training"].unit) == (0.5, "machine hours")
    assert found["Training"].source == "measured on box; box, list, 2025-01-01"
    assert found["Serving"].amount == pytest.approx(0.002)
    assert "busy 50%" in found["Serving"].source
    assert found["Retries"].amount == pytest.approx(0.0005)


def test_an_api_is_paid_by_tokens() -> None:
    prices = StatedTokens(
        kind="stated", tiers=(TokenTier(input=1, output=4),), as_of=date(2026, 1, 1), source="a contract"
    )
    given = economics(tokens={"api": prices})
    usage = USED.model_copy(update={"attempts": 1.0, "token_source": "a contract, 2026-01-01"})
    v = variant("api", machine_s=0.0, other_per_request=0.0008)
    (line,) = ledger(v, terms_of(given, Choice()), given, usage, None)
    assert (line.what, line.quantity) == ("Tokens", 500)
    assert line.per_month == pytest.approx(8)
    assert line.source == "400 in and 100 out, measured; a contract, 2026-01-01"


def test_an_index_is_paid_like_a_training() -> None:
    given = economics()
    usage = USED.model_copy(update={"attempts": 1.0, "index_s": 360.0})
    v = variant("rag", machine_s=1.0, training_hours=0.1)
    lines = ledger(v, terms_of(given, Choice()), given, usage, None)
    assert [(line.what, line.amount) for line in lines] == [
        ("Index", pytest.approx(0.36)), ("Serving", pytest.approx(0.002))
    ]  # fmt: skip
    bill = outcome(v, terms_of(given, Choice()), "USD").per_month
    assert sum(line.per_month for line in lines) == pytest.approx(bill)


def test_an_unknown_cost_has_no_ledger() -> None:
    v = variant("bought", per_request=None)
    assert ledger(v, terms_of(economics(), Choice()), economics(), USED, None) == ()
