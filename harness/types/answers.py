"""What was asked of an engine, what it answered, and how an adapter was trained."""

from __future__ import annotations

from typing import Literal

from harness.types.data import Message
from harness.types.record import Record
from harness.types.settings import Decoding

Phase = Literal["quality", "timing"]


class Retrieved(Record):
    passage: str
    article: str
    score: float


class Request(Record):
    """What a backend is asked: a rendered conversation, the adapter to use and how to decode."""

    item: str
    messages: tuple[Message, ...]
    adapter: str | None = None
    """Folder of a PEFT adapter, or None for the base weights."""
    decoding: Decoding
    retrieved: tuple[Retrieved, ...] = ()
    retrieval_s: float = 0.0
    """Time spent finding the passages or examples, part of the latency."""


class Generation(Record):
    """What a backend returned for one request."""

    text: str
    prompt_tokens: int
    output_tokens: int
    finish: Literal["stop", "length"]
    prompt_hash: str
    """Of the exact prompt tokens: two engines or releases that differ here do not compare like with like."""
    compute_s: float
    """Machine time of this request; in a batch, the batch's wall time shared by tokens."""
    first_token_s: float | None = None
    """From sending to the first token; only measured one at a time."""
    total_s: float | None = None
    """From sending to the last token; only measured one at a time."""


class Answer(Record):
    variant: str
    item: str
    repeat: int = 0
    phase: Phase
    key: str
    """Hash of all that can change the answer; a stored answer with another key is not used."""
    text: str | None
    error: str | None = None
    """Why there is no text."""
    attempts: int = 1
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    finish: Literal["stop", "length"] | None = None
    prompt_hash: str | None = None
    compute_s: float | None = None
    retrieval_s: float | None = None
    first_token_s: float | None = None
    """Includes retrieval."""
    total_s: float | None = None
    """Includes retrieval."""
    retrieved: tuple[Retrieved, ...] = ()


class Usage(Record):
    """What a variant's answers used: means over the answered requests of the quality pass."""

    requests: int
    prompt_tokens: float | None
    output_tokens: float | None
    machine_s: float | None
    """Of one attempt."""
    retrieval_s: float | None
    """Of it, finding passages or examples."""
    attempts: float
    """1 where none was repeated."""
    token_source: str | None
    """Where the token prices of the variant come from; None where its machine time is paid."""
    index_s: float | None
    """Machine time of building its index; None where there is none or it was not timed."""


class EpochLoss(Record):
    epoch: int
    train_loss: float
    dev_loss: float
    dev_accuracy: float | None = None
    """Share of the dev targets' tokens that the model ranks first."""


class TrainingRecord(Record):
    """What training an adapter took and gave."""

    adapter: str
    fingerprint: str
    examples: int
    epochs: tuple[EpochLoss, ...]
    best_epoch: int
    steps: tuple[tuple[int, float], ...]
    """Optimizer step and its training loss."""
    seconds: float
    tokens: int
    """Non-padding tokens processed, all epochs."""
    peak_memory_bytes: int
    trainable_parameters: int
    total_parameters: int
    hardware: str
