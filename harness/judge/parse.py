"""A judge's reply read as a judgement, or as one of the ways in which it is none."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.pages.text import one_line
from harness.types.judge_record import FailureKind, JudgeReply

_FENCE = re.compile(r"^```(?:json)?\s*\n(.*?)\n?```$", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL | re.IGNORECASE)
_REFUSES = re.compile(
    r"\b(I('m| am) (sorry|unable|not able)|I (can|could|will|wo)(not|n't)\b|I must decline|as an AI\b|I apologi[sz]e)",
    re.IGNORECASE,
)
_SHOWN = 200


class _Reply(BaseModel):
    """What the judge is asked for; whatever else it adds is not looked at."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"additionalProperties": False})

    reason: str
    """Before the judgement, so that a model that writes word by word has thought first."""


class Passed(_Reply):
    verdict: Literal["pass", "fail"]


class Rated(_Reply):
    score: Annotated[int, Field(ge=1, le=5)]


class Preferred(_Reply):
    choice: Literal["first", "second", "tie"]


Said = Passed | Rated | Preferred


@dataclass(frozen=True)
class Failure:
    """Why there is no judgement."""

    kind: FailureKind
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


def schema(kind: type[Said]) -> dict[str, Any]:
    """The JSON schema of such a reply."""
    return kind.model_json_schema()


def read(reply: JudgeReply, kind: type[Said]) -> Said | Failure:
    """The judgement in ``reply``."""
    if reply.failure is not None:
        return Failure(reply.failure, reply.detail or "no reason given")
    text = _THOUGHT.sub("", reply.text or "").strip()
    fenced = _FENCE.match(text)
    found = _object(fenced[1] if fenced else text)
    if found is None:
        if _REFUSES.search(text):
            return Failure("refusal", one_line(text, _SHOWN))
        return Failure("not JSON", one_line(text, _SHOWN) or "an empty reply")
    try:
        return kind.model_validate(found, strict=True)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return Failure("wrong schema", f"{where}: {first['msg']}" if where else first["msg"])


def _object(text: str) -> Any:
    """The JSON value that the text is or, after some words, ends with; None where there is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    start = text.find("{")
    while start >= 0:
        try:
            found, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        return found if not text[end:].strip(" \n`.") else None
    return None
