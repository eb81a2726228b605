"""What raters hand in, read and checked: exports of the page and journals of the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import InputError, Problem, ScenarioError
from harness.labelling.saves import latest
from harness.types.labelling import Export, Mark, Sample, SavedMark


@dataclass(frozen=True)
class Handed:
    """One rater's marks on one sample, out of one file."""

    file: Path
    rater: str
    sample: Sample
    labels: dict[str, int | str]
    """By entry; what was taken back is not there."""


def read_handed(files: Sequence[Path], scenario: str, sample_of: Callable[[str], Sample]) -> list[Handed]:
    """Every file's marks; raises ScenarioError with all that is wrong with any of them."""
    handed: list[Handed] = []
    problems: list[Problem] = []
    for file in files:
        try:
            handed.append(_read(file, scenario, sample_of))
        except ScenarioError as e:
            problems += e.problems
    seen: dict[tuple[str, str], Handed] = {}
    for one in handed:
        twin = seen.setdefault((one.sample.id, one.rater.casefold()), one)
        if twin is not one:
            message = f"rater {one.rater!r} is in {twin.file} too; hand in one file of each rater and sample"
            problems.append(Problem(one.file, None, message))
    if problems:
        raise ScenarioError(problems)
    return handed


def _read(file: Path, scenario: str, sample_of: Callable[[str], Sample]) -> Handed:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(file, None, "not UTF-8 text; hand in the file as the page gave it") from None
    except OSError as e:
        raise _wrong(file, None, f"cannot be read: {e.strerror}") from None
    if file.suffix == ".jsonl":
        sample_id, rater, placed = _journal(file, text)
    else:
        sample_id, rater, placed = _export(file, text, scenario)
    try:
        sample = sample_of(sample_id)
    except InputError as e:
        raise _wrong(file, None, str(e)) from None
    problems = [
        Problem(file, line, f"{place}{wrong}")
        for mark, line, place in placed
        if (wrong := sample.refuses(mark)) is not None
    ]
    if problems:
        raise ScenarioError(problems)
    held = latest(mark for mark, _, _ in placed)
    return Handed(file, rater, sample, {k: m.label for k, m in held.items() if m.label is not None})


_Placed = list[tuple[Mark, int | None, str]]
"""Each mark with its line and its place in words."""


def _export(file: Path, text: str, scenario: str) -> tuple[str, str, _Placed]:
    try:
        found = Export.model_validate_json(text)
    except ValidationError as e:
        raise ScenarioError([Problem(file, _line(text, err), _said(err)) for err in e.errors()]) from None
    if found.scenario != scenario:
        raise _wrong(file, None, f"holds labels of scenario {found.scenario!r}, not of {scenario!r}")
    entries = [m.entry for m in found.marks]
    if doubled := {e for e in entries if entries.count(e) > 1}:
        raise _wrong(
            file, None, f"entry {min(doubled)!r} is there twice; hand in the file as the page gave it"
        )
    return found.sample, found.rater, [(m, None, f"marks.{i}: ") for i, m in enumerate(found.marks)]


def _journal(file: Path, text: str) -> tuple[str, str, _Placed]:
    placed: _Placed = []
    problems: list[Problem] = []
    first: SavedMark | None = None
    whole = text[: text.rfind("\n") + 1]  # the last line may have been cut off by a kill
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            mark = SavedMark.model_validate_json(line)
        except ValidationError as e:
            problems += [Problem(file, number, _said(err)) for err in e.errors()]
            continue
        first = first or mark
        if (mark.sample, mark.rater) != (first.sample, first.rater):
            problems.append(Problem(file, number, "is of another sample or rater than the lines before it"))
        placed.append((Mark(**mark.model_dump(exclude={"sample", "rater"})), number, ""))
    if problems:
        raise ScenarioError(problems)
    if first is None:
        raise _wrong(file, None, "holds no marks")
    return first.sample, first.rater, placed


def _said(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"] if not str(part).startswith(("literal", "function")))
    return f"{place}: {error['msg']}" if place else f"not a file of labels: {error['msg']}"


def _line(text: str, error: Any) -> int | None:
    """Where the JSON breaks off; None for what is wrong with its content, whose place is told in words."""
    if error["type"] != "json_invalid":
        return None
    try:
        json.loads(text)
    except json.JSONDecodeError as e:
        return e.lineno
    except (RecursionError, ValueError):
        pass
    return None


def _wrong(file: Path, line: int | None, message: str) -> ScenarioError:
    return ScenarioError([Problem(file, line, message)])
