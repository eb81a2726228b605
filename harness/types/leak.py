"""A test item that something the variants learn from already holds."""

from __future__ import annotations

from typing import Literal

from harness.types.data import Split
from harness.types.record import Record

Place = Literal["train", "dev", "kb", "prompt"]
Stage = Literal["exact", "n-gram", "minhash", "rephrased"]


class Leak(Record):
    """One item and the nearest text like it in one place. Few-shot examples come from ``train``."""

    item: str
    split: Split
    """Where the item stands: heldout, or dev (which chooses the epoch of an adapter)."""
    other: str
    """Id of the item or article, or the file of the prompt, that holds it too."""
    where: Place
    stage: Stage
    """The first check that found it: the same words, a long run of the same words, nearly the same words, or the
    same question in other words."""
    similarity: float
    """exact: 1; n-gram: share of the item's words in shared runs; minhash: Jaccard; rephrased: cosine."""
    text: str
    """What both hold; for minhash and rephrased the other's question."""
    declared: bool = False
    """True for a rephrasing within a cluster that both name: the scenario asks a trained fact in other words on
    purpose. Such an overlap is told, and its item stays among the clean ones."""


class Leaks(Record):
    """All that was found in one set of texts."""

    key: str
    """Fingerprint of the texts and the embedder."""
    leaks: tuple[Leak, ...]
