"""Which version of the code judges: judgements of two versions do not compare."""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from harness.store import fingerprint


@cache
def code_fingerprint(*modules: str) -> str:
    """Of the modules' source; comments and layout do not count."""
    found = [(m, spec.origin) for m in modules if (spec := find_spec(m)) and spec.origin]
    return fingerprint(*((m, ast.dump(ast.parse(Path(file).read_bytes()))) for m, file in found))
