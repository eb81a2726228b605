"""Read preference pairs and labels of answers, with every problem at once, each with its file and line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from harness.errors import Problem, ScenarioError
from harness.scenario.data import parse_line, read_lines
from harness.scenario.load import read_text
from harness.store import fingerprint
from harness.types.data import Message
from harness.types.judge_settings import PLACES, prompt_of
from harness.types.judging import LABELS, AnswerLabel, PreferencePair
from harness.types.settings import Scenario

R = TypeVar("R", PreferencePair, AnswerLabel)


@dataclass(frozen=True)
class Judging:
    """What a scenario's judges learn from, are asked with and are held against."""

    train: Sequence[PreferencePair] = ()
    dev: Sequence[PreferencePair] = ()
    heldout: Sequence[PreferencePair] = ()
    labels: Sequence[AnswerLabel] = ()
    prompts: dict[str, str] = field(default_factory=dict)
    """Texts of the judges' own instructions, by file."""

    def hash(self) -> str:
        """Of all of it."""
        return fingerprint(*self.train, *self.dev, *self.heldout, *self.labels, self.prompts)


def read_judging(folder: Path, scenario: Scenario) -> tuple[Judging, list[Problem]]:
    """What the judges of the scenario in ``folder`` need, and all that is wrong with it."""
    problems: list[Problem] = []
    split: dict[str, list[tuple[int, PreferencePair]]] = {"train": [], "dev": [], "heldout": []}
    files: dict[str, Path] = {}
    if scenario.data.preferences is not None:
        for name, file in scenario.data.preferences.model_dump().items():
            files[name] = folder / file
            split[name], found = read_pairs(files[name])
            problems += found
    problems += _repeated((files[name], n, pair) for name, found in split.items() for n, pair in found)
    labels: list[tuple[int, AnswerLabel]] = []
    if (folder / LABELS).exists():
        labels, found = read_labels(folder / LABELS)
        problems += found
    prompts: dict[str, str] = {}
    for judge in scenario.judges.values():
        if (own := prompt_of(judge)) is None:
            continue
        try:
            prompts[own] = read_text(folder / own)
        except ScenarioError as e:
            problems += e.problems
            continue
        lacking = [place for place in PLACES[judge.kind] if place not in prompts[own]]
        problems += [Problem(folder / own, None, f"must hold {place}") for place in lacking]
    pairs = {name: [pair for _, pair in found] for name, found in split.items()}
    given = Judging(pairs["train"], pairs["dev"], pairs["heldout"], [label for _, label in labels], prompts)
    return given, problems


def read_pairs(file: Path) -> tuple[list[tuple[int, PreferencePair]], list[Problem]]:
    """Preference pairs with their lines, and the problems of the others."""
    return _read(file, PreferencePair, _of_pair)


def read_labels(file: Path) -> tuple[list[tuple[int, AnswerLabel]], list[Problem]]:
    """Labels of answers with their lines, and the problems of the others."""
    return _read(file, AnswerLabel, _of_label)


def read_either(file: Path) -> tuple[list[PreferencePair], list[AnswerLabel]]:
    """A file of pairs or of labels, told by the first line; raises ScenarioError with all that is wrong."""
    first = next((line for line in read_text(file).split("\n") if line.strip()), "{}")
    try:
        of_answers = "answer" in parse_line(first)
    except ValueError:
        of_answers = False
    return ([], whole(file, read_labels)) if of_answers else (whole(file, read_pairs), [])


def whole(file: Path, read: Callable[[Path], tuple[list[tuple[int, R]], list[Problem]]]) -> list[R]:
    """What ``read`` finds in a file, without the lines' numbers; raises ScenarioError with all that is wrong."""
    found, problems = read(file)
    if problems:
        raise ScenarioError(problems)
    return [record for _, record in found]


def _read(
    file: Path, kind: type[R], wrong: Callable[[R], Iterable[str]]
) -> tuple[list[tuple[int, R]], list[Problem]]:
    found, problems = read_lines(file, kind, lambda data, _: kind.model_validate(data))
    seen: dict[str, int] = {}
    for number, record in found:
        if record.id in seen:
            problems.append(
                Problem(file, number, f"id {record.id!r} is already used at line {seen[record.id]}")
            )
        seen.setdefault(record.id, number)
        problems += [Problem(file, number, message) for message in wrong(record)]
    if not found and not problems:
        problems.append(Problem(file, None, "holds no lines"))
    return found, problems


def _of_pair(pair: PreferencePair) -> Iterable[str]:
    if not pair.id.strip():
        yield "id: must not be empty"
    if not _said(pair.input):
        yield "input: the question is empty"
    for side in ("a", "b"):
        if not getattr(pair, side).strip():
            yield f"{side}: the answer is empty"
    if pair.a.strip() == pair.b.strip() and pair.label != "tie":
        yield "a and b are the same text; only a tie can be right"
    if pair.label is not None and pair.annotators and pair.label not in pair.annotators.values():
        yield f"label {pair.label!r} is none of what its annotators said"
    if any(not name.strip() for name in pair.annotators):
        yield "annotators: a rater's name is empty"


def _of_label(label: AnswerLabel) -> Iterable[str]:
    if not label.id.strip():
        yield "id: must not be empty"
    if not label.item.strip():
        yield "item: must name the item that was answered"
    if not _said(label.input):
        yield "input: the question is empty"
    low, high = (0, 1) if label.criterion == "pass" else (1, 5)
    given = [*label.annotators.values(), *([] if label.label is None else [label.label])]
    if any(not low <= value <= high for value in given):
        yield f"labels of criterion {label.criterion!r} go from {low} to {high}"
    if any(not name.strip() for name in label.annotators):
        yield "annotators: a rater's name is empty"


def _said(text: str | tuple[Message, ...]) -> bool:
    return bool(text.strip() if isinstance(text, str) else any(m.content.strip() for m in text))


def _repeated(placed: Iterable[tuple[Path, int, PreferencePair]]) -> list[Problem]:
    """The same pair twice, sides in whichever order: learnt from and tested on, or counted twice."""
    seen: dict[tuple[object, frozenset[str]], tuple[Path, int]] = {}
    problems = []
    for file, number, pair in placed:
        what = (pair.input, frozenset((pair.a.strip(), pair.b.strip())))
        if what in seen:
            first, line = seen[what]
            problems.append(Problem(file, number, f"the same pair stands at {first}:{line}"))
        seen.setdefault(what, (file, number))
    return problems
