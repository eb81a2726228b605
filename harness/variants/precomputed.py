"""Answers of any other system, read from a JSONL file, compared on the same footing.

One object a line: ``id`` (of the item) and ``text``, and optionally ``error``, ``total_s``, ``first_token_s``,
``prompt_tokens``, ``output_tokens``, ``cost`` is not taken: what the other system costs is not known here.
``docs/how-to/bring-your-own-scenario.md`` shows an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from harness.errors import Problem, ScenarioError
from harness.protocols import OnAnswer, Variant
from harness.store import file_hash, fingerprint
from harness.types.answers import Answer, Phase
from harness.types.data import Item
from harness.types.record import Record
from harness.types.settings import VariantSpec

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=0)]


class PrecomputedLine(Record):
    """One answer of another system."""

    id: str
    """Of the held-out item."""
    text: str | None = None
    error: str | None = None
    """Why there is no text."""
    first_token_s: Seconds | None = None
    total_s: Seconds | None = None
    prompt_tokens: Tokens | None = None
    output_tokens: Tokens | None = None


class PrecomputedVariant:
    independent = True
    again: Sequence[Variant] = ()

    def __init__(self, spec: VariantSpec, file: Path):
        self.spec = spec
        self._file = file
        if not file.is_file():
            raise ScenarioError([Problem(file, None, f"file not found, needed by variant {spec.name!r}")])
        self.fingerprint = fingerprint("precomputed", 1, file_hash(file))

    def prepare(self) -> None:
        self._lines()

    def reply(self, items: Sequence[Item], wanted: set[str], phase: Phase, on_answer: OnAnswer) -> None:
        lines = self._lines()
        for item in items:
            if item.id in wanted:
                on_answer(self._answer(item.id, lines.get(item.id), phase))

    def _answer(self, item: str, line: PrecomputedLine | None, phase: Phase) -> Answer:
        if line is None:
            line = PrecomputedLine(id=item, error=f"{self._file.name} has no answer for this item")
        return Answer(
            variant=self.spec.name,
            phase=phase,
            key=self.fingerprint,
            item=item,
            error=line.error if line.text is None else None,
            **line.model_dump(exclude={"id", "error"}),
        )

    def _lines(self) -> dict[str, PrecomputedLine]:
        lines: dict[str, PrecomputedLine] = {}
        problems = []
        try:
            whole = self._file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as e:
            number = self._file.read_bytes()[: e.start].count(b"\n") + 1
            problem = Problem(self._file, number, "not UTF-8 text; save the file as UTF-8")
            raise ScenarioError([problem]) from None
        for number, text in enumerate(whole.split("\n"), 1):
            if not text.strip():
                continue
            try:
                line = PrecomputedLine.model_validate_json(text)
            except ValidationError as e:
                first = e.errors()[0]
                where = ".".join(str(p) for p in first["loc"])
                problems.append(Problem(self._file, number, f"{where}: {first['msg']}".lstrip(": ")))
                continue
            if line.id in lines:
                problems.append(Problem(self._file, number, f"a second answer for {line.id!r}"))
            if line.text is None and line.error is None:
                problems.append(Problem(self._file, number, "neither text nor error"))
            lines[line.id] = line
        if not lines and not problems:
            problems.append(Problem(self._file, None, "holds no answers"))
        if problems:
            raise ScenarioError(problems)
        return lines
