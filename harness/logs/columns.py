"""A log file as columns of text and numbers: CSV by pandas, JSONL line by line so that a bad line has its number."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import InputError

_SEPARATORS = (",", "\t", ";")


def read_columns(path: Path, wanted: Sequence[str], needed: Sequence[str], text: Sequence[str]) -> Any:
    """A data frame with those of the ``wanted`` columns that the file has; ``needed`` ones must be there.

    Columns in ``text`` are categories of strings, the rest is as the file has it. The index is the line number.
    Raises InputError for what cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            head = f.read(1 << 16)
        if not head.strip():
            raise InputError(f"{path}: the file is empty")
        is_json = head.lstrip().startswith("{")
        frame = _jsonl(path, wanted, text) if is_json else _csv(path, head, wanted, needed, text)
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; a log is CSV with a header, or JSON lines") from None
    for name in needed:
        if name not in frame.columns:
            raise InputError(_no_column(path, name, list(frame.columns)))
    if not len(frame):
        raise InputError(f"{path}: no row below the header")
    return frame


def _csv(path: Path, head: str, wanted: Sequence[str], needed: Sequence[str], text: Sequence[str]) -> Any:
    line = head.splitlines()[0]
    separator = max(_SEPARATORS, key=line.count)
    names = next(csv.reader([line], delimiter=separator))
    for name in needed:
        if name not in names:
            raise InputError(_no_column(path, name, names))
    if len(set(names)) != len(names):
        raise InputError(f"{path}:1: two columns have the same name")
    used = [name for name in names if name in wanted]
    try:
        frame = pd.read_csv(
            path,
            sep=separator,
            usecols=used,
            dtype={name: "category" for name in used if name in text},
            encoding="utf-8-sig",
            low_memory=False,
            index_col=False,
        )
    except (pd.errors.ParserError, ValueError) as e:
        raise InputError(f"{path}: not a CSV table: {str(e).strip()}") from None
    frame.index = frame.index + 2
    return frame


def _jsonl(path: Path, wanted: Sequence[str], text: Sequence[str]) -> Any:
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    lines: list[int] = []
    keys: dict[str, None] = {}
    as_text = set(text)
    with path.open(encoding="utf-8-sig") as f:
        for number, line in enumerate(f, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                if not line.endswith("\n"):
                    break  # the line that is being written
                raise InputError(f"{path}:{number}: not a line of JSON") from None
            if not isinstance(row, dict):
                raise InputError(f'{path}:{number}: a line must be an object such as {{"variant": "a", ...}}')
            if number <= 1000:
                keys |= dict.fromkeys(row)
            lines.append(number)
            for name, values in columns.items():
                value = row.get(name)
                if isinstance(value, dict | list):
                    raise InputError(f"{path}:{number}: {name} must be a number or a text")
                values.append(str(value) if name in as_text and value is not None else value)
    kept = {n: v for n, v in columns.items() if n in keys or any(x is not None for x in v)}
    frame = pd.DataFrame(kept, index=lines)
    if not kept:
        raise InputError(_no_column(path, wanted[0], list(keys)))
    return frame.astype({name: "category" for name in kept if name in as_text})


def _no_column(path: Path, name: str, names: Sequence[str]) -> str:
    shown = ", ".join(repr(n[:40]) for n in names[:20]) or "none"
    return f"{path}: no column {name!r}; it has {shown}. Name the right one with its --...-column option"
