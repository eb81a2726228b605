"""What judges and people say of answers: preference pairs, labels and judgements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.types.data import Message
from harness.types.record import Record

Side = Literal["a", "b", "tie"]

AUTHOR = "author"
"""The annotator of labels that ship with a scenario: known to its author by construction or by reading. They are
the author's labels, never called human ratings."""
JUDGED = "judge."
"""What the metrics of judges begin with: those of judge ``x`` are ``judge.x`` and, by criterion, ``judge.x.tone``."""

LABELS = "data/labels.jsonl"
"""Where a scenario keeps labels of answers."""


class PreferencePair(Record):
    """Two answers to one question, and which is better."""

    id: str
    input: str | tuple[Message, ...]
    """The customer's question, or the conversation up to it."""
    a: str
    b: str
    label: Side | None = None
    """What its annotators agreed on; None where they did not."""
    annotators: dict[str, Side] = {}
    """What each rater said."""
    reference: str | None = None
    """A right answer."""
    slices: dict[str, str] = {}


class AnswerLabel(Record):
    """What people said of one answer."""

    id: str
    """Of the label."""
    item: str
    """The item that was answered."""
    input: str | tuple[Message, ...]
    answer: str
    """The text that was read: a label holds for this text alone."""
    criterion: str = "pass"
    """``pass`` for passed or failed, else a criterion of a rubric."""
    label: Annotated[float, Field(ge=0)] | None = None
    """1 passed and 0 failed, or the rubric's 1 to 5; the mean of the raters where several read it."""
    annotators: dict[str, float] = {}
    """What each rater said."""
    reference: str | None = None
    slices: dict[str, str] = {}
    sample: Literal["random", "disagreement", "other"] = "other"
    """How the answer was drawn: only a random sample may correct a judge."""
    variant: str | None = None


class PairJudgement(Record):
    """What a judge said of a pair, in both orders; sides are named as in the pair, whatever the order shown."""

    id: str
    """Of the pair."""
    forward: Side | None
    """With ``a`` shown first; None where the judge failed."""
    backward: Side | None
    """With ``b`` shown first; None where the judge failed."""
    failure: str | None = None
    """Why a choice is missing."""

    @property
    def choice(self) -> Side | None:
        """A tie where the two orders disagree: such a preference is one for a position."""
        if self.forward is None or self.backward is None:
            return None
        return self.forward if self.forward == self.backward else "tie"
