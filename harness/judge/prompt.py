"""The judge's instructions with a case filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from harness.types.data import Message

NO_REFERENCE = "(There is no reference.)"
_PLACE = re.compile(r"\{(\w+)\}")
_MARK = re.compile(r"</?\s*(question|reference|answer|first|second)\s*>", re.IGNORECASE)


def shipped(kind: str) -> str:
    """The instructions that come with the harness."""
    return (Path(__file__).parent / "prompts" / f"{kind}.md").read_text(encoding="utf-8")


def fill(template: str, texts: Mapping[str, str]) -> tuple[Message, ...]:
    """One message; texts are put in at once, so that none can name a place, nor close the marks around it."""

    def put(match: re.Match[str]) -> str:
        name = match[1]
        return (
            _MARK.sub(lambda m: m[0].replace("<", "(").replace(">", ")"), texts[name])
            if name in texts
            else match[0]
        )

    return (Message(role="user", content=_PLACE.sub(put, template).strip()),)


def conversation(asked: str | tuple[Message, ...]) -> str:
    """The question as a text; of a conversation its turns, with who spoke."""
    if isinstance(asked, str):
        return asked
    turns = [m for m in asked if m.role != "system"]
    if len(turns) == 1:
        return turns[0].content
    return "\n".join(f"{'Customer' if m.role == 'user' else 'Service'}: {m.content}" for m in turns)
