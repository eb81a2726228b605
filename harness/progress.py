"""What a person, a log file or a machine sees while the pipeline works. Written to standard error."""

from __future__ import annotations

import json
import sys
import time
from types import TracebackType
from typing import Any

_EVERY_SECONDS = 15.0


class _Shown:
    """Common to all: context management with nothing to clean up."""

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class PlainProgress(_Shown):
    """One line a stage and one every quarter of a minute, for logs."""

    def __init__(self) -> None:
        self._title, self._total, self._done, self._said, self._began = "", 0, 0, 0.0, 0.0

    def stage(self, title: str, total: int | None = None) -> None:
        self._title, self._total, self._done = title, total or 0, 0
        self._began = self._said = time.monotonic()
        print(f"{title}{f' ({total})' if total else ''}", file=sys.stderr, flush=True)

    def advance(self, done: int = 1, note: str = "") -> None:
        self._done += done
        now = time.monotonic()
        if now - self._said > _EVERY_SECONDS:
            self._said = now
            left = (self._total - self._done) * (now - self._began) / max(1, self._done)
            # The first answer of a batch comes when the batch is nearly done: too early for an estimate.
            said = f"  about {left:.0f} s left" if self._done * 10 >= self._total else ""
            print(f"  {self._done}/{self._total}  {note}{said}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class JsonProgress(_Shown):
    """One JSON object a line."""

    def stage(self, title: str, total: int | None = None) -> None:
        self._tell(event="stage", title=title, total=total)

    def advance(self, done: int = 1, note: str = "") -> None:
        self._tell(event="advance", done=done, note=note)

    def note(self, text: str) -> None:
        self._tell(event="note", text=text)

    def _tell(self, **event: object) -> None:
        print(json.dumps(event), file=sys.stderr, flush=True)


class TerminalProgress:
    """A live bar a stage with rate and time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bars = Progress(
            TextColumn("{task.description:24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )
        self._task: Any = None

    def __enter__(self) -> TerminalProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def stage(self, title: str, total: int | None = None) -> None:
        self._task = self._bars.add_task(title, total=total, note="")

    def advance(self, done: int = 1, note: str = "") -> None:
        self._bars.update(self._task, advance=done, note=note)

    def note(self, text: str) -> None:
        self._bars.console.print(text, markup=False)
