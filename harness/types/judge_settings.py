"""How a scenario's answers are judged: the settings below ``judges``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from harness.types.judging import JUDGED
from harness.types.record import Record
from harness.types.tokens import TokenPrices

Floor = Annotated[float, Field(ge=0, le=1)]
"""Accuracy against labels whose lower bound a judge must reach; below it, it is shown but decides nothing."""


class Preferences(Record):
    """Files of preference pairs: what a reward judge learns from, and what every judge is held against."""

    train: str
    dev: str
    heldout: str


class RewardJudge(Record):
    """A linear reward learnt from the scenario's preference pairs; needs no API and no language model."""

    kind: Literal["reward"]
    reference: bool = True
    """Whether it sees the item's reference."""
    floor: Floor = 0.75


class _Prompted(Record):
    """What all judges that are a prompted language model have."""

    model: str = "base"
    """``base`` is the scenario's own model, ``endpoint:<name>`` one of its endpoints."""
    family: str | None = None
    """Of the model, where its name does not tell: answers of the same family are flagged."""
    prompt: str | None = None
    """File with the instructions, relative to the scenario's folder; None takes those that ship with the harness."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    replicates: Annotated[int, Field(ge=1, le=20)] = 1
    """How often each question is put; what the replies differ by is the judge's noise."""
    max_new_tokens: Annotated[int, Field(ge=8, le=4096)] = 200
    """Of a reply, reasons included."""
    items: Annotated[int, Field(ge=1)] | None = None
    """Judge only a seeded sample of so many held-out items; None judges all."""
    tokens: TokenPrices | None = None
    """What its tokens cost; None takes those of a variant that asks the same endpoint, if there is one."""
    floor: Floor = 0.75


class ReferenceJudge(_Prompted):
    """Passed or failed, held against the item's reference."""

    kind: Literal["reference"]


class Criterion(Record):
    """One thing that answers are rated for, from 1 to 5."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    description: Annotated[str, Field(min_length=1)]
    """What 5 looks like and what 1 does: the judge reads these words."""


def _distinct(criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
    names = [c.name for c in criteria]
    if twice := next((n for n in names if names.count(n) > 1), None):
        raise ValueError(f"two criteria are called {twice!r}")
    if taken := next((n for n in names if n in ("pass", MEAN, PREFERENCE)), None):
        raise ValueError(f"a criterion cannot be called {taken!r}, which means something else for labels")
    return criteria


class RubricJudge(_Prompted):
    """Rated from 1 to 5 for each criterion, with a reason."""

    kind: Literal["rubric"]
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1), AfterValidator(_distinct)]
    reference: bool = True
    """Whether it sees the item's reference."""


class PairwiseJudge(_Prompted):
    """Which of two variants' answers is better, asked in both orders; a tie where the orders disagree."""

    kind: Literal["pairwise"]
    reference: bool = True
    """Whether it sees the item's reference."""
    against: Literal["baseline", "all"] = "baseline"
    """Each variant against the baseline, or every variant against every other."""


PLACES = {
    "reference": ("{question}", "{reference}", "{answer}"),
    "rubric": ("{question}", "{answer}", "{criterion}"),
    "pairwise": ("{question}", "{first}", "{second}"),
}
"""What the instructions of each kind must have room for; ``{reference}`` may stand in all."""

PromptedSettings = ReferenceJudge | RubricJudge | PairwiseJudge
JudgeSettings = Annotated[RewardJudge | PromptedSettings, Field(discriminator="kind")]


def endpoint_of(judge: RewardJudge | PromptedSettings) -> str | None:
    """Name of the endpoint that judges; None for one that is here."""
    if isinstance(judge, RewardJudge):
        return None
    kind, _, name = judge.model.partition(":")
    return name if kind == "endpoint" else None


def prompt_of(judge: RewardJudge | PromptedSettings) -> str | None:
    """The file with its instructions, where the scenario has its own."""
    return None if isinstance(judge, RewardJudge) else judge.prompt


MEAN, PREFERENCE = "mean", "preference"
"""What labels of answers are never of: the mean of several criteria, and which of two is better."""


def metrics_of(name: str, judge: RewardJudge | PromptedSettings) -> dict[str, str]:
    """The metrics that the judge called ``name`` scores, its own first, each with the criterion of its labels."""
    own = f"{JUDGED}{name}"
    if isinstance(judge, PairwiseJudge):
        return {own: PREFERENCE}
    if not isinstance(judge, RubricJudge):
        return {own: "pass"}
    names = [c.name for c in judge.criteria]
    return {own: names[0]} if len(names) == 1 else {own: MEAN} | {f"{own}.{n}": n for n in names}
