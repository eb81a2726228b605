"""A model behind an OpenAI-compatible server: where it is, what it is asked with and how hard."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from harness.types.record import Record

_SET_BY_HARNESS = ("messages", "model", "n", "stream", "stream_options")


def _base_url(url: str) -> str:
    """Messages do not repeat the text: it may hold a password."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        sound = False
    if not sound or not url.isprintable() or " " in url:
        raise ValueError("must be the address of a server, such as https://api.openai.com/v1")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("must hold no user name, password, query or fragment; a key is named by `key`")
    return url.rstrip("/")


def _variable(name: object) -> object:
    """A key that was written here by mistake is not repeated in the message."""
    if name is not None and not (isinstance(name, str) and re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", name)):
        raise ValueError("must be the name of an environment variable in capitals, never the key itself")
    return name


def _options(options: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if taken := sorted(set(options) & set(_SET_BY_HARNESS)):
        raise ValueError(f"{taken[0]!r} is set by the harness")
    return options


class Endpoint(Record):
    """OpenAI, vLLM, TGI, llama.cpp, Ollama or whatever else speaks the chat completions protocol."""

    base_url: Annotated[str, AfterValidator(_base_url)]
    """Up to and including ``/v1``."""
    model: Annotated[str, Field(min_length=1)]
    """As the server names it."""
    key: Annotated[str | None, BeforeValidator(_variable)] = None
    """Name of the environment variable that holds the key; None sends no key."""
    max_concurrency: Annotated[int, Field(ge=1, le=512)] = 16
    """Requests in flight at most; fewer while the server says that it is busy."""
    deadline_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """From sending a request to its last token; what takes longer is dropped and asked again."""
    retries: Annotated[int, Field(ge=0, le=20)] = 6
    """How often a request that failed for a passing reason is sent again."""
    stop_after: Annotated[int, Field(ge=1, le=1000)] = 5
    """So many requests in a row that failed for good with the same error, and nothing more is asked."""
    json_schema: dict[str, JsonValue] | None = None
    """JSON schema that the answer must keep to, for servers with structured output."""
    tools: tuple[dict[str, JsonValue], ...] = ()
    """Functions that the model may call, as the protocol writes them; the calls are recorded, not made."""
    logprobs: bool = False
    """Record the log probability of each answer."""
    options: Annotated[dict[str, JsonValue], AfterValidator(_options)] = {}
    """Further fields of the request, such as ``top_p``; they replace the harness' own, and null removes one."""

    def asked(self) -> dict[str, object]:
        """The part that can change an answer."""
        limits = {"key", "max_concurrency", "deadline_s", "retries", "stop_after"}
        return self.model_dump(mode="json", exclude=limits)
