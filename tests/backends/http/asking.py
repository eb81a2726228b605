"""Requests and engines for the tests of the HTTP engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.backends.http.backend import HttpBackend
from harness.errors import BackendError
from harness.types.answers import Generation, Request
from harness.types.data import Message
from harness.types.endpoint import Endpoint
from harness.types.settings import Decoding


def ask(question: str, tokens: int = 12, temperature: float = 0.0) -> Request:
    words = "Be brief and kind to the reader whoever it is that asks for something here today"
    messages = (Message(role="system", content=words), Message(role="user", content=question))
    decoding = Decoding(max_new_tokens=tokens, temperature=temperature)
    return Request(item=question, messages=messages, decoding=decoding)


def backend(url: str, tell: list[str] | None = None, **settings: Any) -> HttpBackend:
    endpoint = Endpoint(**{"base_url": url, "model": "m", **settings})
    return HttpBackend("one", endpoint, "fingerprint", 7, (tell if tell is not None else []).append)


def everything(engine: HttpBackend, requests: Sequence[Request]) -> list[Generation | BackendError]:
    """All results by place; fails where a place has more than one."""
    found: dict[int, Generation | BackendError] = {}

    def keep(place: int, result: Generation | BackendError) -> None:
        assert place not in found
        found[place] = result

    engine.generate(requests, keep)
    return [found[i] for i in range(len(requests))]
