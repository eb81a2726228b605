"""What ``harness validate`` finds in the rules of the gate once the items are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from math import inf
from pathlib import Path

from harness.errors import Problem
from harness.registry import SCORERS, lookup, nearest
from harness.scenario.document import Document, Loc
from harness.scenario.load import read_text
from harness.types.data import Item
from harness.types.judge_settings import PREFERENCE, metrics_of
from harness.types.settings import Scenario


def gate_problems(scenario: Scenario, folder: Path, heldout: Iterable[Item]) -> list[Problem]:
    """Slices without items and limits that no rate can have.

    The baseline is not read here: a broken one must not keep `harness compare` from making the run that mends it.
    """
    if scenario.gate is None:
        return []
    file = folder / "scenario.yaml"
    document = Document(read_text(file), file)
    return [document.problem(loc, text) for loc, text in _rules(scenario, list(heldout))]


def _rules(scenario: Scenario, heldout: list[Item]) -> Iterator[tuple[Loc, str]]:
    assert scenario.gate is not None
    for i, rule in enumerate(scenario.gate.rules):
        key, equals, value = rule.slice.partition("=")
        values = sorted({item.slices[key] for item in heldout if key in item.slices})
        if equals and value not in values:
            known = nearest(value, values) if values else "no held-out item has this slice"
            yield ("gate", "rules", i, "slice"), f"no held-out item has {rule.slice}; {known}"
        with suppress(ImportError):  # a metric whose library is missing is the doctor's to tell
            low, high, words = _scale(scenario, rule.metric)
            if not low <= rule.limit <= high:
                message = f"{rule.metric} is {words}, so {rule.limit:g} is no limit for it"
                yield ("gate", "rules", i, rule.kind), message


def _scale(scenario: Scenario, metric: str) -> tuple[float, float, str]:
    """Between what a limit must lie, in words too."""
    rate = (0.0, 1.0, "a rate from 0 to 1")
    for name, judge in scenario.judges.items():
        if (criterion := metrics_of(name, judge).get(metric)) is not None:
            return rate if criterion in ("pass", PREFERENCE) else (1.0, 5.0, "a rating from 1 to 5")
    return rate if lookup(SCORERS, metric).info.unit == "rate" else (-inf, inf, "")
