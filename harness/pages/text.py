"""Text of strangers (model output, knowledge base, settings) made safe to show as it is."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_IN_SCRIPT = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\x7f": "\\u007f",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)


def _spell(match: re.Match[str]) -> str:
    code = ord(match.group())
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"[U+{code:04X}]"


def visible(text: str) -> str:
    """``text`` with control characters and direction overrides spelled out: seen, and without effect."""
    return _HIDDEN.sub(_spell, text.replace("\r\n", "\n"))


def one_line(text: str, most: int) -> str:
    """``text`` for a terminal: one line, cut after ``most`` characters, without what has an effect there."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def script_json(data: Any) -> Markup:
    """Compact JSON that cannot end or open anything inside a ``<script type="application/json">`` element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(_IN_SCRIPT))


def canonical_json(data: Any) -> str:
    """Sorted keys, no spaces and nothing but ASCII: one text for one content."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def script_canonical(data: Any) -> Markup:
    """The canonical JSON, as safe inside a script element as ``script_json``."""
    return Markup(canonical_json(data).translate(_IN_SCRIPT))
