"""What a server must survive: crowds, slow readers, dropped connections, a broken engine, its own end."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import openai
import psutil
import pytest
from fixtures.small_scenario import write_small_scenario

from serving.servers import Served, scripted, serving

pytestmark = pytest.mark.slow


def client(server: Served, timeout: float = 20) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.url, api_key="none", max_retries=0, timeout=timeout)


def say(server: Served, script: str) -> str:
    with client(server) as asking:
        answer = asking.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": script}]
        )
    return str(answer.choices[0].message.content)


def body(script: str, stream: bool = True) -> bytes:
    return json.dumps(
        {"model": "scripted", "stream": stream, "messages": [{"role": "user", "content": script}]}
    ).encode()


def raw(server: Served, script: str, *, stream: bool = True, buffer: int | None = None) -> socket.socket:
    """A connection that has sent a request and read nothing."""
    where = urlsplit(server.url)
    opened = socket.socket()
    if buffer:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    opened.connect((where.hostname, where.port))
    sent = body(script, stream)
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(sent)}\r\n\r\n"
    )
    opened.sendall(head.encode() + sent)
    return opened


def read_all(opened: socket.socket) -> int:
    """Bytes until the other side has closed, in whatever way."""
    opened.settimeout(20)
    count = 0
    try:
        while part := opened.recv(1 << 20):
            count += len(part)
    except ConnectionError:
        pass
    return count


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Served]:
    write_small_scenario(tmp_path / "small")
    environment = {"HARNESS_CACHE": str(tmp_path / "cache")}
    with serving(tmp_path / "small", "tuned-rag", cwd=tmp_path, environment=environment) as server:
        yield server


def test_200_clients_at_once_each_get_their_own_answer(crowded: Served) -> None:
    things = ("lamp", "chair", "table", "shelf", "mirror", "carpet", "clock", "stool", "bench", "vase")

    async def ask(asking: openai.AsyncOpenAI, n: int) -> str:
        messages = [{"role": "user", "content": f"how much is one {things[n % 10]} please"}]
        if n // 10 % 2:
            answer = await asking.chat.completions.create(model="tuned-rag", messages=messages)  # type: ignore[call-overload]
            return str(answer.choices[0].message.content)
        text = ""
        async with await asking.chat.completions.create(  # type: ignore[call-overload]
            model="tuned-rag", messages=messages, stream=True
        ) as stream:
            async for chunk in stream:
                text += chunk.choices[0].delta.content or ""
        return text

    async def crowd() -> list[str]:
        limits = httpx.Limits(max_connections=200)
        async with (
            httpx.AsyncClient(limits=limits, timeout=60) as http,
            openai.AsyncOpenAI(base_url=crowded.url, api_key="x", max_retries=0, http_client=http) as asking,
        ):
            return await asyncio.gather(*(ask(asking, n) for n in range(200)))

    answers = asyncio.run(crowd())
    assert len({answers[n] for n in range(10)}) == 10
    assert all(answers[n] == answers[n % 10] for n in range(200))
    assert crowded.metric('harness_requests_total{status="200"}') == 200
    assert crowded.settles(1)


def test_a_slow_reader_is_cut_off_and_holds_up_nobody() -> None:
    """Each answer is 16 MB, more than the sockets take, and nobody reads it."""
    with scripted(in_flight=4, stalled_s=1.0) as server, ExitStack() as open_:
        memory = psutil.Process(server.process.pid).memory_info
        peaks = []
        for round_ in range(1, 4):
            readers = [open_.enter_context(raw(server, "say 4000 0 4000", buffer=4096)) for _ in range(8)]
            start = time.monotonic()
            assert say(server, "say 3 0") == "word word word "
            assert time.monotonic() - start < 5
            end = time.monotonic() + 20
            while server.metric('harness_requests_total{status="499"}') < 8 * round_:
                assert time.monotonic() < end
                time.sleep(0.05)
            assert server.settles(1)
            peaks.append(memory().rss)
            assert all(read_all(r) < 16_000_000 for r in readers)
        assert peaks[-1] < 300_000_000  # the answers of all rounds are 384 MB


def test_a_reader_that_takes_its_time_is_not_cut_off() -> None:
    with scripted(stalled_s=1.0) as server, raw(server, "say 2000 0 4000", buffer=65536) as reader:
        count = 0
        reader.settimeout(10)
        while part := reader.recv(400_000):
            count += len(part)
            time.sleep(0.02)
            if b"[DONE]" in part:
                break
        assert count > 8_000_000


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_dropped_connections_free_the_engine(stream: bool) -> None:
    """Some are being answered for 100 s and some wait in the queue; all hang up."""
    with scripted(in_flight=8, queue=100) as server:
        gone = [raw(server, "say 100000 0.001", stream=stream) for _ in range(50)]
        while server.metric("harness_in_flight") < 8 or server.metric("harness_queued") < 42:
            time.sleep(0.02)
        for connection in gone:
            connection.close()
        assert server.settles(5)
        assert server.metric('harness_requests_total{status="499"}') == 50
        assert say(server, "say 2 0") == "word word "


def test_connections_that_say_nothing_or_half_are_no_trouble() -> None:
    with scripted(deadline_s=1.0) as server, ExitStack() as open_:
        where = urlsplit(server.url)
        for sent in (
            b"",
            b"POST /v1/chat",
            b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 99\r\n\r\n{",
        ):
            for _ in range(30):
                opened = open_.enter_context(socket.create_connection((where.hostname, where.port)))
                opened.sendall(sent)
        assert say(server, "say 2 0") == "word word "


def gone_within(connections: list[socket.socket], seconds: float) -> bool:
    """Whether the server has closed all of them by then."""
    end = time.monotonic() + seconds
    for connection in connections:
        connection.settimeout(max(0.01, end - time.monotonic()))
        try:
            while connection.recv(1000):  # a 400 for what was no request
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            continue
    return True


def test_who_does_not_end_a_request_is_cut_off() -> None:
    """By silence, by a header or body that comes byte by byte, on a new connection and on one used before."""
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with scripted(request_s=0.6) as server, ExitStack() as open_:
        where = urlsplit(server.url)

        def opened(sent: bytes) -> socket.socket:
            made = open_.enter_context(socket.create_connection((where.hostname, where.port)))
            made.sendall(sent)
            return made

        used = opened(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in used.recv(1000)
        answered = open_.enter_context(raw(server, "say 15 0.1"))  # a long answer is no slow request
        slow = [
            opened(sent)
            for sent in (b"", b"\r\n", b"POST /v1/ch", head, head + b"Content-Length: 99\r\n\r\n{")
        ]
        for _ in range(4):
            for connection in (*slow[2:], used):
                connection.sendall(b"x")
            time.sleep(0.1)
        assert gone_within([*slow, used], 1.5)
        text, answered_by = b"", time.monotonic() + 5
        while b"[DONE]" not in text and time.monotonic() < answered_by:
            text += answered.recv(1 << 16)
        assert b"[DONE]" in text
        assert say(server, "say 2 0") == "word word "
        assert server.settles(3)


def test_too_many_waiting_are_told_when_to_come_back() -> None:
    with scripted(in_flight=1, queue=2) as server, ExitStack() as open_:
        for _ in range(3):
            open_.enter_context(raw(server, "say 100000 0.001"))
        while server.metric("harness_queued") < 2:
            time.sleep(0.02)
        with pytest.raises(openai.RateLimitError) as raised:
            say(server, "say 1 0")
        assert int(raised.value.response.headers["retry-after"]) >= 1
        assert raised.value.code == "queue_full"


def test_at_the_end_those_answered_finish_and_those_waiting_are_sent_away() -> None:
    with scripted(in_flight=1) as server, ThreadPoolExecutor() as pool:
        answered = pool.submit(say, server, "say 50 0.02")
        while server.metric("harness_in_flight") < 1:
            time.sleep(0.02)
        waiting = pool.submit(say, server, "say 1 0")
        while server.metric("harness_queued") < 1:
            time.sleep(0.02)
        assert server.stop() == 0
        assert answered.result() == "word " * 50
        with pytest.raises(openai.InternalServerError) as raised:
            waiting.result()
        assert raised.value.status_code == 503
        assert raised.value.code == "shutting_down"
        assert int(raised.value.response.headers["retry-after"]) >= 1


def streamed(server: Served, script: str) -> tuple[int, openai.APIError]:
    """Words before the error that the stream ends in."""
    words = 0
    with client(server) as asking:
        try:
            for chunk in asking.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": script}], stream=True
            ):
                words += bool(chunk.choices[0].delta.content)
        except openai.APIError as e:
            return words, e
    raise AssertionError("the stream ended as if all were well")


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    with scripted(deadline_s=0.5) as server:
        for script in ("say 1 2", "say 100000 0.01"):
            with pytest.raises(openai.InternalServerError) as raised:
                say(server, script)
            assert raised.value.status_code == 504
            assert raised.value.code == "deadline_exceeded"
        words, error = streamed(server, "say 1 2")
        assert (words, getattr(error, "status_code", None)) == (0, 504)
        words, error = streamed(server, "say 100000 0.01")
        assert words > 10
        assert error.code == "deadline_exceeded"
        assert server.settles(5)
        assert server.metric('harness_requests_total{status="504"}') == 4


@pytest.mark.parametrize(
    ("script", "status", "said"), [("break", 502, "engine broke"), ("crash", 500, "its log")]
)
def test_a_broken_engine_is_told(script: str, status: int, said: str) -> None:
    with scripted() as server:
        for count in (0, 3):
            with pytest.raises(openai.InternalServerError, match=said) as raised:
                say(server, f"{script} {count}")
            assert raised.value.status_code == status
        words, error = streamed(server, f"{script} 0")
        assert (words, getattr(error, "status_code", None)) == (0, status)
        words, error = streamed(server, f"{script} 3")
        assert words == 3
        assert said in error.message
        assert server.settles(1)
        assert say(server, "say 1 0") == "word "


def test_a_lost_engine_is_told_and_seen(crowded: Served) -> None:
    [engine] = psutil.Process(crowded.process.pid).children()
    messages = [{"role": "user", "content": "how much is one lamp please"}]
    with client(crowded) as asking:
        asking.chat.completions.create(model="tuned-rag", messages=messages)  # type: ignore[call-overload]
        assert httpx.get(f"{crowded.root}/health").status_code == 200
        engine.kill()
        with pytest.raises(openai.InternalServerError, match="process has ended") as raised:
            asking.chat.completions.create(model="tuned-rag", messages=messages)  # type: ignore[call-overload]
    assert (raised.value.status_code, raised.value.code) == (503, "engine_lost")
    health = httpx.get(f"{crowded.root}/health")
    assert (health.status_code, health.json()["status"]) == (503, "broken")
    assert httpx.get(f"{crowded.root}/ready").status_code == 503
    assert crowded.stop() == 0


def test_a_killed_server_leaves_no_engine(crowded: Served) -> None:
    children = psutil.Process(crowded.process.pid).children()
    assert children
    crowded.process.kill()
    assert psutil.wait_procs(children, timeout=5)[1] == []
