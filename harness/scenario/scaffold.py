"""The small scenario that ``harness init`` writes: it validates and runs as it is, and is to be replaced."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from harness.errors import InputError

SCAFFOLD = Path(__file__).with_name("scaffold_files")


def write_scaffold(name: str, root: Path) -> Path:
    """Copy the scaffold to ``root/name``; an existing folder is never touched."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,59}", name):
        raise InputError(f"{name!r} is not a scenario name: use lower-case letters, digits, dots and hyphens")
    folder = root / name
    if folder.exists():
        raise InputError(f"{folder} exists already; choose another name or remove it")
    shutil.copytree(SCAFFOLD, folder)
    for file in folder.rglob("*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace("my-scenario", name), encoding="utf-8")
    return folder
