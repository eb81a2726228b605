"""Files of one JSON value a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.errors import InputError


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their number from 1; raises InputError for what is no text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"{path}: cannot be read as text: {e}") from None
    yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())
