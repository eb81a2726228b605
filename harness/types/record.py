"""The base of all records.

Two rules run through them: a missing number is ``None`` with a reason beside it (never 0 or NaN), and
times are seconds, money is in the scenario's currency, rates are fractions in [0, 1].
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of every record: immutable; an unknown field, NaN and infinity are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
