"""The part of the OpenAI chat protocol that is served: requests read, answers and errors written.

Shapes follow https://platform.openai.com/docs/api-reference/chat; what would change an answer and is not supported
is refused, what would not is ignored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.types.data import Message

NEUTRAL: dict[str, tuple[object, ...]] = {
    "n": (1,),
    "top_p": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "tools": ([],),
    "functions": ([],),
    "tool_choice": ("none", "auto"),
    "response_format": ({"type": "text"},),
}
"""Settings that change answers and are not supported, with the values that change nothing."""


class ApiError(Exception):
    """An error as an OpenAI client understands it."""

    def __init__(
        self, status: int, message: str, code: str | None = None, param: str | None = None, **headers: str
    ):
        super().__init__(message)
        self.status, self.code, self.param = status, code, param
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def body(self) -> dict[str, Any]:
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(self.status)
        kind = kind or ("server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)
    type: Literal["text"]
    text: str


class _Turn(BaseModel):
    model_config = ConfigDict(strict=True)
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_Part]


class _StreamOptions(BaseModel):
    model_config = ConfigDict(strict=True)
    include_usage: bool = False


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)
    model: str
    messages: Annotated[list[_Turn], Field(min_length=1, max_length=1000)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1, le=4096)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=4096)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    stop: (
        Annotated[str, Field(min_length=1, max_length=200)]
        | Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=4)]
        | None
    ) = None


@dataclass(frozen=True)
class Chat:
    """A request that can be answered."""

    messages: tuple[Message, ...]
    """Ends with the user's question; earlier turns are history. Holds no system message."""
    max_tokens: int | None = None
    """None is what the variant was compared with; so it is for ``temperature``."""
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False


def read_chat(body: bytes, name: str) -> Chat:
    """The request in ``body`` to the model ``name``; raises ApiError with what the client must change."""
    try:
        read = _Body.model_validate_json(body)
    except ValidationError as e:
        deepest = max(e.errors(include_input=False, include_url=False), key=lambda x: len(x["loc"]))
        where = ".".join(str(p) for p in deepest["loc"] if not _is_type(p))
        raise ApiError(400, f"{where}: {deepest['msg']}".lstrip(": "), param=where or None) from None
    if read.model != name:
        message = f"the model {read.model[:80]!r} does not exist; this server has {name!r}"
        raise ApiError(404, message, code="model_not_found", param="model")
    for setting, value in (read.model_extra or {}).items():
        if value is not None and setting in NEUTRAL and value not in NEUTRAL[setting]:
            raise ApiError(400, f"{setting} is not supported", code="unsupported_parameter", param=setting)
    stop = (read.stop,) if isinstance(read.stop, str) else tuple(read.stop or ())
    return Chat(
        messages=_messages(read.messages),
        max_tokens=read.max_completion_tokens or read.max_tokens,
        temperature=read.temperature,
        stop=stop,
        stream=bool(read.stream),
        include_usage=bool(read.stream_options and read.stream_options.include_usage),
    )


def _is_type(part: str | int) -> bool:
    """Whether a part of an error's place is the type that was tried, not a name or position in the request."""
    return isinstance(part, str) and (part == "str" or part.startswith(("list[", "constrained-")))


def _messages(turns: list[_Turn]) -> tuple[Message, ...]:
    messages = []
    for turn in turns:
        if turn.role in ("system", "developer"):
            text = (
                f"a {turn.role} message is refused: the system prompt belongs to the variant that is served"
            )
            raise ApiError(400, text, code="unsupported_value", param="messages")
        content = turn.content
        text = content if isinstance(content, str) else "".join(part.text for part in content)
        messages.append(Message(role="user" if turn.role == "user" else "assistant", content=text))
    if messages[-1].role != "user" or not messages[-1].content.strip():
        raise ApiError(400, "the last message must be the user's question", param="messages")
    return tuple(messages)


@dataclass(frozen=True)
class Ended:
    """How an answer ended and what it used."""

    finish: Literal["stop", "length"]
    prompt_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Writer:
    """Writes the answer to one request."""

    id: str
    model: str
    created: int
    """Unix time."""
    include_usage: bool = False

    def whole(self, text: str, ended: Ended) -> dict[str, Any]:
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": ended.finish}
        return {**self._head("chat.completion"), "choices": [choice], "usage": usage(ended)}

    def opening(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, text: str) -> bytes:
        return self._chunk({"content": text})

    def closing(self, ended: Ended) -> bytes:
        end = self._chunk({}, ended.finish)
        if self.include_usage:
            last = {**self._head("chat.completion.chunk"), "choices": [], "usage": usage(ended)}
            end += event(last)
        return end + b"data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        head = self._head("chat.completion.chunk")
        return event({**head, "choices": [choice]} | ({"usage": None} if self.include_usage else {}))

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def usage(ended: Ended) -> dict[str, int]:
    return {
        "prompt_tokens": ended.prompt_tokens,
        "completion_tokens": ended.output_tokens,
        "total_tokens": ended.prompt_tokens + ended.output_tokens,
    }


def event(data: dict[str, Any]) -> bytes:
    """As a server-sent event."""
    return b"data: " + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
