"""The run folder: append-only journals, atomic writes, fingerprints and the lock against a second writer.

A run folder mirrors the stages::

    manifest.json  scenario.json  answers/<variant>.jsonl  passages.jsonl  training/<adapter>.json
    scores/<variant>.jsonl  judgements/<judge>.jsonl  scores/judges/<judge>.jsonl  duels/<judge>.jsonl
    judges.json  leaks.json  comparison.json  csv/*.csv  verdict.json  abtest.json  report.html

Everything is plain JSON or CSV. A journal is appended to one line an item, so a kill at any moment loses
at most the item in flight; every other file is written beside its place and moved there.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import HarnessError
from harness.types.answers import Answer

R = TypeVar("R", bound=BaseModel)


def fingerprint(*parts: Any) -> str:
    """Sixteen hex digits over the canonical JSON of ``parts`` (records, and what JSON can hold)."""

    def plain(value: Any) -> Any:
        return value.model_dump(mode="json") if isinstance(value, BaseModel) else value

    text = json.dumps([plain(p) for p in parts], sort_keys=True, ensure_ascii=False, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def folder_hash(folder: Path, pattern: str = "**/*") -> str:
    """Hash over names and contents of the files in ``folder``."""
    files = sorted(p for p in folder.glob(pattern) if p.is_file())
    return fingerprint(*((p.relative_to(folder).as_posix(), file_hash(p)) for p in files))


def cache_folder() -> Path:
    """Where weights and adapters are kept between runs: ``$HARNESS_CACHE`` or the user's cache folder."""
    if set_by_user := os.environ.get("HARNESS_CACHE"):
        return Path(set_by_user)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "harness"


def write_atomic(path: Path, text: str) -> None:
    """Write ``text`` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("w", encoding="utf-8", newline="") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    part.replace(path)


@contextmanager
def new_folder(ready: Path) -> Iterator[Path]:
    """A path beside ``ready`` to make a folder at; filled, it becomes ``ready`` in one step.

    Another process may do the same at the same time; the first to end wins, whose folder is as good.
    """
    ready.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ready.parent, prefix=".part-") as work:
        part = Path(work) / "ready"
        yield part
        try:
            part.replace(ready)
        except OSError:
            if not ready.is_dir():
                raise


def canonical_json(record: BaseModel) -> str:
    """The same record always gives the same bytes: keys as declared, two spaces, one final newline."""
    return json.dumps(record.model_dump(mode="json"), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


class Journal(Generic[R]):
    """An append-only JSONL file of records.

    The line being written when a process dies is cut off on the next opening; any other line that is not a
    record of the kind is an error, because silently dropping results would change them.
    """

    def __init__(self, path: Path, kind: type[R]):
        self.path = path
        self._kind = kind

    def __iter__(self) -> Iterator[R]:
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            with self.path.open("r+b") as f:
                f.truncate(whole)
        for number, line in enumerate(data[:whole].splitlines(), 1):
            try:
                yield self._kind.model_validate_json(line)
            except ValidationError as e:
                raise HarnessError(
                    f"{self.path}:{number}: not a {self._kind.__name__.lower()} record; the file was changed "
                    "by hand or by another version. Remove it, or run again with --fresh. "
                    f"({e.errors()[0]['msg']})"
                ) from None

    def append(self, record: R) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as f:
            f.write(record.model_dump_json() + "\n")

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait until no other process is in here: for reading a journal and appending what follows from it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            yield

    def replace(self, records: Iterable[R]) -> None:
        write_atomic(self.path, "".join(r.model_dump_json() + "\n" for r in records))


class RunFolder:
    """The files of one run below ``reports/<scenario>/<run>``."""

    def __init__(self, path: Path):
        self.path = path

    def answers(self, variant: str) -> Journal[Answer]:
        return Journal(self.path / "answers" / f"{variant}.jsonl", Answer)

    def read(self, name: str, kind: type[R]) -> R | None:
        """The record in file ``name``, or None where there is none or it is of an older shape."""
        try:
            return kind.model_validate_json((self.path / name).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def write(self, name: str, record: BaseModel | str) -> Path:
        path = self.path / name
        write_atomic(path, record if isinstance(record, str) else canonical_json(record))
        return path

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def siblings(self) -> list[Path]:
        """Other run folders of the same scenario, newest first: their answers can be reused by key."""
        if not self.path.parent.is_dir():
            return []
        others = [
            p for p in self.path.parent.iterdir() if p.is_dir() and not p.is_symlink() and p != self.path
        ]
        return sorted(others, key=lambda p: p.stat().st_mtime, reverse=True)

    def clear(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process; a second run on it is refused instead of mixing its lines in."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HarnessError(
                    f"another run is writing to {self.path}; wait for it, or choose another folder with "
                    "--run-dir"
                ) from None
            yield
