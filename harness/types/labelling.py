"""What people are asked to read, and what they said: samples, marks and exports of the labelling page."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from harness.types.data import Facts, Message
from harness.types.judging import Side
from harness.types.record import Record

Kind = Literal["answers", "pairs"]
Order = Literal["random", "disagreement"]
Said = Literal[0, 1] | Side
"""1 passed, 0 failed; of a pair the better side."""

FORMAT = "harness-labels-1"
PAIRS = "data/label-pairs.jsonl"
"""Where a scenario keeps preferences between two answers of its variants."""
SAMPLES = "data/labelling"
"""Folder of the samples that were drawn and of what raters saved in them."""
MAX_NAME = 40
"""Characters of a rater's name."""


def _a_name(name: str) -> str:
    """A name that reads as one: no edges, no control characters, no doubled blanks."""
    if name != " ".join(name.split()) or not name.isprintable() or not name:
        raise ValueError("must be a printable name without blanks at its ends")
    return name


Rater = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_a_name)]


class Labelling(Record):
    """What ``harness label`` shows to raters."""

    guideline: str | None = None
    """File (Markdown or plain text) that tells raters what passes; None shows a general one."""


class Mark(Record):
    """What a rater said of one entry of a sample."""

    entry: str
    label: Said | None
    """None where it was taken back."""
    at: Annotated[int, Field(ge=0)]
    """Milliseconds since 1970; of two marks on one entry the later holds."""
    order: Annotated[int, Field(ge=0)]
    """When the entry got the label that an undo would take back first, in milliseconds since 1970."""
    seconds: Annotated[float, Field(ge=0)] | None = None
    """From seeing the entry to the key."""


class Entry(Record):
    """One thing to read: an answer, or two to the same question."""

    id: str
    """Hash of the item and of the texts in their order, so that a mark holds for these texts alone."""
    item: str
    input: tuple[Message, ...]
    texts: tuple[str, ...]
    """One answer, or two with the sides as they are shown."""
    variants: tuple[tuple[str, ...], ...]
    """Of each text, the variants that gave it; never on the page."""
    reference: str | None = None
    facts: Facts = Facts()
    abstain: bool = False
    slices: dict[str, str] = {}


class Sample(Record):
    """What raters are asked to read, in the order in which they read it."""

    id: str
    """Hash of all the rest."""
    scenario: str
    run: str
    """The run whose answers these are."""
    kind: Kind
    order: Order
    """How it was drawn: a random sample may correct a judge, one of disagreements never."""
    seed: int
    population: int
    """Different answers, or pairs of them, that it was drawn from."""
    guideline: str
    """As Markdown."""
    entries: tuple[Entry, ...]

    def refuses(self, mark: Mark) -> str | None:
        """What is wrong with ``mark`` in this sample, if anything is."""
        if all(e.id != mark.entry for e in self.entries):
            return f"entry {mark.entry[:40]!r} is not in sample {self.id}"
        if mark.label is not None and (mark.label in ("a", "b", "tie")) != (self.kind == "pairs"):
            wanted = "a, b or tie" if self.kind == "pairs" else "1 or 0"
            return f"entry {mark.entry}: the label must be {wanted}, not {mark.label!r}"
        return None


class SavedMark(Mark):
    """A mark as the server keeps it, one line each."""

    sample: str
    rater: Rater


class Saving(Record):
    """What a page sends to be saved."""

    sample: str
    rater: Rater
    marks: Annotated[tuple[Mark, ...], Field(min_length=1, max_length=10_000)]


class Export(Record):
    """What a rater hands in: the file that the page gives."""

    format: Literal["harness-labels-1"]
    scenario: str
    sample: str
    rater: Rater
    exported: str
    """UTC, ISO 8601."""
    marks: tuple[Mark, ...]
