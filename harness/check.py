"""What ``harness validate`` finds, and what must hold before a comparison starts."""

from __future__ import annotations

from pathlib import Path

from harness.errors import Problem, ScenarioError
from harness.models.source import context_length, fetch, is_local, token_counter
from harness.scenario.check import Summary, check_scenario
from harness.scenario.document import in_order
from harness.scenario.load import load_scenario
from harness.variants.precomputed import PrecomputedVariant


def check(folder: Path) -> tuple[Summary | None, list[Problem]]:
    """What ``validate`` finds; lengths are exact where the model's tokenizer is on this machine."""
    count, context = None, None
    scenario = None
    try:
        scenario = load_scenario(folder)
    except ScenarioError:
        pass  # check_scenario reports it
    else:
        source = scenario.model
        if is_local(source) and (tokenizer := fetch(source, offline=True) / "tokenizer.json").exists():
            count, context = token_counter(tokenizer), context_length(tokenizer.parent)
    summary, problems = check_scenario(folder, count, context)
    bad = {p.file for p in problems}
    for spec in scenario.variants if scenario else ():
        kind, _, name = spec.weights.partition(":")
        if kind == "precomputed" and folder / name not in bad:
            try:
                PrecomputedVariant(spec, folder / name).prepare()
            except ScenarioError as e:
                problems += e.problems
    return summary, list(in_order(problems).problems)
