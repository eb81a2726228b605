"""Which requests an engine runs together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.types.answers import Request
from harness.types.data import Message


def longest_first(
    requests: Sequence[Request], length: Callable[[Sequence[Message]], int], size: int
) -> list[list[int]]:
    """Positions in batches of at most ``size``, each of one adapter and decoding, sorted by falling ``length`` (tokens).

    So padding is small, memory peaks at the start, and the last to start are the soonest done.
    """
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i, r in enumerate(requests):
        key = (r.adapter or "", r.decoding.temperature, r.decoding.max_new_tokens)
        groups.setdefault(key, []).append(i)
    plan = []
    for key in sorted(groups):
        order = sorted(groups[key], key=lambda i: (-length(requests[i].messages), requests[i].item))
        plan += [order[i : i + size] for i in range(0, len(order), size)]
    return plan
