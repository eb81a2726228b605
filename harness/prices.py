"""What tokens cost: by the scenario's own prices, or by the dated snapshot inside the price library, offline."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import Any

from harness.errors import InputError
from harness.types.tokens import ListedTokens, StatedTokens

LIBRARY = "genai-prices"


@dataclass(frozen=True)
class Pricer:
    """What one request costs, and where the prices come from."""

    money: Callable[[int, int, int], float]
    """Of a request with so many prompt and output tokens, and so many of the prompt's read from a cache."""
    source: str
    cached_share: float | None = None
    """Of the prompt tokens, where it is stated; None goes by the answers."""

    def price(self, prompt: int, output: int, cached: int | None = None) -> float:
        """Money of a request; ``cached`` is what its answer says, None where it says nothing."""
        stated = self.cached_share
        return self.money(prompt, output, (cached or 0) if stated is None else round(prompt * stated))


def pricer(tokens: ListedTokens | StatedTokens) -> Pricer:
    """Raises InputError where the library does not know the model."""
    return _stated(tokens) if isinstance(tokens, StatedTokens) else _listed(tokens)


def _stated(tokens: StatedTokens) -> Pricer:
    def price(prompt: int, output: int, cached: int) -> float:
        tier = next(t for t in reversed(tokens.tiers) if t.above == 0 or prompt > t.above)
        from_cache = tier.input if tier.cached_input is None else tier.cached_input
        paid = cached * from_cache + (prompt - cached) * tier.input + output * tier.output
        return paid / 1e6 * (1 - tokens.batch_discount)

    return Pricer(price, f"{tokens.source}, {tokens.as_of}", tokens.cached_share)


def _listed(tokens: ListedTokens) -> Pricer:
    from genai_prices import Usage
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    try:
        provider, model = snapshot.find_provider_model(tokens.model, None, tokens.provider, None)
    except LookupError:
        raise InputError(
            f"{LIBRARY} {version(LIBRARY)} has no prices of model {tokens.model!r} at provider "
            f"{tokens.provider!r}; correct the names, or state your own prices with `kind: stated`"
        ) from None
    day = datetime(tokens.as_of.year, tokens.as_of.month, tokens.as_of.day, 12, tzinfo=UTC)
    context = {"processing": "batch"} if tokens.batch else None
    entry = model.get_prices(day, context)

    def price(prompt: int, output: int, cached: int) -> float:
        usage = Usage(input_tokens=prompt, output_tokens=output, cache_read_tokens=cached)
        return float(entry.calc_price(usage)["total_price"])

    digest = hashlib.sha256(f"{provider.id}/{model.id}: {entry!r}".encode()).hexdigest()
    how = ", batch" if tokens.batch else ""
    return Pricer(
        price,
        f"{provider.id}/{model.id}{how} on {tokens.as_of}, {LIBRARY} {version(LIBRARY)} (prices dated up to "
        f"{_newest(snapshot.providers)}), entry sha256 {digest[:12]}",
        tokens.cached_share,
    )


def _newest(providers: Any) -> date:
    """The latest day that any price of the snapshot starts on: the snapshot itself carries no date."""
    starts = [date.min]
    for provider in providers:
        for model in provider.models:
            dated = model.prices if isinstance(model.prices, list) else []
            for price in (*dated, *(model.price_variants or ())):
                starts.append(getattr(price.constraint, "start_date", date.min))
    return max(starts)
