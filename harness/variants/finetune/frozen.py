"""The layers below the first adapted one: no step changes what they make of an example, so it is computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from harness.variants.finetune.loss import Encoded, autocast, padded, pieces

_KEPT_BYTES = 2**30
"""Of hidden states, at most; a larger training set passes all layers in every step."""


class FrozenStart:
    """Hidden states of examples as the first adapted layer gets them.

    They are computed in batches that depend on the examples alone, so that a resumed training sees the very same.
    """

    def __init__(self, causal: Any, first: int):
        """``first``: number of the first adapted layer of ``causal``, a causal language model of transformers."""
        self._causal, self._kept = causal, dict[tuple[int, ...], Any]()
        layers = causal.model.layers
        self._below, self._above = (torch.nn.ModuleList(part) for part in (layers[:first], layers[first:]))

    @classmethod
    def of(cls, causal: Any, first: int, examples: Sequence[Encoded]) -> FrozenStart | None:
        """With the states of ``examples``; None where nothing is frozen, memory is short, or this model's layers
        cannot be parted (it does more to what it embeds than its layers show)."""
        size = sum(len(e.ids) for e in examples) * causal.config.hidden_size * causal.dtype.itemsize
        if first == 0 or size > _KEPT_BYTES or not hasattr(getattr(causal, "model", None), "layers"):
            return None
        start, training = cls(causal, first), causal.training
        causal.eval()  # with dropout, which a resumed adapter shows, no two passes are alike
        try:
            if not start._can_part(min(examples, key=lambda e: len(e.ids))):
                return None
            for piece in pieces(examples):
                start._keep(piece)
        finally:
            causal.train(training)
        return start

    def _can_part(self, example: Encoded) -> bool:
        """Whether the layers in two passes make of it what they make in one."""
        self._keep([example])
        ids, mask = padded([example], self._causal.device)
        with torch.no_grad(), autocast(self._causal):
            whole = self._causal.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
            return torch.equal(whole, self.finish([example], mask))

    def _keep(self, piece: Sequence[Encoded]) -> None:
        ids, mask = padded(piece, self._causal.device)
        with torch.no_grad(), autocast(self._causal), self._only(self._below, torch.nn.Identity()):
            hidden = self._causal.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        for row, e in zip(hidden, piece, strict=True):
            self._kept[tuple(e.ids)] = row[: len(e.ids)].clone()

    def finish(self, batch: Sequence[Encoded], mask: Any) -> Any:
        """Last hidden states of shape (len(batch), width, hidden) of examples kept; ``mask``: of ``padded``."""
        rows = [self._kept[tuple(e.ids)] for e in batch]
        given = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        with self._only(self._above, self._causal.model.norm):
            return self._causal.model(
                inputs_embeds=given, attention_mask=mask, use_cache=False
            ).last_hidden_state

    @contextmanager
    def _only(self, layers: Any, norm: Any) -> Iterator[None]:
        """The model with these layers; names of parameters are as before once it is left."""
        model = self._causal.model
        all_layers, own_norm = model.layers, model.norm
        model.layers, model.norm = layers, norm
        try:
            yield
        finally:
            model.layers, model.norm = all_layers, own_norm
