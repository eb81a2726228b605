"""Running the pipeline in this process or in another, and reading what it left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

import harness
from harness.backends.fake import FakeBackend
from harness.pipeline import compare
from harness.protocols import OnDone
from harness.runs import Run
from harness.scenario.inputs import Options
from harness.types.answers import Generation, Request


class Quiet:
    """Progress that only remembers its notes and stages."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.notes: list[str] = []

    def stage(self, title: str, total: int | None = None) -> None:
        self.stages.append(title)

    def advance(self, done: int = 1, note: str = "") -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)


class Asked:
    """Items that the fake backend was asked, by phase, with the words of their prompts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.quality: list[Request] = []
        self.timing: list[Request] = []
        generate, time = FakeBackend.generate, FakeBackend.time

        def watched_generate(backend: FakeBackend, batch: Sequence[Request], on_done: OnDone) -> None:
            self.quality += batch
            generate(backend, batch, on_done)

        def watched_time(backend: FakeBackend, request: Request) -> Generation:
            self.timing.append(request)
            return time(backend, request)

        monkeypatch.setattr(FakeBackend, "generate", watched_generate)
        monkeypatch.setattr(FakeBackend, "time", watched_time)

    def clear(self) -> None:
        self.quality.clear()
        self.timing.clear()


def run(folder: Path, run_dir: Path | None = None, **options: Any) -> Run:
    return compare(folder, Options(run_dir=run_dir or folder.parent / "runs" / "one", **options), Quiet())


def change(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Edit the settings of a scenario."""
    file = folder / "scenario.yaml"
    settings = yaml.safe_load(file.read_text())
    edit(settings)
    file.write_text(yaml.safe_dump(settings, sort_keys=False))


def contents(folder: Path) -> dict[str, str]:
    """Hashes of all files below ``folder``.

    Without ``stages.json``: it sums wall times of stages, and a stage that had nothing to do is in it if the
    machine was so busy that doing nothing took a tenth of a second.
    """
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "stages.json"]
    return {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in files}


def command(folder: Path, run_dir: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "harness", "compare", str(folder), "--run-dir", str(run_dir), *more]


def environment(cache: Path) -> dict[str, str]:
    root = str(Path(harness.__file__).parents[1])
    return os.environ | {"HARNESS_CACHE": str(cache), "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}


def finish(folder: Path, run_dir: Path, cache: Path, *more: str) -> str:
    """Run to the end in a process of its own; standard error."""
    done = subprocess.run(
        command(folder, run_dir, *more), env=environment(cache), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr
