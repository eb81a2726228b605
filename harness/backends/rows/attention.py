"""The attention that transformers' models call while their tokens live in a ``RowCache``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from harness.backends.rows.kernels import attend

NAME = "rows"
_KNOWN = {"dropout", "position_ids", "use_cache", "is_causal", "sliding_window", "output_attentions"}


class UnsupportedModelError(Exception):
    """The model's attention asks for something that rows do not do; plain generation must serve it."""


@contextmanager
def other_attention(model: Any) -> Iterator[None]:
    """transformers' own, for what rows do not serve; what is captured in graphs is not touched."""
    model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        model.set_attn_implementation(NAME)


def use_rows(model: Any) -> None:
    """No masks are made for it: rows are known by their lengths, a prompt is read from its start."""
    AttentionInterface.register(NAME, row_attention)
    model.set_attn_implementation(NAME)


def row_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """Returns (rows, tokens, heads, size).

    ``attention_mask`` is the rows' lengths (rows, 1, 1, 1) while decoding, what each token of a prompt that goes on
    from a shared start may see (1, 1, tokens, span), or None for a prompt from its first token.
    """
    if strange := {k for k, v in more.items() if v is not None} - _KNOWN:
        raise UnsupportedModelError(f"attention with {', '.join(sorted(strange))}")
    if key.shape[-1] != value.shape[-1]:
        raise UnsupportedModelError("keys and values of different sizes")
    window = more.get("sliding_window")
    if attention_mask is not None and attention_mask.dtype == torch.int64:
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        return attend(query, key, value, attention_mask.flatten(), scale, window), None
    if window and key.shape[2] > window:
        attention_mask = _windowed(attention_mask, query.shape[2], window, query.device)
    return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling)


def _windowed(mask: torch.Tensor | None, tokens: int, window: int, device: torch.device) -> torch.Tensor:
    """``mask``, or a causal one, without what lies ``window`` or more tokens back."""
    if mask is None:
        mask = torch.ones(1, 1, tokens, tokens, dtype=torch.bool, device=device).tril()
    last = mask.sum(-1, keepdim=True) - 1  # a row of the mask sees everything up to a place
    return mask & (torch.arange(mask.shape[-1], device=device) > last - window)
