"""One streaming chat completion, timed piece by piece. Never retries: a retry would hide what a user waits for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from harness.errors import HarnessError
from harness.types.load import Prompt

LONGEST_LINE = 1 << 20
LONGEST_REPLY = 4 << 20
"""Bytes after which a reply is given up: a server under test is not trusted to end."""


@dataclass
class Reply:
    """What came back; times are of ``clock``."""

    sent: float
    token_times: list[float] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    end: float = 0.0
    error: str | None = None


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server."""

    base_url: str
    """Ends in ``/v1``."""
    model: str
    max_tokens: int
    temperature: float
    timeout_s: float
    key: str | None = field(default=None, repr=False)
    """Sent as a bearer token; never told."""

    def body(self, prompt: Prompt) -> bytes:
        """Rendered before the clock starts."""
        return json.dumps(
            {
                "model": self.model,
                "messages": [m.model_dump() for m in prompt.messages],
                "max_tokens": self.max_tokens,
                "temperature": self.temperature,
                "stream": True,
                "stream_options": {"include_usage": True},
            }
        ).encode()


def open_session(key: str | None) -> aiohttp.ClientSession:
    """Without a cap on connections, because a cap would close the loop."""
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    return aiohttp.ClientSession(
        connector=connector, headers=headers, timeout=aiohttp.ClientTimeout(total=None)
    )


async def served_model(base_url: str, key: str | None) -> str:
    """The first model that the server lists; raises HarnessError where it does not answer."""
    try:
        async with (
            open_session(key) as session,
            asyncio.timeout(20),
            session.get(f"{base_url}/models", allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise HarnessError(
                    f"{base_url}/models answers {response.status}; name the model with --model"
                )
            found = json.loads(await response.content.read(LONGEST_LINE))
            return str(found["data"][0]["id"])
    except (aiohttp.ClientError, OSError, TimeoutError) as e:
        raise HarnessError(f"{base_url} does not answer ({_named(e)}); is the server running?") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise HarnessError(f"{base_url}/models lists no model; name it with --model") from None


async def ask(
    session: aiohttp.ClientSession, endpoint: Endpoint, body: bytes, clock: Callable[[], float]
) -> Reply:
    """Send ``body`` and read the reply to its end; what goes wrong is in ``error``."""
    reply = Reply(sent=clock())
    url = f"{endpoint.base_url}/chat/completions"
    try:
        async with (
            asyncio.timeout(endpoint.timeout_s),
            session.post(url, data=body, allow_redirects=False) as response,
        ):
            if response.status != 200:
                reply.error = f"status {response.status}"
            else:
                await _read(response, reply, clock)
    except TimeoutError:
        reply.error = f"no whole reply in {endpoint.timeout_s:g} s"
    except (aiohttp.ClientError, OSError) as e:
        reply.error = _named(e)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        reply.error = "malformed reply"
    reply.end = clock()
    if reply.error is None and not reply.token_times:
        reply.error = "empty reply"
    return reply


def _named(error: BaseException) -> str:
    """Kind of a failure without addresses or what a server sent, so that equal ones count together."""
    return type(error).__name__


async def _read(response: aiohttp.ClientResponse, reply: Reply, clock: Callable[[], float]) -> None:
    rest, size = b"", 0
    finished = False
    async for data in response.content.iter_any():
        now = clock()
        size += len(data)
        *whole, rest = (rest + data).split(b"\n")
        if size > LONGEST_REPLY or len(rest) > LONGEST_LINE:
            reply.error = "endless reply"
            return
        for line in whole:
            if line.startswith(b"data:"):
                finished = _event(line[5:].strip(), reply, now) or finished
        if reply.error:
            return
    if not finished:
        reply.error = "reply cut off"


def _event(data: bytes, reply: Reply, now: float) -> bool:
    """One server-sent event; True where it says that the reply is whole."""
    if data == b"[DONE]":
        return True
    event: Any = json.loads(data)
    if event.get("error"):
        reply.error = "error in the stream"
        return False
    if usage := event.get("usage"):
        reply.prompt_tokens, reply.output_tokens = _count(usage, "prompt"), _count(usage, "completion")
    finished = False
    for choice in event.get("choices") or ():
        text = (choice.get("delta") or {}).get("content")
        if text:
            reply.token_times.append(now)
            reply.pieces.append(str(text))
        finished = finished or choice.get("finish_reason") is not None
    return finished


def _count(usage: dict[str, Any], what: str) -> int | None:
    found = usage.get(f"{what}_tokens")
    return found if isinstance(found, int) and found >= 0 else None
