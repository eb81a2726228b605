"""Fewer, larger kernels for a loaded model: its own modules, computing the same with ``kernels.py``.

A part is changed only where it is known by its names *and* gives the same numbers on random input as before; what
is not recognised stays as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.functional import linear

from harness.backends.rows import kernels

_CLOSE = 2e-2
"""Relative difference below which two ways of computing count as one: far above bfloat16's rounding, far below what
another formula (a norm with 1 + weight, another activation) gives."""


def fuse(model: Any) -> list[Any]:
    """In place, for inference alone: the weights keep their names, values and (but for the joining) memory.

    Returns the modules of code for ``fast_rotary``.
    """
    families: dict[str, Any] = {}
    for module in list(model.modules()):
        if type(module).__name__.endswith("RMSNorm"):
            _norm(module)
        if _linears(module, ("gate_proj", "up_proj")) and hasattr(module, "down_proj"):
            _mlp(module)
        if _linears(module, ("q_proj", "k_proj", "v_proj")):
            _projections(module)
            families[type(module).__module__] = sys.modules[type(module).__module__]
    return [family for family in families.values() if _rotates(family)]


def _linears(module: Any, names: tuple[str, ...]) -> bool:
    """Whether all are plain linear layers of one input and without bias."""
    found = [getattr(module, name, None) for name in names]
    plain = all(type(f) is nn.Linear and f.bias is None for f in found)
    return plain and len({f.in_features for f in found if f is not None}) == 1


def _same(before: Any, after: Any) -> bool:
    return bool((before - after).float().norm() <= _CLOSE * before.float().norm())


def _sample(weight: torch.Tensor, size: int) -> torch.Tensor:
    return torch.randn(2, 3, size, generator=torch.Generator().manual_seed(0)).to(weight)


def _norm(module: Any) -> None:
    eps = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    if eps is None or getattr(module, "weight", None) is None:
        return
    x = _sample(module.weight, module.weight.shape[0])
    if _same(module(x), kernels.rms_norm(x, module.weight, eps)):
        module.forward = lambda x: kernels.rms_norm(x, module.weight, eps)


def _joined(parts: list[Any]) -> torch.Tensor:
    """The weights of several layers in one piece of memory, of which each keeps its part as its own weight."""
    whole = torch.cat([p.weight for p in parts])
    for part, weight in zip(parts, whole.split([p.out_features for p in parts]), strict=True):
        part.weight.data = weight
    return whole


def _mlp(module: Any) -> None:
    x = _sample(module.gate_proj.weight, module.gate_proj.in_features)
    before = module(x)
    whole = _joined([module.gate_proj, module.up_proj])

    def forward(x: torch.Tensor) -> Any:
        return module.down_proj(kernels.silu_times(linear(x, whole)))

    if _same(before, forward(x)):
        module.forward = forward


def _projections(module: Any) -> None:
    """One product for queries, keys and values: the first to be asked computes it for the others too."""
    parts = [module.q_proj, module.k_proj, module.v_proj]
    whole = _joined(parts)
    sizes = [p.out_features for p in parts]
    last: list[Any] = [None, ()]

    def part(place: int) -> Any:
        def forward(x: torch.Tensor) -> torch.Tensor:
            if place == 0 or last[0] is not x:
                last[:] = x, linear(x, whole).split(sizes, -1)
            found: torch.Tensor = last[1][place]
            if place == len(parts) - 1:
                last[:] = None, ()
            return found

        return forward

    for place, layer in enumerate(parts):
        layer.forward = part(place)


def _rotates(family: Any) -> bool:
    """Whether a model family's rotary embedding is the usual one."""
    before = getattr(family, "apply_rotary_pos_emb", None)
    if before is None:
        return False
    q, k = torch.randn(2, 4, 3, 32), torch.randn(2, 2, 3, 32)
    cos, sin = torch.randn(2, 3, 32), torch.randn(2, 3, 32)
    try:
        return all(map(_same, before(q, k, cos, sin), kernels.rotate(q, k, cos, sin)))
    except (TypeError, RuntimeError, ValueError):  # another signature or shape
        return False


@contextmanager
def fast_rotary(families: Sequence[Any]) -> Iterator[None]:
    """It is a function that a family's modules call by its name, so it is exchanged while a captured model runs, and
    no other model sees it."""
    before = [family.apply_rotary_pos_emb for family in families]

    def rotary(at: int) -> Any:
        def fast(q: Any, k: Any, cos: Any, sin: Any, *more: Any, **named: Any) -> Any:
            if more or named or q.shape[-1] != cos.shape[-1]:
                return before[at](q, k, cos, sin, *more, **named)
            return kernels.rotate(q, k, cos, sin)

        return fast

    for at, family in enumerate(families):
        family.apply_rotary_pos_emb = rotary(at)
    try:
        yield
    finally:
        for family, plain in zip(families, before, strict=True):
            family.apply_rotary_pos_emb = plain
