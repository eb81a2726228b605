"""Put what raters handed in beside what is known already, so that importing a file twice changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import Problem, ScenarioError
from harness.labelling.handed import Handed
from harness.store import write_atomic
from harness.types.judging import AnswerLabel, PreferencePair, Side
from harness.types.labelling import Entry, Order, Sample

Line = AnswerLabel | PreferencePair


@dataclass(frozen=True)
class Merged:
    """What an import did to one file."""

    file: Path
    new: int
    """Labels that were not there: one is what one rater said of one text."""
    same: int
    changed: int
    """Labels that replaced another of the same rater."""


def merge(
    file: Path, stored: Sequence[Line], handed: Sequence[Handed], replace: bool
) -> tuple[Merged, list[Line]]:
    """The ``stored`` lines of ``file`` with ``handed`` merged in; nothing is written yet.

    Lines of other origin stay as they are. Raises ScenarioError where a rater said something else before, unless
    ``replace`` takes the new.
    """
    lines = {line.id: line for line in stored}
    _same_spelling(file, lines.values(), handed)
    said: dict[str, dict[str, float | str]] = {k: dict(v.annotators) for k, v in lines.items()}
    entries: dict[str, tuple[Sample, Entry]] = {}
    conflicts: list[Problem] = []
    done = Counter[str]()
    for one in handed:
        for entry in one.sample.entries:
            if (label := one.labels.get(entry.id)) is None:
                continue
            name = line_id(one.sample.order, entry.id)
            entries.setdefault(name, (one.sample, entry))
            known = said.setdefault(name, {})
            before = known.get(one.rater)
            state = "new" if before is None else "same" if before == label else "changed"
            done[state] += 1
            known[one.rater] = label
            if state == "changed" and not replace:
                earlier = f"{before:g}" if isinstance(before, float) else before
                message = (
                    f"{one.rater!r} said {earlier} before and {label} now; --replace takes the new label"
                )
                conflicts.append(Problem(one.file, None, f"entry {entry.id}: {message}"))
    if conflicts:
        raise ScenarioError(conflicts)
    for name, (sample, entry) in entries.items():
        lines[name] = _with(lines.get(name, _line(name, sample, entry)), said[name])
    return Merged(file, done["new"], done["same"], done["changed"]), list(lines.values())


def write_lines(file: Path, lines: Iterable[Line]) -> None:
    write_atomic(file, "".join(line.model_dump_json() + "\n" for line in lines))


def line_id(order: Order, entry: str) -> str:
    """Of a label: one text has one label for each way in which it was drawn."""
    return f"{order}-{entry}"


def _line(name: str, sample: Sample, entry: Entry) -> Line:
    if sample.kind == "pairs":
        a, b = entry.texts
        return PreferencePair(
            id=name, input=entry.input, a=a, b=b, reference=entry.reference, slices=dict(entry.slices)
        )
    (variants,) = entry.variants
    return AnswerLabel(
        id=name, item=entry.item, input=entry.input, answer=entry.texts[0], reference=entry.reference,
        slices=dict(entry.slices), sample=sample.order, variant=variants[0] if len(variants) == 1 else None,
    )  # fmt: skip


def _with(line: Line, said: Mapping[str, float | str]) -> Line:
    ordered = dict(sorted(said.items()))
    if isinstance(line, PreferencePair):
        return line.model_copy(update={"annotators": ordered, "label": majority(ordered)})
    numbers = {rater: float(v) for rater, v in ordered.items()}
    return line.model_copy(update={"annotators": numbers, "label": sum(numbers.values()) / len(numbers)})


def majority(said: Mapping[str, float | str]) -> Side | None:
    """What more than half of the raters of a pair say; None where no side has so many."""
    side, votes = Counter(said.values()).most_common(1)[0]
    return side if votes * 2 > len(said) else None  # type: ignore[return-value]


def _same_spelling(file: Path, lines: Iterable[Line], handed: Sequence[Handed]) -> None:
    """One person under two spellings would look like two who agree."""
    known = {name.casefold(): name for line in lines for name in line.annotators}
    problems = [
        Problem(one.file, None, f"rater {one.rater!r} is {other!r} in {file}; use one spelling")
        for one in handed
        if (other := known.get(one.rater.casefold(), one.rater)) != one.rater
    ]
    if problems:
        raise ScenarioError(problems)
