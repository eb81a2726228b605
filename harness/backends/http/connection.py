"""The wire itself: OpenAI's client on aiohttp, its repetitions switched off, and what can break on it.

Its own repetitions would be neither counted nor bounded by the whole. aiohttp's transport takes half the processor time
of httpx' own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI, DefaultAioHttpClient

from harness.backends.http.fault import Fault, refused, short
from harness.backends.http.wire import malformed
from harness.types.endpoint import Endpoint

_CONNECT_S = 10.0
_DRAIN_S = 0.1
_LARGEST_REPLY = 16 * 2**20
_LARGEST_ERROR = 100_000


class Connection:
    """To one endpoint, shared by all its requests; used in one event loop."""

    def __init__(self, endpoint: Endpoint, key: str):
        self._client = _client(endpoint, key)
        # The library wants a missing key to be meant, in every request.
        self._options: Any = {} if key else {"headers": {"Authorization": openai.Omit()}}

    async def open(self) -> None:
        """Make a connection by a question that costs nothing; whether the server knows it does not matter."""
        with suppress(openai.OpenAIError, aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(_CONNECT_S):
                await self._client.get("/models", cast_to=httpx2.Response, options=self._options)

    async def close(self) -> None:
        await self._client.close()

    @asynccontextmanager
    async def post(self, fields: dict[str, Any]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of the server's response, as it comes; raises Fault for an error, in the status or later."""
        try:
            response = await self._client.post(
                "/chat/completions",
                cast_to=httpx2.Response,
                body=fields,
                options=self._options,
                stream=True,  # in either case: what is read is bounded here
                stream_cls=openai.AsyncStream[Any],
            )
        except openai.APIStatusError as e:
            raise refused(e.status_code, e.response.content[:_LARGEST_ERROR], e.response.headers) from None
        except (openai.APIConnectionError, aiohttp.ClientError) as e:
            raise _broken(e.__cause__ or e, answering=False) from None
        except (openai.OpenAIError, httpx2.InvalidURL, UnicodeError) as e:
            raise Fault(f"cannot be sent: {short(str(e))}", again=False, paid=False) from None
        assert isinstance(response, httpx2.Response)  # as `cast_to` asks
        try:
            yield _bounded(response.aiter_bytes())
        except (httpx2.HTTPError, aiohttp.ClientError) as e:
            raise _broken(e, answering=True) from None
        finally:
            await response.aclose()


async def _bounded(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > _LARGEST_REPLY:
            malformed(f"more than {_LARGEST_REPLY} bytes")
        yield chunk


async def drain(chunks: AsyncIterator[bytes]) -> None:
    """The few bytes after the end, so that the connection can be used again; not waited for long."""
    with suppress(TimeoutError, httpx2.HTTPError, aiohttp.ClientError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in chunks:
                pass


def _client(endpoint: Endpoint, key: str) -> AsyncOpenAI:
    """Redirects are not followed: the text goes to the named host or nowhere."""
    n = endpoint.max_concurrency
    http = DefaultAioHttpClient(
        timeout=httpx2.Timeout(None, connect=_CONNECT_S),
        limits=httpx2.Limits(max_connections=n + 1, max_keepalive_connections=n, keepalive_expiry=60.0),
        follow_redirects=False,
    )
    # All is given, or the library takes it from its own variables, which are meant for another host.
    headers: dict[str, Any] = dict.fromkeys(("OpenAI-Organization", "OpenAI-Project"), openai.Omit())
    headers["Authorization"] = f"Bearer {key}" if key else openai.Omit()
    return AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=key or "none",
        max_retries=0,
        http_client=http,
        default_headers=headers,
    )


def _broken(error: BaseException, answering: bool) -> Fault:
    """A connection that could not be made or broke. Before any byte of an answer it was most often one that the server
    had closed after the request before (llama.cpp does so without a word): no work was done for it."""
    what = short(str(error)) or type(error).__name__
    when = "while the answer came" if answering else "before any answer"
    return Fault(f"the connection failed {when}: {what}", again=True, paid=answering)
