"""Token prices: worked examples of the library's entries and of stated ones."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import InputError
from harness.prices import pricer
from harness.types.tokens import ListedTokens, StatedTokens, TokenTier


def listed(model: str = "claude-sonnet-4-5", provider: str = "anthropic", **other: Any) -> ListedTokens:
    given = {"as_of": date(2026, 11, 1)} | other
    return ListedTokens(kind="listed", provider=provider, model=model, **given)


def stated(*tiers: TokenTier, **other: Any) -> StatedTokens:
    return StatedTokens(kind="stated", tiers=tiers, as_of=date(2026, 11, 1), source="a contract", **other)


def test_listed_prices_with_cache_batch_and_context_tiers() -> None:
    """3 and 15 a million, 0.3 from the cache; above 200,000 tokens 6 and 22.5; half of all that in a batch."""
    assert pricer(listed()).price(1000, 200) == pytest.approx(0.003 + 0.003)
    assert pricer(listed(cached_share=0.5)).price(1000, 200) == pytest.approx(0.0015 + 0.00015 + 0.003)
    assert pricer(listed()).price(250_000, 200) == pytest.approx(1.5 + 0.0045)
    assert pricer(listed(batch=True)).price(1000, 200) == pytest.approx(0.003)


def test_prices_are_those_of_the_day() -> None:
    before, after = (
        pricer(listed(batch=True, as_of=day)) for day in (date(2026, 10, 13), date(2026, 10, 14))
    )
    assert before.price(1000, 0) == pytest.approx(2 * after.price(1000, 0))
    assert before.source != after.source


def test_the_source_names_library_day_and_entry() -> None:
    source = pricer(listed()).source
    assert source.startswith("anthropic/claude-sonnet-4-5 on 2026-11-01, genai-prices ")
    assert "prices dated up to 20" in source
    assert "entry sha256 " in source
    assert source == pricer(listed()).source


@pytest.mark.parametrize(
    ("model", "provider"), [("no-such-model", "anthropic"), ("gpt-4o", "no-such-provider")]
)
def test_an_unknown_model_is_named(model: str, provider: str) -> None:
    with pytest.raises(InputError, match=r"has no prices of model .* state your own"):
        pricer(listed(model, provider))


def test_stated_prices_with_tiers_and_discounts() -> None:
    tiers = (TokenTier(input=1, output=4, cached_input=0.1), TokenTier(above=1000, input=2, output=8))
    found = pricer(stated(*tiers, cached_share=0.5, batch_discount=0.5))
    assert found.price(1000, 100) == pytest.approx((500 * 1 + 500 * 0.1 + 100 * 4) / 2e6)
    assert found.price(1001, 100) == pytest.approx((1001 * 2 + 100 * 8) / 2e6)
    assert found.source == "a contract, 2026-11-01"
    with pytest.raises(ValidationError, match="must start with `above: 0` and grow"):
        stated(TokenTier(above=5, input=1, output=1))


def test_cached_tokens_cost_what_is_measured_unless_a_share_is_stated() -> None:
    tier = TokenTier(input=1, output=4, cached_input=0.1)
    assert pricer(stated(tier)).price(1000, 0, 400) == pytest.approx((600 + 40) / 1e6)
    assert pricer(stated(tier)).price(1000, 0) == pytest.approx(1000 / 1e6)
    assert pricer(stated(tier, cached_share=0.5)).price(1000, 0, 400) == pytest.approx((500 + 50) / 1e6)
    assert pricer(listed()).price(1000, 200, 500) == pricer(listed(cached_share=0.5)).price(1000, 200)
