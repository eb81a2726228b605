"""A line for each request in a file, for whoever compares variants in production."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.errors import InputError
from harness.types.served import ServedRequest


class RequestLog:
    """Appends to a file. One that can no longer be written to is told of once and given up: answers go on."""

    def __init__(self, path: Path, tell: Callable[[str], None]):
        """Raises InputError where the file cannot be opened."""
        self._tell, self._path = tell, path
        try:
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as e:
            raise InputError(f"--log {path}: {e.strerror}; name a file in a folder that is there") from None

    def write(self, entry: ServedRequest) -> None:
        if self._file.closed:
            return
        try:
            self._file.write(entry.model_dump_json() + "\n")
        except OSError as e:
            self._tell(f"warning: {self._path}: {e.strerror}; requests are no longer logged")
            self.close()

    def close(self) -> None:
        try:
            self._file.close()
        except OSError:
            return  # what is left in the buffer cannot be written, which was told
