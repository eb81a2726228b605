"""The streaming client against servers that behave and servers that do not; real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import pytest

from harness.errors import HarnessError
from harness.load import client
from harness.load.client import Endpoint, Reply, ask, open_session, served_model
from harness.types.data import Message
from harness.types.load import Prompt

PROMPT = Prompt(messages=(Message(role="user", content="hi"),))
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def piece(text: str | None, **more: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}, **more}]}).encode() + b"\n\n"


def answering(*parts: bytes | float, head: bytes = HEAD) -> Talk:
    """Writes the parts in turn; a number is a pause."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        for part in parts:
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
            else:
                await asyncio.sleep(part)
        writer.close()

    return talk


def asked(talk: Talk, timeout: float = 5.0) -> Reply:
    async def run() -> Reply:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        where = Endpoint(url, "m", 8, 0.0, timeout, "secret")
        async with open_session("secret") as session:
            reply = await ask(session, where, where.body(PROMPT), time.perf_counter)
        server.close()
        return reply

    return asyncio.run(run())


def test_pieces_are_timed_as_they_come() -> None:
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}\n\n'
    end = (piece(None, finish_reason="stop"), usage, b"data: [DONE]\n\n")
    reply = asked(answering(piece(""), 0.05, piece("a"), 0.05, piece("b"), *end))
    assert reply.error is None
    assert reply.pieces == ["a", "b"]
    assert (reply.prompt_tokens, reply.output_tokens) == (7, 5)
    assert reply.token_times[0] - reply.sent >= 0.045
    assert reply.token_times[1] - reply.token_times[0] >= 0.045


def test_an_event_may_come_in_parts() -> None:
    event = piece("whole", finish_reason="length")
    reply = asked(answering(event[:9], 0.01, event[9:20], 0.01, event[20:]))
    assert (reply.error, reply.pieces) == (None, ["whole"])


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ((piece("a"),), "reply cut off"),
        ((piece(None, finish_reason="stop"),), "empty reply"),
        ((b"data: {\n\n",), "malformed reply"),
        ((b"data: [1]\n\n",), "malformed reply"),
        ((b'data: {"choices": 3}\n\n',), "malformed reply"),
        ((b'data: {"choices": [null]}\n\n',), "malformed reply"),
        ((b"data: " + b"[" * 100_000 + b"\n\n",), "malformed reply"),
        ((piece("a"), b'data: {"error": {"message": "secret things"}}\n\n'), "error in the stream"),
    ],
)
def test_what_is_not_a_whole_reply_is_an_error(parts: tuple[bytes, ...], error: str) -> None:
    assert asked(answering(*parts)).error == error


def test_an_endless_reply_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LONGEST_REPLY", 10_000)
    assert asked(answering(*[piece("x" * 100)] * 200)).error == "endless reply"
    monkeypatch.setattr(client, "LONGEST_LINE", 1000)
    assert asked(answering(b"data: " + b"x" * 5000)).error == "endless reply"


def test_a_refusal_a_hang_and_a_redirect_are_errors() -> None:
    busy = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    assert asked(answering(head=busy)).error == "status 503"
    assert asked(answering(1.0, head=b""), timeout=0.1).error == "no whole reply in 0.1 s"
    away = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    assert asked(answering(head=away)).error == "status 302", "a key must not follow a redirect"
    assert asked(answering(head=b"garbage\r\n\r\n")).error is not None


def test_a_server_that_is_not_there_is_an_error() -> None:
    where = Endpoint("http://127.0.0.1:9/v1", "m", 8, 0.0, 5.0)

    async def run() -> Reply:
        async with open_session(None) as session:
            return await ask(session, where, where.body(PROMPT), time.perf_counter)

    assert asyncio.run(run()).error == "ClientConnectorError"
    with pytest.raises(HarnessError, match="is the server running"):
        asyncio.run(served_model("http://127.0.0.1:9/v1", None))


def test_the_key_is_never_shown() -> None:
    assert "secret" not in repr(Endpoint("http://x/v1", "m", 8, 0.0, 5.0, "secret"))
