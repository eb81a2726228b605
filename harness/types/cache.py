"""What an answer cache would have done to the questions of a scenario."""

from __future__ import annotations

from typing import Literal

from harness.types.estimate import Estimate
from harness.types.record import Record

Hit = Literal["exact", "near"]
"""The same words, but for case and punctuation; or another question that is near enough."""


class CacheFigure(Record):
    """One variant's cache at one threshold, had each question of the scenario been asked once in a random order."""

    variant: str
    near: float | None
    """Cosine similarity from which a question takes another's answer; None where only the same words do."""
    chosen: bool
    """Whether it is the one of the variant's settings."""
    hits: Estimate
    """Share of the questions that would have been answered from the cache."""
    wrong: Estimate
    """Of the hits of held-out questions on each other, the share where the kept answer fails the question's own
    success check and the fresh answer passes it."""
    other_facts: Estimate
    """Of all hits, the share where the two questions require different facts: what a right answer to one can never
    be to the other."""
