"""Tokens of a ``generate`` that runs in a thread of its own, read as pieces of text while it goes on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import torch
from transformers import StoppingCriteria

from harness.backends.prompts import ChatPrompts


class TokenPipe:
    """A streamer for ``generate`` whose new tokens are read from another thread."""

    def __init__(self, generate: Callable[[Any, StoppingCriteria], list[int]], prompts: ChatPrompts):
        """``generate`` takes this as its streamer, and what stops it early; returns all new tokens."""
        self._generate, self._prompts = generate, prompts
        self._tokens: queue.Queue[Any] = queue.Queue()
        self._dropped = _Dropped()
        self._prompt = True
        self.all: list[int] = []
        """Every new token, once the pieces have ended."""

    def put(self, value: Any) -> None:
        if self._prompt:  # the first call brings the prompt
            self._prompt = False
        else:
            self._tokens.put(int(value.item()))

    def end(self) -> None:
        pass

    def pieces(self) -> Generator[str, None, None]:
        """Text as it comes; the sum is that of all tokens with blanks at both ends left out.

        Closing it stops the generation. Raises what ``generate`` raises.
        """
        worker = threading.Thread(target=self._work, daemon=True)
        worker.start()
        try:
            yield from self._read()
        finally:
            self._dropped.told = True
            worker.join()

    def _work(self) -> None:
        try:
            self._tokens.put(self._generate(self, self._dropped))
        except Exception as e:
            self._tokens.put(e)  # raised again where the pieces are read

    def _read(self) -> Iterator[str]:
        pieces = self._prompts.pieces()
        while isinstance(got := self._tokens.get(), int):
            if piece := pieces.put(got):
                yield piece
        if isinstance(got, Exception):
            raise got
        self.all = got
        if rest := pieces.rest(self._prompts.text(got)):
            yield rest


class _Dropped(StoppingCriteria):
    """Ends a generation that nobody waits for any more."""

    told = False

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        return torch.full((input_ids.shape[0],), self.told, device=input_ids.device)
