"""The chat completions protocol: a request as the server reads it, a reply as it may be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, Field, ValidationError

from harness.backends.http.fault import Fault, short
from harness.backends.http.redact import Redactor
from harness.types.answers import Finish, Generation, Request, ToolCall
from harness.types.endpoint import Endpoint

_FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}

_Count = Annotated[int, Field(ge=0, le=10**9)]


class _Details(BaseModel):
    cached_tokens: _Count | None = None


class _Usage(BaseModel):
    prompt_tokens: _Count | None = None
    completion_tokens: _Count | None = None
    prompt_tokens_details: _Details | None = None


class _Function(BaseModel):
    name: str | None = None
    arguments: str | None = None


class _Call(BaseModel):
    index: _Count | None = None
    function: _Function = _Function()


class _Token(BaseModel):
    logprob: Annotated[float, Field(le=0, allow_inf_nan=False)]


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Reply(BaseModel):
    """A whole reply or a chunk of a stream: only what is used, so that a server may add what it likes."""

    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


def body(endpoint: Endpoint, request: Request, seed: int, stream: bool) -> dict[str, Any]:
    """The request as JSON; ``endpoint.options`` have the last word."""
    d = request.decoding
    fields: dict[str, Any] = {
        "model": endpoint.model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "max_tokens": d.max_new_tokens,
        "temperature": d.temperature,
    }
    if d.temperature:
        fields["seed"] = seed + request.sample
    if (wanted := request.json_schema or endpoint.json_schema) is not None:
        schema = {"name": "answer", "schema": wanted, "strict": True}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    if endpoint.tools:
        fields["tools"] = list(endpoint.tools)
    if endpoint.logprobs:
        fields["logprobs"] = True
    fields |= endpoint.options
    if stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return {name: value for name, value in fields.items() if value is not None}


@dataclass
class Assembly:
    """An answer as its parts come in: one part, or one a token."""

    redactor: Redactor
    finish: Finish | None = None
    usage: _Usage | None = None
    _texts: list[str] = field(default_factory=list)
    _calls: dict[int, tuple[list[str], list[str]]] = field(default_factory=dict)
    _logprobs: list[float] = field(default_factory=list)

    def add(self, data: bytes) -> str | None:
        """Take one JSON document; the text in it, None where it holds no part of the answer.

        Raises Fault where it is none, or is an error.
        """
        try:
            reply = _Reply.model_validate_json(data)
        except ValidationError as e:
            first = e.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            malformed(f"{where}: {first['msg']}" if where else first["msg"])
        if reply.error:
            told = reply.error.get("message") if isinstance(reply.error, dict) else reply.error
            raise Fault(f"the server broke off: {short(str(told))}", again=True, paid=True)
        self.usage = reply.usage or self.usage
        if not reply.choices:
            return None
        choice = reply.choices[0]
        if choice.finish_reason is not None:
            if choice.finish_reason not in _FINISHES:
                malformed(f"unknown finish_reason {short(choice.finish_reason)!r}")
            self.finish = _FINISHES[choice.finish_reason]
        if choice.logprobs and choice.logprobs.content:
            self._logprobs += [t.logprob for t in choice.logprobs.content]
        message = choice.message or choice.delta
        return self._take(message) if message else None

    def _take(self, message: _Message) -> str | None:
        text = message.content or message.refusal or ""
        if text:
            self._texts.append(text)
        for place, call in enumerate(message.tool_calls or ()):
            names, arguments = self._calls.setdefault(place if call.index is None else call.index, ([], []))
            names.append(call.function.name or "")
            arguments.append(call.function.arguments or "")
        return text if text or message.tool_calls else None

    def generation(self, first_token_s: float | None, total_s: float | None) -> Generation:
        """The whole; raises Fault where the end is missing."""
        if self.finish is None:
            raise Fault("the answer was cut off before its end", again=True, paid=True)
        usage = self.usage or _Usage()
        cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
        if cached is not None and (usage.prompt_tokens is None or cached > usage.prompt_tokens):
            malformed("more cached tokens than prompt tokens")
        clean = self.redactor.answer
        return Generation(
            text=clean("".join(self._texts)),
            prompt_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cached_tokens=cached,
            finish=self.finish,
            prompt_hash=None,
            compute_s=None,
            first_token_s=first_token_s,
            total_s=total_s,
            logprob=round(sum(self._logprobs), 6) if self._logprobs else None,
            tool_calls=tuple(
                ToolCall(name=clean("".join(n)), arguments=clean("".join(a)))
                for _, (n, a) in sorted(self._calls.items())
            ),
        )


class Events:
    """The data of server-sent events, from bytes cut anywhere."""

    def __init__(self) -> None:
        self._rest = b""
        self.done = False
        """Whether the server has said that nothing more comes."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for data in _data(lines):
            if data == b"[DONE]":
                self.done = True
                return
            yield data


def _data(lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        if line.startswith(b"data:"):
            yield line[5:].strip()


def malformed(why: str) -> NoReturn:
    raise Fault(f"malformed reply: {short(why)}", again=True, paid=True)
