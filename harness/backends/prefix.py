"""What prompts of a batch begin with, read once: system prompts, shown examples, repeated passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache, StaticCache

SHORTEST = 32
"""Tokens below which reading a shared start by itself costs more than it saves."""


def shared_start(prompts: Sequence[list[int]]) -> int:
    """Tokens that all prompts begin with, short of the whole of any; 0 where that is not worth reading apart."""
    if len(prompts) < 2:
        return 0
    low, high = min(prompts), max(prompts)  # in dictionary order, which all others lie between
    end = min(map(len, prompts)) - 1
    found = next((i for i in range(end) if low[i] != high[i]), end)
    return found if found >= SHORTEST else 0


def can_share(config: Any) -> bool:
    """Whether every layer keeps all tokens, so that a start read for one can be given to all."""
    config = config.get_text_config()
    return set(getattr(config, "layer_types", None) or ["full_attention"]) == {
        "full_attention"
    } and not getattr(config, "sliding_window", None)


def padded(prompts: Sequence[Sequence[int]], start: int, pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention mask (prompts, longest): padding stands between the shared start and the rest."""
    widest = max(map(len, prompts))
    ids, mask = (
        torch.full((len(prompts), widest), pad),
        torch.zeros((len(prompts), widest), dtype=torch.int64),
    )
    for row, prompt in enumerate(prompts):
        rest = widest - (len(prompt) - start)
        ids[row, :start], ids[row, rest:] = torch.tensor(prompt[:start]), torch.tensor(prompt[start:])
        mask[row, :start] = mask[row, rest:] = 1
    return ids, mask


def read_once(model: Any, start: torch.Tensor, rows: int, length: int) -> StaticCache:
    """A cache for ``rows`` sequences of ``length`` tokens that all hold ``start``, which is read for one."""
    once = DynamicCache(config=model.config)
    model(input_ids=start[None].to(model.device), past_key_values=once, logits_to_keep=1)
    cache = StaticCache(config=model.config, max_cache_len=length)
    for layer, of_one in zip(cache.layers, once.layers, strict=True):
        layer.update(of_one.keys.expand(rows, -1, -1, -1), of_one.values.expand(rows, -1, -1, -1))
    return cache
