"""The labelling page behind a small server: several raters at once, each mark on disk before it is confirmed.

What other sites open in the same browser cannot save here or read from here: a request must name this server as
its host and its origin, and bring JSON. Where the server is open to other machines it also asks for a key.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from harness.labelling.saves import Saves
from harness.types.labelling import Rater, Sample, Saving

BODY_BYTES = 2 * 1024 * 1024
_RATER: TypeAdapter[str] = TypeAdapter(Rater)
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}


class _RefusedError(Exception):
    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


def make_app(
    sample: Sample, page: str, saves: Saves, hosts: Collection[str] | None, key: str | None = None
) -> FastAPI:
    """Serves ``page`` and keeps marks in ``saves``.

    ``hosts`` are the names (with port) that the server may be called by; None allows any, which only a ``key``
    makes safe. With ``key`` nothing is given or taken without it.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(_RefusedError)
    async def refused(_: Request, error: _RefusedError) -> Response:
        return JSONResponse({"error": str(error)}, error.status, _HEADERS)

    def guard(request: Request) -> None:
        host = request.headers.get("host", "")
        if hosts is not None and host not in hosts:  # a foreign name that was pointed at this machine
            raise _RefusedError(421, "this server does not go by that name")
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise _RefusedError(403, "requests of other sites are refused")
        if key is not None:
            given = request.headers.get("x-label-key") or request.query_params.get("key", "")
            if not hmac.compare_digest(given.encode(), key.encode()):
                raise _RefusedError(
                    403, "the key is missing or wrong: open the link that `harness label` printed"
                )

    @app.get("/")
    async def index(request: Request) -> Response:
        guard(request)
        return HTMLResponse(page, headers=_HEADERS)

    @app.get("/marks")
    async def saved(request: Request) -> Response:
        guard(request)
        marks = saves.of(_rater(request.query_params.get("rater", "")))
        return JSONResponse({"marks": [m.model_dump(exclude=_OWN) for m in marks.values()]}, headers=_HEADERS)

    @app.post("/marks")
    async def save(request: Request) -> Response:
        guard(request)
        saving = await _saving(request)
        _check(saving, sample)
        saves.add(saving.rater, saving.marks)
        return JSONResponse({"saved": len(saving.marks)}, headers=_HEADERS)

    return app


_OWN = {"sample", "rater"}


def _rater(name: str) -> str:
    try:
        return _RATER.validate_python(name)
    except ValidationError as e:
        raise _RefusedError(422, f"rater: {e.errors()[0]['msg']}") from None


async def _saving(request: Request) -> Saving:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise _RefusedError(415, "marks come as application/json")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES:
            raise _RefusedError(413, f"more than {BODY_BYTES:,} bytes")
    try:
        return Saving.model_validate_json(bytes(body))
    except ValidationError as e:
        first: Any = e.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _RefusedError(422, f"{place}: {first['msg']}".lstrip(": ")) from None


def _check(saving: Saving, sample: Sample) -> None:
    if saving.sample != sample.id:
        raise _RefusedError(409, "this page shows another sample than the server has: reload it")
    for mark in saving.marks:
        if (wrong := sample.refuses(mark)) is not None:
            raise _RefusedError(422, wrong)
