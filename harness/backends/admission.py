"""When the requests of a batch enter the engine, and how its time is shared among them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.store import fingerprint

BLOCK = 32
"""Positions in a block of the engine's cache on a CPU; whole blocks are what prompts can share."""


class Admission:
    """Lets a request in when the beginning that it shares with an earlier one has been computed.

    The engine looks for computed blocks when a request enters: two that enter together compute a common system
    prompt or passage twice. The order depends on prompts and answers alone, so the same batch runs the same way.
    """

    def __init__(self, prompts: Sequence[Sequence[int]], step_tokens: int, at_once: int):
        self._blocks = [_beginnings(p) for p in prompts]
        self._lengths = [len(p) for p in prompts]
        self._step_tokens, self._at_once = step_tokens, at_once
        self._known: set[str] = set()
        self._left: dict[int, int] = {}
        """Requests that are read at the moment, and how many tokens of the prompt that takes."""
        self._answering: set[int] = set()
        self.waiting = list(range(len(prompts)))

    def next(self) -> list[int]:
        """Requests to add before the next step."""
        admitted = []
        budget = self._step_tokens - sum(self._left.values()) - len(self._answering)
        coming = {b for i in self._left for b in self._blocks[i]} - self._known
        for i in list(self.waiting):
            if len(self._left) + len(self._answering) >= self._at_once or (budget <= 0 and self._left):
                break
            shared = sum(b in self._known for b in self._blocks[i])
            if shared < len(self._blocks[i]) and self._blocks[i][shared] in coming:
                continue
            self._left[i] = self._lengths[i] - shared * BLOCK
            budget -= self._left[i]
            coming |= set(self._blocks[i]) - self._known
            self.waiting.remove(i)
            admitted.append(i)
        return admitted

    def shares(self) -> dict[int, float]:
        """Share of the step just made of each request: by the tokens that it computed."""
        tokens = {**{i: max(1, n) for i, n in self._left.items()}, **dict.fromkeys(self._answering, 1)}
        return {i: n / sum(tokens.values()) for i, n in tokens.items()}

    def computed(self, i: int) -> None:
        """The whole prompt of request ``i`` has been read."""
        if self._left.pop(i, None) is not None:
            self._known.update(self._blocks[i])
            self._answering.add(i)

    def finished(self, i: int) -> None:
        self._left.pop(i, None)
        self._answering.discard(i)


def _beginnings(prompt: Sequence[int]) -> list[str]:
    """A key for each whole block, of all tokens up to its end."""
    keys, key = [], ""
    for end in range(BLOCK, len(prompt) + 1, BLOCK):
        key = fingerprint(key, list(prompt[end - BLOCK : end]))
        keys.append(key)
    return keys
