"""Triton's side of ``kernels.py``; imported only where Triton is."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

_PLACES = 64
"""Keys read at once."""
_PROGRAMS = 528
"""About four for each of an H100's 132 multiprocessors: enough loads in flight to fill its memory bus."""


@triton.jit
def _store(
    keys, key, values, value, lengths, key_row, key_head, value_row, value_head, row_size, head_size, place_size,
    size, BLOCK: tl.constexpr,
):  # fmt: skip
    row, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    lane = tl.arange(0, BLOCK)
    inside = lane < size
    to = row * row_size + head * head_size + tl.load(lengths + row) * place_size + lane
    tl.store(keys + to, tl.load(key + row * key_row + head * key_head + lane, mask=inside), mask=inside)
    tl.store(
        values + to, tl.load(value + row * value_row + head * value_head + lane, mask=inside), mask=inside
    )


def store_token(
    keys: torch.Tensor, key: torch.Tensor, values: torch.Tensor, value: torch.Tensor, lengths: torch.Tensor
) -> None:
    rows, heads, _, size = key.shape
    _store[(rows, heads)](
        keys, key, values, value, lengths, key.stride(0), key.stride(1), value.stride(0), value.stride(1),
        *keys.stride()[:3], size, BLOCK=triton.next_power_of_2(size),
    )  # fmt: skip


@triton.jit
def _attend(
    query, keys, values, lengths, sums, tops, shares, scale, window, query_row, query_head, row_size, head_size,
    place_size, size, heads, splits,
    GROUP: tl.constexpr, HEADS: tl.constexpr, SIZE: tl.constexpr, PLACES: tl.constexpr,
):  # fmt: skip
    """A part of one row's tokens for the ``GROUP`` heads that share keys; after Dao et al. 2023 (flash-decoding)."""
    row, shared, split = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    end = tl.load(lengths + row) + 1
    start = tl.where(window > 0, tl.maximum(end - window, 0), 0)
    part = tl.cdiv(tl.cdiv(end - start, splits), PLACES) * PLACES
    first = start + split * part
    last = tl.minimum(first + part, end)
    head, lane = tl.arange(0, HEADS), tl.arange(0, SIZE)
    real = (head[:, None] < GROUP) & (lane[None, :] < size)
    from_head = (shared * GROUP + head[:, None]) * query_head
    q = tl.load(query + row * query_row + from_head + lane[None, :], mask=real, other=0.0)
    base = row * row_size + shared * head_size
    total = tl.zeros([HEADS, SIZE], tl.float32)
    top = tl.full([HEADS], -float("inf"), tl.float32)
    share = tl.zeros([HEADS], tl.float32)
    for place in range(first, last, PLACES):
        at = place + tl.arange(0, PLACES)
        here = (at[:, None] < last) & (lane[None, :] < size)
        offset = base + at[:, None] * place_size + lane[None, :]
        k = tl.load(keys + offset, mask=here, other=0.0)
        v = tl.load(values + offset, mask=here, other=0.0)
        if GROUP == 1:
            score = tl.sum(q.to(tl.float32) * k.to(tl.float32), 1)[None, :] * scale
        else:
            score = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        score = tl.where(at[None, :] < last, score, -float("inf"))
        higher = tl.maximum(top, tl.max(score, 1))
        shrink = tl.exp(top - higher)
        weight = tl.exp(score - higher[:, None])
        share = share * shrink + tl.sum(weight, 1)
        if GROUP == 1:
            seen = tl.sum(tl.trans(weight) * v.to(tl.float32), 0)[None, :]
        else:
            seen = tl.dot(weight.to(v.dtype), v, input_precision="ieee")
        total = total * shrink[:, None] + seen
        top = higher
    to = (row * heads + shared * GROUP + head) * splits + split
    tl.store(sums + to[:, None] * size + lane[None, :], total, mask=real)
    tl.store(tops + to, top, mask=head < GROUP)
    tl.store(shares + to, share, mask=head < GROUP)


@triton.jit
def _join(sums, tops, shares, out, size, splits, SIZE: tl.constexpr, SPLITS: tl.constexpr):
    """The parts of one head's tokens into its output."""
    at = tl.program_id(0).to(tl.int64)
    split, lane = tl.arange(0, SPLITS), tl.arange(0, SIZE)
    top = tl.load(tops + at * splits + split, mask=split < splits, other=-float("inf"))
    weight = tl.exp(top - tl.max(top, 0))
    share = tl.load(shares + at * splits + split, mask=split < splits, other=0.0)
    real = (split[:, None] < splits) & (lane[None, :] < size)
    total = tl.load(sums + (at * splits + split[:, None]) * size + lane[None, :], mask=real, other=0.0)
    found = tl.sum(total * weight[:, None], 0) / tl.sum(share * weight, 0)
    tl.store(out + at * size + lane, found.to(out.dtype.element_ty), mask=lane < size)


