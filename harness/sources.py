"""Where the weights of the scenarios here come from, for ``harness models``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.models.source import is_local
from harness.scenario.load import find_scenario, load_scenario
from harness.types.settings import ModelSource


@dataclass(frozen=True)
class NamedSource:
    """A source of weights, what it is for and whether it is here."""

    scenario: str
    role: str
    source: ModelSource
    local: bool


def model_sources(root: Path, scenario: str) -> list[NamedSource]:
    """Sources of one scenario, or of all below ``root/scenarios``."""
    files = sorted((root / "scenarios").glob("*/scenario.yaml"))
    folders = [find_scenario(scenario, root)] if scenario else [f.parent for f in files]
    found = [
        (s.name, role, source) for s in map(load_scenario, folders) for role, source in s.weights().items()
    ]
    return [NamedSource(name, role, source, is_local(source)) for name, role, source in found]
