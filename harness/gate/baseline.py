"""Whether a candidate may be compared with a baseline at all, and if not, what changed and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.figures import joined
from harness.types.gate import GateRule
from harness.types.results import MetricInfo
from harness.types.snapshot import Snapshot

PRICES = "prices"
"""The part of ``Snapshot.scoring`` that only money depends on."""
RENEW = "save a new baseline with --save-baseline from a run of the version that is in use"


@dataclass(frozen=True)
class Comparability:
    """What stands against comparing, and what a person has accepted."""

    refusals: tuple[str, ...]
    """A sentence each; any of them ends the gate."""
    accepted: tuple[str, ...]
    """Changes that would have refused had they not been accepted."""


def comparability(
    candidate: Snapshot, baseline: Snapshot, rules: Sequence[GateRule], accept_prompt_change: bool
) -> Comparability:
    """Compares scenario, items, scoring and prompt of the two; ``rules`` say which scores matter."""
    if candidate.scenario != baseline.scenario:
        foreign = (
            f"it is of scenario {baseline.scenario!r}, the run of {candidate.scenario!r}; give a baseline of "
            "this scenario"
        )
        return Comparability((foreign,), ())
    prompts = _prompt_changes(candidate, baseline)
    refusals = [*_item_changes(candidate, baseline), *_scoring_changes(candidate, baseline, rules)]
    if prompts and not accept_prompt_change:
        refusals += [f"{p}; {RENEW}, or accept it with --accept-prompt-change" for p in prompts]
    return Comparability(tuple(refusals), tuple(prompts) if accept_prompt_change else ())


def _item_changes(candidate: Snapshot, baseline: Snapshot) -> list[str]:
    known = {item.id: item for item in baseline.items}
    changed = [i.id for i in candidate.items if i.id in known and i.hash != known[i.id].hash]
    new = [i.id for i in candidate.items if i.id not in known]
    found = []
    if changed:
        found.append(f"the content of {_items(changed)} changed since the baseline was made; {RENEW}")
    if new:
        found.append(f"the baseline does not know {_items(new)}; {RENEW}")
    return found


def _items(ids: Sequence[str]) -> str:
    shown = joined([repr(i) for i in ids[:3]]) if len(ids) <= 3 else ", ".join(map(repr, ids[:3])) + ", ..."
    return f"item {shown}" if len(ids) == 1 else f"{len(ids)} items ({shown})"


def _scoring_changes(candidate: Snapshot, baseline: Snapshot, rules: Sequence[GateRule]) -> list[str]:
    relative = {rule.metric for rule in rules if rule.relative}
    now, then = _infos(candidate, relative), _infos(baseline, relative)
    money = any(info.unit == "money" for info in now.values())
    parts = sorted(candidate.scoring.keys() | baseline.scoring.keys())
    changed = [p for p in parts if candidate.scoring.get(p) != baseline.scoring.get(p)]
    found = [
        f"the scoring changed since the baseline was made ({part}), so old and new scores do not compare; {RENEW}"
        for part in changed
        if part != PRICES or money
    ]
    found += [f"it has no scores of {m!r}, which a rule compares; {RENEW}" for m in sorted(now.keys() - then)]
    found += [
        f"the metric {m!r} is computed by other code than it was; {RENEW}"
        for m in sorted(now.keys() & then)
        if now[m].code != then[m].code
    ]
    if money and candidate.currency != baseline.currency:
        found.append(f"its currency is {baseline.currency}, the run's {candidate.currency}; {RENEW}")
    return found


def _infos(snapshot: Snapshot, metrics: set[str]) -> dict[str, MetricInfo]:
    return {m.name: m for m in snapshot.metrics if m.name in metrics}


def _prompt_changes(candidate: Snapshot, baseline: Snapshot) -> list[str]:
    parts = sorted(candidate.prompt.keys() | baseline.prompt.keys())
    changed = [part for part in parts if candidate.prompt.get(part) != baseline.prompt.get(part)]
    if not changed:
        return []
    between = (
        f" (variant {baseline.variant!r} then, {candidate.variant!r} now)"
        if baseline.variant != candidate.variant
        else ""
    )
    return [f"the {joined(changed)} changed since the baseline was made{between}"]
