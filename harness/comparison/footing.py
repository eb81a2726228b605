"""Whether all variants answered under the same conditions, as their settings and answers tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from harness.figures import joined
from harness.types.answers import Answer, Phase
from harness.types.results import AuditLine
from harness.types.settings import Decoding, Scenario, VariantSpec

Status = str


def same_items(scenario: Scenario, items: Sequence[str], answers: Sequence[Answer]) -> AuditLine:
    wanted = set(items)
    asked, failed = _asked(scenario, answers, "quality"), _failed(answers, "quality")
    skipped = {v: len(wanted - got) for v, got in asked.items() if wanted - got}
    foreign = {v: len(got - wanted) for v, got in asked.items() if got - wanted}
    if skipped or foreign:
        parts = [f"{v} was not asked {n} of {len(wanted)} items" for v, n in skipped.items()]
        parts += [f"{v} has answers to {n} items of another set" for v, n in foreign.items()]
        return _line("Same items", "broken", "; ".join(parts) + ".")
    said = f"All {len(asked)} variants were asked the same {len(wanted):,} held-out items"
    if failed:
        return _line("Same items", "caution", f"{said}, but some gave no answer: {_counted(failed)}.")
    return _line("Same items", "ok", f"{said}, and each answered all of them.")


def same_decoding(scenario: Scenario) -> AuditLine:
    groups: dict[Decoding, list[str]] = defaultdict(list)
    for spec in _local(scenario):
        groups[spec.decoding or scenario.decoding].append(spec.name)
    if len(groups) > 1:
        parts = [f"{_decoded(d)} for {joined(names)}" for d, names in groups.items()]
        return _line("Same decoding", "caution", f"Decoding differs: {'; '.join(parts)}.")
    more = {v.name: scenario.endpoints[v.endpoint].options for v in scenario.variants if v.endpoint}
    if further := [f"{name} ({', '.join(sorted(options))})" for name, options in more.items() if options]:
        said = f"Requests of {joined(further)} carry options of their own."
        return _line("Same decoding", "caution", said)
    foreign = _elsewhere(scenario)
    if foreign:
        unknown = f"How {joined(foreign)} decoded is not known: the answers were made elsewhere."
        return _line("Same decoding", "caution", unknown)
    said = _decoded(next(iter(groups)))
    return _line("Same decoding", "ok", f"All variants decode alike: {said}.")


def same_template(scenario: Scenario, answers: Sequence[Answer]) -> AuditLine:
    """Each answer holds the hash of its prompt; variants that differ in weights alone have the same ones."""
    hashes: dict[str, dict[str, str]] = defaultdict(dict)
    bare: dict[str, int] = defaultdict(int)
    for a in answers:
        if a.phase == "quality" and a.prompt_hash is not None:
            hashes[a.variant][a.item] = a.prompt_hash
        elif a.phase == "quality" and a.text is not None:
            bare[a.variant] += 1
    twins, differing = 0, []
    for one, other in _twins(scenario):
        shared = hashes[one].keys() & hashes[other].keys()
        twins += bool(shared)
        if odd := sum(hashes[one][i] != hashes[other][i] for i in shared):
            differing.append(f"{one} and {other} on {odd} of {len(shared)} items")
    if differing:
        listed = "; ".join(differing)
        return _line(
            "Same template", "broken",
            f"Variants that differ in their weights alone were asked other prompts: {listed}.",
        )  # fmt: skip
    if bare:
        return _line(
            "Same template", "caution",
            f"The exact prompt is not known of answers of {_counted(bare)}; of all others its hash is stored.",
        )  # fmt: skip
    said = "One chat template for all: the hash of every rendered prompt is stored"
    if twins:
        pairs = "pair of variants that differs" if twins == 1 else "pairs of variants that differ"
        return _line(
            "Same template", "ok",
            f"{said}, and the {twins} {pairs} in weights alone had the same prompts to the token.",
        )  # fmt: skip
    return _line("Same template", "ok", f"{said}.")


def same_engine(scenario: Scenario, dtype: str) -> AuditLine:
    b, foreign = scenario.backend, _elsewhere(scenario) + _remote(scenario)
    said = f"{b.name} in {dtype}, batches of {b.batch_size}, on the machine of this run"
    local = len(scenario.variants) - len(foreign)
    if foreign:
        others = f"the others by {said}" if local else "no variant was answered on the machine of this run"
        return _line(
            "Same engine and hardware", "caution",
            f"{joined(foreign)} was answered elsewhere, on an engine and hardware that are not known; {others}.",
        )  # fmt: skip
    return _line("Same engine and hardware", "ok", f"All {local} variants were answered by {said}.")


def same_timing(scenario: Scenario, answers: Sequence[Answer]) -> AuditLine:
    name = "Same load while timing"
    timed = {v: got for v, got in _asked(scenario, answers, "timing").items() if got}
    if not timed:
        return _line(name, "caution", "No latency was measured.")
    if len(set(map(frozenset, timed.values()))) > 1:
        return _line(name, "broken", "Latency was measured on other items for some variants than for others.")
    missing = [v.name for v in scenario.variants if v.name not in timed]
    lacking = dict.fromkeys(missing, 1) | _failed(answers, "timing")
    n = len(next(iter(timed.values())))
    said = f"Latency was measured one request at a time, after a warm-up, on the same {n} items"
    if lacking:
        return _line(name, "caution", f"{said}, but not for all: {joined(sorted(lacking))} lack some times.")
    if foreign := _elsewhere(scenario):
        return _line(name, "caution", f"{said}; the times of {joined(foreign)} are as its file states them.")
    if remote := _remote(scenario):
        there = f"the times of {joined(remote)} hold the network and whatever else its server did"
        return _line(name, "caution", f"{said}; {there}.")
    return _line(name, "ok", f"{said} for every variant.")


def _line(check: str, status: str, sentence: str) -> AuditLine:
    return AuditLine.model_validate({"check": check, "status": status, "sentence": sentence})


def _local(scenario: Scenario) -> list[VariantSpec]:
    return [v for v in scenario.variants if not v.weights.startswith("precomputed:")]


def _elsewhere(scenario: Scenario) -> list[str]:
    return [v.name for v in scenario.variants if v.weights.startswith("precomputed:")]


def _remote(scenario: Scenario) -> list[str]:
    return [v.name for v in scenario.variants if v.endpoint]


def _asked(scenario: Scenario, answers: Sequence[Answer], phase: Phase) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {v.name: set() for v in scenario.variants}
    for a in answers:
        if a.phase == phase and a.variant in found:
            found[a.variant].add(a.item)
    return found


def _failed(answers: Sequence[Answer], phase: Phase) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for a in answers:
        if a.phase == phase and a.text is None:
            found[a.variant] += 1
    return dict(found)


def _twins(scenario: Scenario) -> Iterable[tuple[str, str]]:
    """Pairs that share system prompt and context, so that only their weights differ."""
    local = _local(scenario)
    for i, one in enumerate(local):
        for other in local[i + 1 :]:
            alike = (one.system, one.context, one.flow) == (other.system, other.context, other.flow)
            if alike and one.weights != other.weights:
                yield one.name, other.name


def _decoded(d: Decoding) -> str:
    how = "greedy" if d.temperature == 0 else f"sampled at temperature {d.temperature:g}"
    return f"{how}, at most {d.max_new_tokens} new tokens"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({n})" for name, n in sorted(counts.items()))
