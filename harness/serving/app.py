"""The web application: an OpenAI-compatible endpoint for one variant, with health, metrics and limits."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from harness.serving.desk import Desk
from harness.serving.limits import Gate, Limits
from harness.serving.log import RequestLog
from harness.serving.metrics import Metrics
from harness.serving.protocol import ApiError
from harness.serving.service import Service


def make_app(
    service: Service, limits: Limits, key: str | None = None, log: RequestLog | None = None
) -> FastAPI:
    """Answers for ``service``; with ``key`` only to those who bring it, but for ``/health`` and ``/ready``.

    ``app.state.gate`` closes it.
    """
    gate = Gate(limits)
    metrics = Metrics(gate)
    pool = ThreadPoolExecutor(limits.in_flight, "request")
    desk = Desk(service, limits, gate, metrics, pool, log)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=True, cancel_futures=True)

    app = FastAPI(lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.gate = gate
    app.add_exception_handler(ApiError, _error_response)
    app.add_exception_handler(HTTPException, _error_response)

    def guard(request: Request) -> None:
        if key is not None:
            given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
            if not hmac.compare_digest(given.encode(), key.encode()):
                raise ApiError(401, "the API key is missing or wrong", code="invalid_api_key")

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        guard(request)
        return await desk.chat(request)

    @app.get("/v1/models")
    async def models(request: Request) -> Response:
        guard(request)
        return JSONResponse({"object": "list", "data": [_model(service.name)]})

    @app.get("/v1/models/{name}")
    async def model(name: str, request: Request) -> Response:
        guard(request)
        if name != service.name:
            raise ApiError(404, f"the model {name[:80]!r} does not exist", code="model_not_found")
        return JSONResponse(_model(name))

    @app.get("/metrics")
    async def show_metrics(request: Request) -> Response:
        guard(request)
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/health")
    async def health() -> Response:
        if why := service.trouble():
            return JSONResponse({"status": "broken", "reason": why}, 503)
        return JSONResponse({"status": "ok"})

    @app.get("/ready")
    async def ready() -> Response:
        status = "shutting down" if gate.closed else "broken" if service.trouble() else "ready"
        return JSONResponse({"status": status}, 200 if status == "ready" else 503)

    return app


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "harness"}


async def _error_response(_: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):  # unknown path or method
        error = ApiError(error.status_code, str(error.detail))
    assert isinstance(error, ApiError)
    return JSONResponse(error.body(), error.status, error.headers)