def attend(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    window: int | None,
) -> torch.Tensor:
    rows, heads, _, size = query.shape
    shared = keys.shape[1]
    splits = max(1, min(32, _PROGRAMS // (rows * shared)))
    sums = query.new_empty((rows, heads, splits, size), dtype=torch.float32)
    tops, shares = sums.new_empty((rows, heads, splits)), sums.new_empty((rows, heads, splits))
    out = query.new_empty((rows, 1, heads, size))
    group, wide = heads // shared, triton.next_power_of_2(size)
    _attend[(rows, shared, splits)](
        query, keys, values, lengths, sums, tops, shares, scale, window or 0,
        query.stride(0), query.stride(1), *keys.stride()[:3], size, heads, splits,
        GROUP=group, HEADS=1 if group == 1 else max(16, triton.next_power_of_2(group)), SIZE=wide, PLACES=_PLACES,
    )  # fmt: skip
    _join[(rows * heads,)](
        sums, tops, shares, out, size, splits, SIZE=wide, SPLITS=triton.next_power_of_2(splits)
    )
    return out


@triton.jit
def _silu_times(both, out, size, BLOCK: tl.constexpr):
    row, lane = tl.program_id(0).to(tl.int64), tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = lane < size
    gate = tl.load(both + row * 2 * size + lane, mask=inside, other=0.0)
    up = tl.load(both + row * 2 * size + size + lane, mask=inside, other=0.0)
    wide = gate.to(tl.float32)
    opened = (wide / (1.0 + tl.exp(-wide))).to(gate.dtype)
    tl.store(out + row * size + lane, opened * up, mask=inside)


def silu_times(both: torch.Tensor) -> torch.Tensor:
    size = both.shape[-1] // 2
    out = both.new_empty((*both.shape[:-1], size))
    _silu_times[(out.numel() // size, triton.cdiv(size, 1024))](both.contiguous(), out, size, BLOCK=1024)
    return out


@triton.jit
def _rms_norm(x, weight, out, size, eps, BLOCK: tl.constexpr):
    row, lane = tl.program_id(0).to(tl.int64), tl.arange(0, BLOCK)
    inside = lane < size
    given = tl.load(x + row * size + lane, mask=inside, other=0.0)
    wide = given.to(tl.float32)
    normed = (wide * tl.rsqrt(tl.sum(wide * wide, 0) / size + eps)).to(given.dtype)
    tl.store(out + row * size + lane, tl.load(weight + lane, mask=inside) * normed, mask=inside)


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    size = x.shape[-1]
    x = x.contiguous()
    out = torch.empty_like(x)
    block = triton.next_power_of_2(size)
    _rms_norm[(x.numel() // size,)](
        x, weight, out, size, eps, BLOCK=block, num_warps=8 if block > 2048 else 4
    )
    return out


@triton.jit
def _rotate(
    q, k, cos, sin, new_q, new_k, tokens, q_heads, half, cos_row, q_row, q_head, q_token, k_row, k_head, k_token,
    q_out_row, q_out_head, k_out_row, k_out_head, BLOCK: tl.constexpr,
):  # fmt: skip
    at, head = tl.program_id(0), tl.program_id(1)
    row, token = (at // tokens).to(tl.int64), at % tokens
    lane = tl.arange(0, BLOCK)
    inside = lane < half
    angle = row * cos_row + token * 2 * half + lane
    c1, c2 = tl.load(cos + angle, mask=inside), tl.load(cos + angle + half, mask=inside)
    s1, s2 = tl.load(sin + angle, mask=inside), tl.load(sin + angle + half, mask=inside)
    if head < q_heads:
        given = q + row * q_row + head * q_head + token * q_token + lane
        made = new_q + row * q_out_row + head * q_out_head + token * 2 * half + lane
    else:
        given = k + row * k_row + (head - q_heads) * k_head + token * k_token + lane
        made = new_k + row * k_out_row + (head - q_heads) * k_out_head + token * 2 * half + lane
    a, b = tl.load(given, mask=inside), tl.load(given + half, mask=inside)
    tl.store(made, a * c1 + (-b) * s1, mask=inside)
    tl.store(made + half, b * c2 + a * s2, mask=inside)


def rotate(
    q: torch.Tensor, k: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    rows, heads, tokens, size = q.shape
    new_q, new_k = q.new_empty(q.shape), k.new_empty(k.shape)
    _rotate[(rows * tokens, heads + k.shape[1])](
        q, k, cos.contiguous(), sin.contiguous(), new_q, new_k, tokens, heads, size // 2,
        cos.stride(0) if cos.shape[0] > 1 else 0,
        *q.stride()[:3], *k.stride()[:3], *new_q.stride()[:2], *new_k.stride()[:2],
        BLOCK=triton.next_power_of_2(size // 2),
    )  # fmt: skip
    return new_q, new_k
