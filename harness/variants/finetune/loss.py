"""Conversations as tokens, and the loss and gradients of their targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from harness.errors import TrainingError
from harness.types.data import Message

if TYPE_CHECKING:
    from harness.variants.finetune.frozen import FrozenStart

_PIECE_TOKENS = 1024
"""Enough to keep the matrix units busy; twice as much was no faster and took twice the memory."""


@dataclass(frozen=True)
class Encoded:
    """Token ids of a conversation and where its target begins."""

    ids: list[int]
    start: int


def encode_all(tokenizer: Any, chats: Sequence[Sequence[Message]], limit: int | None) -> list[Encoded]:
    """Render with the model's chat template; raises TrainingError where that cannot be trained on."""
    encoded = []
    for chat in chats:
        turns = [m.model_dump() for m in chat]
        prompt = tokenizer.apply_chat_template(turns[:-1], add_generation_prompt=True, return_dict=False)
        ids = tokenizer.apply_chat_template(turns, return_dict=False)
        if ids[: len(prompt)] != prompt:
            raise TrainingError("the model's chat template renders a prompt differently once it is answered")
        if tokenizer.eos_token_id not in ids[len(prompt) :]:
            raise TrainingError(
                f"the chat template does not end an answer with {tokenizer.eos_token!r}, so a tuned model would never "
                "stop; set eos_token in the model's tokenizer_config.json to the token that ends a turn"
            )
        end = len(ids) - ids[::-1].index(tokenizer.eos_token_id)  # no new line after the last turn
        if limit is not None and end > limit:
            question = chat[-2].content[:60]
            raise TrainingError(
                f"a training example has {end} tokens, max_length is {limit}: {question!r}..."
            )
        encoded.append(Encoded(ids[:end], len(prompt)))
    return encoded


def backpropagate(causal: Any, batch: Sequence[Encoded], start: FrozenStart | None) -> float:
    """Add the gradients of the mean cross entropy over the batch's target tokens; return that loss.

    The batch goes through in pieces, because activations, not weights, are what fills the memory.
    """
    targets = sum(len(e.ids) - e.start for e in batch)
    total = 0.0
    for piece in pieces(batch):
        logits, wanted = predictions(causal, piece, start)
        loss = torch.nn.functional.cross_entropy(logits, wanted, reduction="sum") / targets
        total += float(loss.detach())
        if not math.isfinite(total):
            break
        loss.backward()
    return total


def pieces(batch: Sequence[Encoded]) -> list[list[Encoded]]:
    """The batch cut into parts of similar length, each of at most ``_PIECE_TOKENS`` padded tokens."""
    parts: list[list[Encoded]] = []
    for e in sorted(batch, key=lambda e: -len(e.ids)):
        if parts and len(parts[-1][0].ids) * (len(parts[-1]) + 1) <= _PIECE_TOKENS:
            parts[-1].append(e)
        else:
            parts.append([e])
    return parts


def padded(batch: Sequence[Encoded], device: Any) -> tuple[Any, Any]:
    """Token ids and attention mask, both of shape (len(batch), longest)."""
    width = max(len(e.ids) for e in batch)
    ids = torch.zeros((len(batch), width), dtype=torch.long)  # the mask hides what pads
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    for row, e in enumerate(batch):
        ids[row, : len(e.ids)] = torch.tensor(e.ids)
        mask[row, : len(e.ids)] = 1
    return ids.to(device), mask.to(device)


def autocast(causal: Any) -> Any:
    """The adapter's own weights are float32, for the optimizer's sake; its products need not be."""
    return torch.autocast(causal.device.type, torch.bfloat16, enabled=causal.dtype == torch.bfloat16)


def predictions(causal: Any, batch: Sequence[Encoded], start: FrozenStart | None) -> tuple[Any, Any]:
    """Logits of shape (target tokens, vocabulary) and the tokens that they should have predicted.

    Only the hidden states that predict a target token go through the vocabulary projection. ``start`` holds what the
    frozen layers make of the batch; without it all layers are passed.
    """
    ids, mask = padded(batch, causal.device)
    predicts = torch.zeros_like(ids, dtype=torch.bool)
    for row, e in enumerate(batch):
        predicts[row, e.start - 1 : len(e.ids) - 1] = True
    with autocast(causal):
        if start:
            hidden = start.finish(batch, mask)
        else:
            hidden = causal.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        logits = causal.lm_head(hidden[predicts])
    return logits.float(), ids.roll(-1, dims=1)[predicts]
