"""The Triton kernels of a decoding step, each beside what it computes in plain torch.

Where one token is made at a time, a step is a thousand small kernels around the matrix products; what follows makes
few of them. Rounding is that of transformers' own modules.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import torch

if importlib.util.find_spec("triton"):
    from harness.backends.rows import compiled


def _compiled(tensor: torch.Tensor) -> bool:
    return tensor.is_cuda and importlib.util.find_spec("triton") is not None


def store_token(
    keys: torch.Tensor,
    key: torch.Tensor,
    values: torch.Tensor,
    value: torch.Tensor,
    lengths: torch.Tensor,
) -> None:
    """Write the new (rows, heads, 1, size) into (rows, heads, length, size) at each row's length."""
    if _compiled(keys):
        return compiled.store_token(keys, key, values, value, lengths)
    rows = torch.arange(len(lengths), device=lengths.device)
    keys[rows, :, lengths] = key[:, :, 0]
    values[rows, :, lengths] = value[:, :, 0]
    return None


def attend(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    window: int | None,
) -> torch.Tensor:
    """One query a row over the row's own tokens, the one at its length included.

    ``query`` (rows, heads, 1, size), ``keys`` and ``values`` (rows, key heads, length, size); heads share keys in
    groups. Returns (rows, 1, heads, size).
    """
    if _compiled(query):
        return compiled.attend(query, keys, values, lengths, scale, window)
    rows, heads, _, size = query.shape
    groups = keys.shape[1]
    place = torch.arange(keys.shape[2], device=keys.device)[None, None, None]
    last = lengths.view(-1, 1, 1, 1)
    seen = place <= last
    if window:
        seen &= place > last - window
    weights = (query.reshape(rows, groups, heads // groups, size) @ keys.transpose(2, 3)) * scale
    shares = weights.masked_fill(~seen, -torch.inf).softmax(-1, dtype=torch.float32).to(values.dtype)
    return (shares @ values).reshape(rows, 1, heads, -1)


def silu_times(both: torch.Tensor) -> torch.Tensor:
    """silu(gate) x up for (..., 2 x size) that holds gate, then up; returns (..., size)."""
    if _compiled(both):
        return compiled.silu_times(both)
    gate, up = both.chunk(2, -1)
    return torch.nn.functional.silu(gate) * up


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """Root mean square norm over the last dimension."""
    if _compiled(x):
        return compiled.rms_norm(x, weight, eps)
    wide = x.float()
    return weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)).to(x.dtype)


def rotate(q: torch.Tensor, k: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> tuple[Any, Any]:
    """Rotary position embedding of (rows, heads, tokens, size) by (rows, tokens, size), halves paired."""
    if _compiled(q):
        return compiled.rotate(q, k, cos, sin)
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)

    def turned(x: torch.Tensor) -> torch.Tensor:
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat((-b, a), -1) * sin

    return turned(q), turned(k)
