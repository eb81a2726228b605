"""What of a scenario's endpoints the settings alone do not settle: the keys in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import Problem
from harness.scenario.document import Document
from harness.scenario.load import read_text
from harness.types.judge_settings import endpoint_of
from harness.types.settings import Scenario


def key_problems(scenario: Scenario, folder: Path) -> list[Problem]:
    """Keys that the variants need and the environment lacks, at their place in the settings."""
    used = {v.endpoint for v in scenario.variants} | {endpoint_of(j) for j in scenario.judges.values()}
    wrong = [(n, w) for n, e in scenario.endpoints.items() if n in used and (w := _wrong(e.key))]
    if not wrong:
        return []
    file = folder / "scenario.yaml"
    document = Document(read_text(file), file)
    return [
        document.problem(("endpoints", name, "key"), f"endpoint {name!r}: {what}") for name, what in wrong
    ]


def has_key(variable: str) -> bool:
    return bool(os.environ.get(variable, "").strip())


def _wrong(variable: str | None) -> str | None:
    if variable is None:
        return None
    if not has_key(variable):
        return f"the environment variable {variable} is not set; `export {variable}=...` and run again"
    key = os.environ[variable].strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        return f"the environment variable {variable} holds characters that no key has"
    return None
