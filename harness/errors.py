"""The error tree. Each message says what is wrong, where, and what to do next.

HarnessError                 exit 1: something failed; the message says what to do
├── InputError               exit 2: a file or an argument of the user's is wrong
│   ├── ScenarioError        one or many problems, each with file and line
│   └── UnknownNameError     a name that is not registered, with the nearest one
├── ModelError               weights cannot be fetched, verified or loaded
├── TrainingError            training diverged or cannot start
└── BackendError             a request failed; recorded in the answer, retried within the cap
    ├── LateError            no whole answer within the deadline
    └── EngineLostError      the engine's process is gone: no request can be answered any more
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class HarnessError(Exception):
    exit_code = 1


class InputError(HarnessError):
    exit_code = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in an input file."""

    file: Path
    line: int | None
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.message}"


class ScenarioError(InputError):
    """Every problem found in a scenario at once."""

    def __init__(self, problems: Sequence[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class UnknownNameError(InputError):
    pass


class ModelError(HarnessError):
    pass


class TrainingError(HarnessError):
    pass


class BackendError(HarnessError):
    """``attempts`` may have been charged for, ``refused`` were turned away before any work."""

    def __init__(self, message: str, attempts: int = 1, refused: int = 0):
        super().__init__(message)
        self.attempts, self.refused = attempts, refused


class LateError(BackendError):
    pass


class EngineLostError(BackendError):
    pass
