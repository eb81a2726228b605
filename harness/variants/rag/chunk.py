"""Cut articles into passages along their headings.

A passage is one section, because authors put what belongs together under one heading. A longer section is cut
between sentences, list entries or table rows; a cut table repeats its head, so that each row keeps its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.types.data import Article, Passage

_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*$")


def chunk_articles(articles: Iterable[Article], max_words: int) -> list[Passage]:
    """Passages of all articles in reading order, of at most ``max_words`` words each.

    A sentence, list entry or table row that is longer stays whole.
    """
    passages = []
    for article in articles:
        texts = [(title, part) for title, body in _sections(article) for part in _cut(body, max_words)]
        passages += [
            Passage(id=f"{article.id}#{i}", article=article.id, title=title, text=text)
            for i, (title, text) in enumerate(texts, 1)
        ]
    return passages


def _sections(article: Article) -> list[tuple[str, str]]:
    """(title, body) of each section; the title is the article's, followed by the path of headings below it."""
    sections: list[tuple[str, str]] = []
    path: list[tuple[int, str]] = []
    lines: list[str] = []

    def close() -> None:
        body = "\n".join(lines).strip()
        if body:
            below = [heading for _, heading in path if heading != article.title]
            sections.append((": ".join([article.title, *below]), body))
        lines.clear()

    fenced = False
    for line in article.body.splitlines():
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        if (match := _HEADING.match(line)) and not fenced:
            close()
            level = len(match[1])
            path = [(n, h) for n, h in path if n < level] + [(level, match[2])]
        else:
            lines.append(line)
    close()
    return sections


def _cut(body: str, max_words: int) -> list[str]:
    if len(body.split()) <= max_words:
        return [body]
    parts: list[list[str]] = [[]]
    size = 0
    for piece, head in _pieces(body):
        words = len(piece.split())
        if size and size + words > max_words:
            parts.append([head] if head else [])
            size = len(head.split())
        parts[-1].append(piece)
        size += words
    return ["".join(part).strip() for part in parts]


def _pieces(body: str) -> list[tuple[str, str]]:
    """The smallest parts that stay whole, each with the table head to repeat if the text is cut before it."""
    pieces: list[tuple[str, str]] = []
    for block in re.split(r"(?<=\n)\n+", body + "\n"):
        rows = block.splitlines(keepends=True)
        if len(rows) > 2 and rows[0].lstrip().startswith("|"):
            pieces.append(("".join(rows[:3]), ""))
            pieces += [(row, "".join(rows[:2])) for row in rows[3:]]
        elif re.match(r"\s*([-*+]|\d+[.)])\s", block):
            pieces += [(row, "") for row in rows]
        else:
            pieces += [(s, "") for s in re.split(r"(?<=[.!?]\s)(?=\S)", block)]
        pieces[-1] = (pieces[-1][0] + "\n", pieces[-1][1])
    return pieces
