"""The rules of a release, as ``scenario.yaml`` states them under ``gate:``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.types.record import Record

RuleKind = Literal["at_least", "at_most", "not_worse_by", "better_by"]
KINDS: tuple[RuleKind, ...] = ("at_least", "at_most", "not_worse_by", "better_by")


class GateRule(Record):
    """One condition of a release; exactly one of the four limits, in the metric's unit (rates from 0 to 1)."""

    metric: str
    slice: str = "all"
    """``all`` or ``key=value``."""
    at_least: float | None = None
    """A floor."""
    at_most: float | None = None
    """A ceiling."""
    not_worse_by: Annotated[float, Field(gt=0)] | None = None
    """How much worse than the baseline is still acceptable (non-inferiority margin)."""
    better_by: Annotated[float, Field(ge=0)] | None = None
    """How much better than the baseline it must be; 0 is better at all."""

    @model_validator(mode="after")
    def _one_limit(self) -> GateRule:
        if sum(getattr(self, kind) is not None for kind in KINDS) != 1:
            raise ValueError("a rule needs exactly one of " + ", ".join(KINDS))
        return self

    @property
    def kind(self) -> RuleKind:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def limit(self) -> float:
        return float(getattr(self, self.kind))

    @property
    def relative(self) -> bool:
        """Whether it compares with a baseline."""
        return self.kind in ("not_worse_by", "better_by")


class Gate(Record):
    """What a run must show before it is released; every rule must hold."""

    variant: str | None = None
    """The variant that is released; None is the one that the comparison recommends."""
    baseline: str | None = None
    """File with the baseline, relative to the scenario's folder; ``harness gate --save-baseline`` writes it."""
    rules: Annotated[tuple[GateRule, ...], Field(min_length=1)]
