"""Normalisation shared by the metrics that look for phrases."""

from __future__ import annotations

import re
import unicodedata

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_PUNCTUATION = re.compile(r"(?<!\d)\.|\.(?!\d)|(?<!\w)'|'(?!\w)|\b_+|_+\b|[^\w.%']+")
_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc", "'''")
_CITATION = re.compile(r"\s*\[\d{1,2}\]")


def straight(text: str) -> str:
    """``text`` with typewriter apostrophes, whichever way they were typed."""
    return text.translate(_APOSTROPHES)


def normalise(text: str) -> str:
    """Lower case, NFKC, single spaces, no punctuation but decimal points, %, and apostrophes within words.

    ``£1,049.50!`` becomes ``1049.50``: currency signs and thousands separators are not part of a fact's match.
    """
    text = straight(unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_PUNCTUATION.sub(" ", _THOUSANDS.sub("", text)).split()).replace(" %", "%")


def states(text: str, phrase: str) -> bool:
    """Whether the normalised ``phrase`` occurs in the normalised ``text`` on word boundaries."""
    return f" {normalise(phrase)} " in f" {normalise(text)} "


def without_citations(text: str) -> str:
    """``text`` without marks such as [2]: they belong to the system, not to the wording."""
    return _CITATION.sub("", text)
