"""The HTTP engine against real sockets: a server that answers, one that fails, and a proxy between."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Iterator
from typing import Any

import pytest
from aiohttp import web
from fixtures.endpoints import REFUSALS, FaultyProxy, Stub, event, said

from harness.backends.http.wire import body
from harness.errors import BackendError
from harness.types.answers import Generation
from harness.types.endpoint import Endpoint

from .asking import ask, backend, everything

REQUESTS = [ask(f"what does thing number {i} cost") for i in range(40)]


def expected(question: str) -> str:
    return " ".join(said(body(Endpoint(base_url="http://x", model="m"), ask(question), 7, stream=False)))


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as server:
        yield server


async def status(code: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message}}, status=code)


def always(code: int, message: str) -> Any:
    def reply(_: dict[str, Any]) -> Awaitable[web.Response]:
        return status(code, message)

    return reply


def test_each_request_gets_its_own_answer(stub: Stub) -> None:
    results = everything(backend(stub.url), REQUESTS)
    for request, g in zip(REQUESTS, results, strict=True):
        assert isinstance(g, Generation)
        assert g.text == expected(request.item)
        assert (g.attempts, g.refused, g.first_token_s, g.total_s) == (1, 0, None, None)
        assert g.cached_tokens == (g.prompt_tokens or 0) // 2 > 0
    assert len(stub.requests) == len(REQUESTS)


def test_so_many_fly_as_the_settings_say() -> None:
    with Stub(delay=0.05) as slow:
        everything(backend(slow.url, max_concurrency=7), REQUESTS)
        assert slow.most_at_once == 7


def test_answers_come_to_the_thread_that_asked(stub: Stub) -> None:
    threads = set()
    backend(stub.url).generate(REQUESTS, lambda *_: threads.add(threading.current_thread()))
    assert threads == {threading.current_thread()}


def test_nothing_is_known_of_tokens_before_asking(stub: Stub) -> None:
    assert backend(stub.url).count_tokens(REQUESTS[0].messages) is None


def test_warming_up_asks_for_no_answer_and_bears_a_server_that_is_not_there(stub: Stub) -> None:
    backend(stub.url).warm_up(REQUESTS[0])
    assert stub.requests == []
    backend("http://127.0.0.1:9/v1").warm_up(REQUESTS[0])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.slow
def test_faults_in_a_fifth_of_the_requests_lose_and_double_nothing(stub: Stub, stream: bool) -> None:
    with FaultyProxy(stub.url, 0.2, seed=3) as proxy:
        engine = backend(proxy.url, deadline_s=0.3, max_concurrency=8)
        results = [engine.time(r) for r in REQUESTS] if stream else everything(engine, REQUESTS)
        assert set(proxy.faults) == {"429", "500", "hang", "cut", "malformed"}
    for request, g in zip(REQUESTS, results, strict=True):
        assert isinstance(g, Generation)
        assert g.text == expected(request.item)
    refused = sum(proxy.faults[kind] for kind in REFUSALS)
    assert sum(g.refused for g in results) == refused
    assert sum(g.attempts for g in results) == proxy.requests - refused
    assert proxy.requests == len(REQUESTS) + proxy.faults.total()


def test_one_request_that_fails_does_not_fail_the_others() -> None:
    def reply(asked: dict[str, Any]) -> Awaitable[web.Response] | None:
        return status(400, "too long") if "number 3 " in asked["messages"][-1]["content"] else None

    with Stub(reply=reply) as server:
        results = everything(backend(server.url), REQUESTS)
    [failed] = [r for r in results if isinstance(r, BackendError)]
    assert failed is results[3]
    assert (str(failed), failed.attempts, failed.refused) == ("400 too long", 0, 1)


@pytest.mark.slow
def test_the_cap_on_repetitions_is_kept_and_counted() -> None:
    with Stub(reply=always(500, "sorry")) as server:
        [failed] = everything(backend(server.url, retries=2), REQUESTS[:1])
        assert len(server.requests) == 3
    assert isinstance(failed, BackendError)
    assert (str(failed), failed.attempts, failed.refused) == ("500 sorry (3 attempts)", 0, 3)


def test_a_request_past_its_deadline_is_dropped_and_counts_as_paid() -> None:
    with Stub(delay=30) as server:
        start = time.monotonic()
        [failed] = everything(backend(server.url, retries=0, deadline_s=0.2), REQUESTS[:1])
        assert time.monotonic() - start < 5
    assert isinstance(failed, BackendError)
    assert (str(failed), failed.attempts) == ("no whole answer within 0.2 s", 1)


def test_identical_errors_in_a_row_end_all_asking_and_it_is_said() -> None:
    notes: list[str] = []
    with Stub(reply=always(401, "bad key")) as server:
        engine = backend(server.url, notes, stop_after=4, max_concurrency=2)
        results = everything(engine, REQUESTS)
        assert 4 <= len(server.requests) <= 5
        with pytest.raises(BackendError, match="not asked"):
            engine.time(REQUESTS[0])
    why = "4 requests in a row failed with the same error: 401 bad key"
    assert notes == [f"endpoint one is asked nothing more: {why}"]
    unasked = [r for r in results if isinstance(r, BackendError) and str(r) == f"not asked: {why}"]
    assert len(unasked) >= 35
    assert {(r.attempts, r.refused) for r in unasked} == {(0, 0)}


def test_a_server_that_is_not_there_is_an_error_not_a_crash() -> None:
    [failed] = everything(backend("http://127.0.0.1:9/v1", retries=0), REQUESTS[:1])
    assert isinstance(failed, BackendError)
    assert "the connection failed before any answer" in str(failed)


@pytest.mark.parametrize("said", [b"", b"garbage\n\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
def test_what_is_no_http_is_an_error_not_a_crash(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            for _ in range(2):
                connection, _ = door.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(said)

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{door.getsockname()[1]}/v1"
        [failed] = everything(backend(url, retries=1), REQUESTS[:1])
    assert isinstance(failed, BackendError)
    assert "the connection failed" in str(failed)


@pytest.mark.slow
def test_a_busy_server_gets_less_at_once_and_is_left_alone_as_it_asks() -> None:
    notes: list[str] = []
    with Stub(delay=0.01) as stub, FaultyProxy(stub.url, 0.3, seed=1, faults=("429",)) as proxy:
        results = everything(backend(proxy.url, notes, max_concurrency=32), REQUESTS)
    assert all(isinstance(r, Generation) for r in results)
    assert notes[0] == (
        "endpoint one is busy (429 Rate limit reached): now at most 16 requests at once, "
        "after a pause of 0.02 s that it asks for"
    )


def test_a_cut_stream_is_not_repeated_once_text_went_out(stub: Stub) -> None:
    with FaultyProxy(stub.url, 1.0, faults=("cut",)) as proxy:
        parts = backend(proxy.url).stream(REQUESTS[0])
        with pytest.raises(BackendError, match="while the answer came"):
            list(parts)
        assert proxy.requests == 1


def test_a_stream_without_end_is_cut_at_the_deadline() -> None:
    class Endless(Stub):
        async def answer(self, request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(event({"choices": [{"delta": {"content": "more "}}]}))
                await asyncio.sleep(0.01)

    with Endless() as server, pytest.raises(BackendError, match=r"no whole answer within 0\.2 s"):
        backend(server.url, retries=0, deadline_s=0.2).time(REQUESTS[0])


def test_a_redirect_is_not_followed(stub: Stub) -> None:
    class Elsewhere(Stub):
        async def answer(self, request: web.Request) -> web.StreamResponse:
            return web.Response(status=307, headers={"Location": f"{stub.url}/chat/completions"})

    with Elsewhere() as server:
        [failed] = everything(backend(server.url, retries=0), REQUESTS[:1])
    assert isinstance(failed, BackendError)
    assert str(failed).startswith("307")
    assert stub.requests == []


def test_a_key_goes_out_and_never_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-live-0123456789abcdef"
    monkeypatch.setenv("SOME_KEY", f"{key}\n")
    monkeypatch.setenv("OPENAI_API_KEY", "another")
    monkeypatch.setenv("OPENAI_ORG_ID", "an-organisation")

    def reply(asked: dict[str, Any]) -> Awaitable[web.Response] | None:
        first = asked["messages"][-1]["content"] == "fail"
        return status(401, f"wrong key {key}, Bearer {key}") if first else None

    with Stub(reply=reply) as server:
        engine = backend(server.url, key="SOME_KEY")
        failed, said_back = everything(engine, [ask("fail"), ask(f"say {key} " * 12)])
        *pieces, _ = engine.stream(ask(f"say {key} " * 12))
        plain = everything(backend(server.url), [ask("no key")])
    assert isinstance(failed, BackendError)
    assert str(failed) == "401 wrong key [key], Bearer [key]"
    assert isinstance(said_back, Generation)
    assert "[key]" in said_back.text
    assert key not in said_back.text + "".join(map(str, pieces))
    assert server.headers[0]["Authorization"] == f"Bearer {key}"
    assert "Authorization" not in server.headers[-1]
    assert not [h for h in server.headers if "OpenAI-Organization" in h]
    assert isinstance(plain[0], Generation)
