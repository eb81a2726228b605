"""The server around the application: socket, signals, slow readers, an orderly end."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable
from types import FrameType

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from harness.errors import HarnessError, InputError
from harness.serving.limits import REQUEST_S, STALLED_S

MAX_CONNECTIONS = 1000
"""Open connections, beyond which new ones are refused with 503."""
GRACE_S = 10
"""What requests that are being answered get to end in when the server is stopped."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that is taken but does not listen yet; port 0 is any free one."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # With the protocol named: asyncio switches Nagle's algorithm off only where it is TCP's, and small events
        # would otherwise wait up to 40 ms for the client's delayed acknowledgement.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except socket.gaierror as e:
        raise InputError(f"--host {host}: {e.strerror}") from None
    except OSError as e:
        raise HarnessError(
            f"cannot listen on {host} port {port}: {e.strerror}; choose another --port, or 0 for any free one"
        ) from None
    return bound


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url_of(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if bound.family == socket.AF_INET6 else f"http://{host}:{port}"


def run(
    app: FastAPI,
    bound: socket.socket,
    ready: Callable[[], None],
    close: Callable[[], None] = lambda: None,
    stalled: float = STALLED_S,
    request: float = REQUEST_S,
) -> None:
    """Serve until SIGTERM or Ctrl-C.

    ``ready`` is called once connections are taken, ``close`` in the event loop when the end has come; a reader who
    takes nothing for ``stalled`` seconds is cut off, and a sender whose request is not whole after ``request``.
    """

    class Protocol(_CutsOff):
        stalled_s, request_s = stalled, request

    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_S,
    )
    _Server(config, close, ready).run([bound])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, close: Callable[[], None], ready: Callable[[], None]):
        super().__init__(config)
        self._close, self._ready = close, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Not the parent's, which kills the process by the same signal once all is closed."""
        self._loop.call_soon_threadsafe(self._close)
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


class _CutsOff(H11Protocol):
    """Closes the connection of a reader that has stopped reading, whose answer would be kept for ever, and of a
    sender that does not come to the end of a request, who would keep one of the server's connections.
    """

    stalled_s: float
    request_s: float
    _timer: asyncio.TimerHandle | None = None
    _coming: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._coming = self.loop.call_later(self.request_s, transport.abort)

    def data_received(self, data: bytes) -> None:
        if self.timeout_keep_alive_task is not None:  # so far it was between two requests
            self._all_came()
        super().data_received(data)

    def handle_events(self) -> None:
        """Called whenever bytes have come or a response is complete."""
        super().handle_events()
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            if self._coming is None:
                self._coming = self.loop.call_later(self.request_s, self.transport.abort)
        else:
            self._all_came()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._timer = self.loop.call_later(self.stalled_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._all_came()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _all_came(self) -> None:
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None
