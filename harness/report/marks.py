"""The headline figures as a reader sees them: texts and tooltips of the elements that carry ``data-figure``.

Read with the standard library's parser, which runs nothing. The text of a mark is its own: where another mark
stands inside it there is an ellipsis, so that one edited digit is one difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

MARK = "data-figure"
EVIDENCE = "evidence"
"""Id of the data block with the rows."""

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass(frozen=True, order=True)
class Mark:
    section: str
    """Id of the section it stands in, or ``page``."""
    key: str
    """What it shows: ``success|rag|value``."""
    text: str


@dataclass(frozen=True)
class Page:
    """What is read of a report."""

    marks: tuple[Mark, ...]
    evidence: str | None
    """Text of the data block, where there is a whole one."""
    complete: bool
    """Whether the end of the document is there."""


@dataclass
class _Open:
    """An element that is not closed yet."""

    tag: str
    section: str | None
    key: str | None
    block: bool
    parts: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[_Open] = []
        self.marks: list[Mark] = []
        self.evidence: str | None = None
        self.complete = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        given = dict(attrs)
        key = given.get(MARK)
        if key is not None:
            self._add("…")
            if title := given.get("title"):
                self.marks.append(Mark(self._section(), f"{key}|title", " ".join(title.split())))
        section = given.get("id") if tag == "section" else None
        self.open.append(_Open(tag, section, key, tag == "script" and given.get("id") == EVIDENCE))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1].tag in ("script", "style") and not self.open[-1].key:
            if self.open[-1].block:
                self.open[-1].parts.append(data)
            return
        self._add(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "html":
            self.complete = True
        if not any(one.tag == tag for one in self.open):
            return
        while True:
            one = self.open.pop()
            self._close(one)
            if one.tag == tag:
                return

    def _add(self, text: str) -> None:
        """To the innermost open mark."""
        for one in reversed(self.open):
            if one.key is not None:
                one.parts.append(text)
                return

    def _section(self) -> str:
        return next((one.section for one in reversed(self.open) if one.section), "page")

    def _close(self, one: _Open) -> None:
        if one.key is not None:
            self.marks.append(Mark(self._section(), one.key, " ".join("".join(one.parts).split())))
        elif one.block and self.evidence is None:
            self.evidence = "".join(one.parts)


def read_page(html: str) -> Page:
    """Marks in the order of their ends, and the data block; any text can be read, a broken one gives less."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(tuple(reader.marks), reader.evidence, reader.complete)


def as_data(marks: Sequence[Mark]) -> list[list[str]]:
    """Marks as they are hashed."""
    return [[m.section, m.key, m.text] for m in marks]
