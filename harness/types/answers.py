"""What was asked of an engine, what it answered, and how an adapter was trained."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from harness.types.capacity import Capacity
from harness.types.data import Message
from harness.types.record import Record
from harness.types.settings import Decoding

Phase = Literal["quality", "timing"]
Finish = Literal["stop", "length", "tool_calls", "content_filter"]
"""Why the last token was the last."""


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
    sample: int = 0
    """Which of several answers at a temperature above 0; added to the engine's seed."""
    retrieved: tuple[Retrieved, ...] = ()
    retrieval_s: float = 0.0
    """Time spent finding the passages or examples, part of the latency."""
    json_schema: dict[str, JsonValue] | None = None
    """What the answer must keep to, where the engine can see to that; others answer freely."""


class ToolCall(Record):
    """A function that the model asked to call."""

    name: str
    arguments: str
    """As the model wrote them: JSON if all went well."""


class Generation(Record):
    """What a backend returned for one request."""

    text: str
    prompt_tokens: int | None
    """None where an endpoint does not say."""
    output_tokens: int | None
    """None where an endpoint does not say."""
    cached_tokens: int | None = None
    """Of the prompt tokens, those that the engine had in its cache; None where it does not say."""
    finish: Finish
    prompt_hash: str | None
    """Of the exact prompt tokens: two engines or releases that differ here do not compare like with like. None
    where an endpoint does not show them."""
    compute_s: float | None
    """Machine time of this request; in a batch, the batch's wall time shared by tokens. None where the machine is
    not ours."""
    attempts: int = 1
    """Times that it was sent and may have been charged for, this one included."""
    refused: int = 0
    """Times that it was turned away before any work: busy, broken or no connection."""
    logprob: float | None = None
    """Sum over the output tokens of the natural logarithm of their probability, where that was asked for."""
    tool_calls: tuple[ToolCall, ...] = ()
    first_token_s: float | None = None
    """From sending to the first token; only measured one at a time."""
    total_s: float | None = None
    """From sending to the last token; only measured one at a time."""


class Answer(Record):
    variant: str
    item: str
    repeat: int = 0
    """Number of training seeds x sample, plus the training seed's place."""
    phase: Phase
    key: str
    """Hash of all that can change the answer; a stored answer with another key is not used."""
    text: str | None
    error: str | None = None
    """Why there is no text."""
    attempts: int = 1
    """Times that it was asked and may have been charged for; 0 where it was never let in."""
    refused: int = 0
    """Times that an endpoint turned it away before any work; not paid."""
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the prompt tokens, those read from a cache; None where the engine does not say."""
    finish: Finish | None = None
    logprob: float | None = None
    """Sum over the output tokens, in natural logarithm, where the endpoint was asked for it."""
    tool_calls: tuple[ToolCall, ...] = ()
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
    cached_tokens: float | None = None
    """Of the prompt tokens, those read from a cache; None where no answer tells."""
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
    capacity: Capacity | None = None
    """What a replica was measured to sustain; None where it was not put under load."""


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
    seed: int | None = None
    """Of initialisation, order and dropout; None in a record made before it was kept."""
    again: tuple[TrainingRecord, ...] = ()
    """With the further training seeds; costs and audit rest on the first alone, as a release trains one."""
