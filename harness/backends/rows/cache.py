"""A key/value cache of fixed rows, each at a length of its own, so that rows come and go without moving others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

from harness.backends.rows.kernels import store_token


@dataclass(frozen=True)
class Decode:
    """Every row gets one more token."""

    lengths: torch.Tensor
    """(rows,) int64: tokens that each row holds, which is where the new one goes."""


@dataclass(frozen=True)
class Fill:
    """Some rows get many tokens, each the same number."""

    rows: torch.Tensor
    """(some,) int64."""
    start: torch.Tensor
    """(1,) int64: tokens that they keep."""
    span: int
    """Positions from 0 that the new tokens may look at; 0 where they start the row and see only their own."""


class RowCache(Cache):
    """Keys and values of ``rows`` sequences of up to ``length`` tokens.

    ``now`` says what the model is about to do. All sizes are fixed and all positions are tensors, so that the
    work on it can be captured in a CUDA graph. The memory is taken at the first use.
    """

    def __init__(self, layers: int, rows: int, length: int):
        self.now: Decode | Fill | None = None
        self.rows, self.length = rows, length
        super().__init__(layers=[_RowLayer(self) for _ in range(layers)])

    def share(self, tokens: int) -> None:
        """Copy the first ``tokens`` positions of row 0 to all rows."""
        for layer in self.layers:
            layer.keys[1:, :, :tokens] = layer.keys[:1, :, :tokens]
            layer.values[1:, :, :tokens] = layer.values[:1, :, :tokens]


class _RowLayer(CacheLayerMixin):
    is_compileable = True
    is_sliding = False  # a window is cut out by the attention; the cache keeps everything

    def __init__(self, cache: RowCache):
        super().__init__()
        self._cache = cache

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        def room(like: torch.Tensor) -> torch.Tensor:
            return like.new_zeros(self._cache.rows, like.shape[1], self._cache.length, like.shape[3])

        self.keys, self.values = room(key_states), room(value_states)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Of (rows or some, heads, tokens, size); returns the keys and values to attend to."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        now = self._cache.now
        assert now is not None
        if isinstance(now, Decode):
            store_token(self.keys, key_states, self.values, value_states, now.lengths)
            return self.keys, self.values
        places = now.start + torch.arange(key_states.shape[2], device=key_states.device)
        where = (now.rows[:, None], places)
        found = []
        for kept, new in ((self.keys, key_states), (self.values, value_states)):
            kept.transpose(1, 2).index_put_(where, new.transpose(1, 2))
            found.append(kept[:, :, : now.span].index_select(0, now.rows) if now.span else new)
        return found[0], found[1]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._cache.length, 0

    def get_seq_length(self) -> int:
        return 0  # rows differ: positions are always given to the model

    def get_max_cache_shape(self) -> int:
        return self._cache.length
