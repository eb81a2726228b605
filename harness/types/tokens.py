"""What an API charges for tokens: from the price library's dated snapshot, or stated by the scenario."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from harness.types.record import Record

Share = Annotated[float, Field(ge=0, le=1)]
PerMillion = Annotated[float, Field(ge=0)]
"""Money for a million tokens."""


class ListedTokens(Record):
    """A model of the price library (genai-prices), at the prices of a given day; in US dollars."""

    kind: Literal["listed"]
    provider: str
    model: str
    as_of: date
    """Day whose prices apply."""
    cached_share: Share | None = None
    """Share of the prompt tokens that the provider reads from its cache; None is as its answers say, or none."""
    batch: bool = False
    """Whether requests are sent as a batch, where the provider has a price for that."""


class TokenTier(Record):
    """Prices of a request with more than ``above`` prompt tokens; they apply to all of its tokens."""

    above: Annotated[int, Field(ge=0)] = 0
    input: PerMillion
    output: PerMillion
    cached_input: PerMillion | None = None
    """None charges cached tokens like others."""


class StatedTokens(Record):
    """Prices of a contract."""

    kind: Literal["stated"]
    tiers: tuple[TokenTier, ...]
    """In growing order of ``above``, the first from 0."""
    as_of: date
    source: str
    cached_share: Share | None = None
    """Share of the prompt tokens that are read from a cache; None is as the answers say, or none."""
    batch_discount: Share = 0.0
    """Taken off where requests are sent as a batch; 0 where they are not."""

    @model_validator(mode="after")
    def _tiers_grow(self) -> Self:
        starts = [tier.above for tier in self.tiers]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError("tiers must start with `above: 0` and grow")
        return self


TokenPrices = Annotated[ListedTokens | StatedTokens, Field(discriminator="kind")]
