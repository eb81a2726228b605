"""Baseline files: read with the place of whatever is wrong, written an item a line so that a diff can be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import Problem, ScenarioError
from harness.scenario.document import explain, in_order
from harness.scenario.load import read_text
from harness.types.snapshot import Snapshot

_REMEDY = "`harness gate SCENARIO --save-baseline FILE` writes a new one"


def read_baseline(file: Path) -> Snapshot:
    """Raises ScenarioError with everything that is wrong with the file, each with its line where it has one."""
    text = read_text(file)
    try:
        data = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_doubled)
        json.dumps(data, ensure_ascii=False).encode()  # half a surrogate pair can be read but not written
    except json.JSONDecodeError as e:
        raise _bad(file, e.lineno, f"not valid JSON: {e.msg} at column {e.colno}") from None
    except RecursionError:
        raise _bad(file, None, "not valid JSON: nested too deeply") from None
    except UnicodeEncodeError:
        raise _bad(file, None, "not valid Unicode: half of a surrogate pair (\\ud800 to \\udfff)") from None
    except ValueError as e:
        raise _bad(file, None, f"not valid JSON: {e}") from None
    if not isinstance(data, dict):
        raise _bad(file, 1, "a baseline is a JSON object")
    try:
        return Snapshot.model_validate(data, strict=False)
    except ValidationError as e:
        found = [Problem(file, _line(text, err["loc"]), _said(err)) for err in e.errors()[:20]]
        raise in_order(found) from None


def baseline_text(snapshot: Snapshot) -> str:
    """The file of a snapshot; the same snapshot always gives the same bytes."""
    data = snapshot.model_dump(mode="json")
    items = [json.dumps(item, ensure_ascii=False, sort_keys=True) for item in data.pop("items")]
    head = json.dumps(data, ensure_ascii=False, indent=2).removesuffix("\n}")
    return head + ',\n  "items": [\n    ' + ",\n    ".join(items) + "\n  ]\n}\n"


def _bad(file: Path, line: int | None, message: str) -> ScenarioError:
    return ScenarioError([Problem(file, line, f"{message}; {_REMEDY}")])


def _said(error: Any) -> str:
    return f"{explain(error, Snapshot, 'field')}; {_REMEDY}"


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _no_doubled(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [k for k, _ in pairs]
        raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} occurs twice")
    return found


def _line(text: str, loc: tuple[int | str, ...]) -> int | None:
    """Line of an item, or of a setting in the head, where the file is laid out as it was written."""
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines, 1) if line.strip() == '"items": ['), None)
    if len(loc) > 1 and loc[0] == "items" and isinstance(loc[1], int) and start is not None:
        return min(start + 1 + loc[1], len(lines))
    named = f'"{loc[0]}":' if loc else ""
    return next((n for n, line in enumerate(lines, 1) if named and line.strip().startswith(named)), 1)
