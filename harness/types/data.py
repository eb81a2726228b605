"""What is asked, and what an answer may rest on."""

from __future__ import annotations

from datetime import date
from typing import Literal

from harness.types.record import Record

Role = Literal["system", "user", "assistant"]
Split = Literal["train", "dev", "heldout"]


class Message(Record):
    role: Role
    content: str


class Facts(Record):
    """What makes an answer right, in a form that a program can check."""

    required: tuple[tuple[str, ...], ...] = ()
    """Each fact as its accepted alternatives; one alternative of each must occur as a whole-word phrase."""
    forbidden: tuple[str, ...] = ()
    """Claims that make the answer wrong wherever they occur."""


class Item(Record):
    """One question with all that is needed to score its answer."""

    id: str
    split: Split
    messages: tuple[Message, ...]
    """The conversation up to and including the user's last turn."""
    references: tuple[str, ...]
    """Good answers; the first is the one trained on."""
    facts: Facts = Facts()
    abstain: bool = False
    """True where the only right answer is to say that the knowledge base does not hold it."""
    sources: tuple[str, ...] = ()
    """Articles that hold the answer, as their path below ``kb/`` without ``.md``."""
    slices: dict[str, str] = {}
    """Named groups for which results are read off separately, such as ``topic: orders``."""
    cluster: str
    """Items that share a fact share a cluster: they are not independent evidence."""


class Article(Record):
    """One Markdown file of the knowledge base."""

    id: str
    title: str
    updated: date | None = None
    region: str = "all"
    supersedes: tuple[str, ...] = ()
    body: str


class Passage(Record):
    """A retrievable piece of an article."""

    id: str
    """``<article>#<number>``."""
    article: str
    title: str
    text: str
