"""The flow of ``harness gate``: a run and a baseline -> snapshots -> look -> verdict -> files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.check import check
from harness.errors import InputError, ScenarioError
from harness.gate.baseline import PRICES, comparability
from harness.gate.decide import Against, Candidate, decide
from harness.gate.looks import look_alpha, look_number
from harness.gate.snapshot import build_snapshot, content_hash
from harness.pipeline import write_report
from harness.protocols import Progress
from harness.registry import nearest
from harness.report.verdict_junit import verdict_junit
from harness.report.verdict_markdown import verdict_markdown
from harness.runs import Run, newest_run, read_run
from harness.scenario.baseline import baseline_text, read_baseline
from harness.scenario.inputs import Options, load_inputs
from harness.scenario.load import load_scenario
from harness.store import Journal, fingerprint, write_atomic
from harness.types.gate import Gate
from harness.types.judging import JUDGED
from harness.types.settings import Scenario
from harness.types.snapshot import Snapshot
from harness.types.verdict import Look, Verdict


@dataclass(frozen=True)
class GateOptions:
    """What the command line asks of a gate."""

    run: str | None = None
    """Folder of a run, or its name below ``reports/<scenario>``; None is the newest full one."""
    variant: str | None = None
    baseline: str | None = None
    """A baseline file, or a run as in ``run``."""
    junit: Path | None = None
    markdown: Path | None = None
    accept_prompt_change: bool = False


def judge(folder: Path, options: GateOptions, progress: Progress) -> Verdict:
    """Judge a run of the scenario in ``folder`` by its rules; writes ``verdict.json`` and what the options name.

    Raises InputError where the run or the baseline cannot be judged by them.
    """
    scenario, run, variant = _candidate(folder, options)
    rules = _rules(scenario, run)
    notes = _changed_since(folder, scenario, run, variant, rules)
    if notes and options.run is None:
        raise InputError(
            f"the newest full run ({run.folder.path.name}) is out of date: {'; '.join(notes)}. Run `harness compare "
            f"{scenario.name}` first, or name the run with --run"
        )
    snapshot = _snapshot(run, variant)
    against = _against(folder, scenario, rules, snapshot, options)
    failed = {a.item: a.error for a in run.answers if a.variant == variant and a.error is not None}
    candidate = Candidate(
        scores=snapshot,
        slices={item.id: item.slices for item in run.items},
        errors=sorted(failed),
        left_out=run.manifest.left_out,
        judged=run.comparison.judged,
    )
    looks = Journal(Path("reports", scenario.name, "looks.jsonl"), Look)
    named = {rule.metric for rule in rules.rules}
    judged = [m for m in run.comparison.judged if m.metric in named]
    data = fingerprint(*snapshot.items, "against", *(against.scores.items if against else ()), *judged)
    with looks.exclusive():
        history = list(looks)
        look = look_number(history, snapshot.candidate, data)
        verdict = decide(candidate, against, rules.rules, look, notes)
        if look > max((e.look for e in history if e.candidate == snapshot.candidate), default=0):
            looks.append(_entry(verdict, data))
    _write(run, verdict, failed, options, progress)
    return verdict


def save_baseline(folder: Path, options: GateOptions, file: Path) -> Snapshot:
    """Write the scores of a full run as a baseline file; raises InputError for a preview."""
    _, run, variant = _candidate(folder, options)
    if run.manifest.preview:
        raise InputError(
            f"{run.folder.path} is a preview; a baseline needs all held-out items: run `harness compare` without "
            "--quick and --limit"
        )
    snapshot = _snapshot(run, variant)
    write_atomic(file, baseline_text(snapshot))
    return snapshot


def _candidate(folder: Path, options: GateOptions) -> tuple[Scenario, Run, str]:
    """The scenario as it is now, the run to judge and the variant in it."""
    if problems := check(folder)[1]:
        raise ScenarioError(problems)
    scenario = load_scenario(folder)
    run = read_run(
        _run_folder(options.run, scenario) if options.run else newest_run(scenario.name, full=True)
    )
    if run.manifest.scenario != scenario.name:
        raise InputError(
            f"{run.folder.path} is a run of scenario {run.manifest.scenario!r}, not of {scenario.name!r}"
        )
    if run.manifest.quick:
        raise InputError(
            f"{run.folder.path} was made with --quick: its variants had less training than those of a release. Run "
            f"`harness compare {scenario.name}` without it"
        )
    asked = options.variant or (scenario.gate.variant if scenario.gate else None)
    variant = asked or run.comparison.decision.choice
    if variant is None:
        raise InputError("the comparison recommends no variant; name one with --variant or under `gate:`")
    if variant not in run.comparison.variants:
        raise InputError(
            f"the run has no variant {variant!r}; {nearest(variant, list(run.comparison.variants))}"
        )
    return scenario, run, variant


def _run_folder(name: str, scenario: Scenario) -> Path:
    below = Path("reports", scenario.name, name)
    return below if not Path(name).exists() and below.is_dir() else Path(name)


def _rules(scenario: Scenario, run: Run) -> Gate:
    if scenario.gate is None:
        raise InputError(
            f"scenario {scenario.name} states no rules; add `gate:` with `rules:` to scenario.yaml "
            "(docs/how-to/gate-a-release.md)"
        )
    known = {metric.name for metric in run.comparison.metrics} | {m.metric for m in run.comparison.judged}
    if missing := sorted({rule.metric for rule in scenario.gate.rules} - known):
        raise InputError(
            f"the run has no scores of {', '.join(missing)}, which the rules name; run `harness compare "
            f"{scenario.name}` again"
        )
    return scenario.gate


def _changed_since(folder: Path, scenario: Scenario, run: Run, variant: str, rules: Gate) -> list[str]:
    """How the scenario's files differ from what the run was made of, as far as they bear on variant and rules."""
    now, then = load_inputs(folder, Options()), run.scenario
    found = []
    hashes = now.hashes()
    for name in ("train", "dev", "knowledge base", f"system prompt {variant}"):
        if hashes.get(name) != run.manifest.hashes.get(name):
            found.append(f"the {name.removesuffix(' ' + variant)} changed since the run")
    present = {item.id: content_hash(item) for item in now.heldout}
    if any(present.get(item.id) != content_hash(item) for item in run.items):
        found.append("held-out items changed since the run")
    by_judges = any(rule.metric.startswith(JUDGED) for rule in rules.rules)
    if by_judges and now.judges_hash() != run.manifest.hashes.get("judges"):
        found.append("judges, preference pairs or labels changed since the run")
    if len(present) != len(run.items) + run.manifest.left_out:
        found.append("there are more or fewer held-out items than the run knew")

    def terms(s: Scenario) -> list[object]:
        spec = next((v for v in s.variants if v.name == variant), None)
        adapter = s.adapters.get(spec.weights.partition(":")[2]) if spec else None
        prices = (s.economics.serving, s.economics.utilisation)
        return [spec, adapter, s.model, s.embedder, s.decoding, s.style, s.abstention, prices]

    if terms(scenario) != terms(then):
        found.append(f"the settings of {variant} changed since the run")
    return found


def _snapshot(run: Run, variant: str) -> Snapshot:
    settings, hashes = run.scenario, run.manifest.hashes
    spec = next(v for v in settings.variants if v.name == variant)
    economics = settings.economics
    scoring = {
        "style rules": fingerprint(settings.style),
        "abstention patterns": fingerprint(settings.abstention),
        "embedder": hashes.get("embedder", ""),
        PRICES: fingerprint(economics.serving, economics.utilisation),
    }
    prompt = {
        "system prompt": hashes.get(f"system prompt {variant}", ""),
        "context settings": fingerprint(spec.context),
        "decoding": fingerprint(spec.decoding or settings.decoding),
    }
    asked_here = not spec.weights.startswith("precomputed:")
    return build_snapshot(
        variant, run.comparison, run.manifest, run.items, run.scores, scoring, prompt if asked_here else {}
    )


def _against(
    folder: Path, scenario: Scenario, rules: Gate, candidate: Snapshot, options: GateOptions
) -> Against | None:
    """The baseline, refused where it and the candidate do not compare."""
    named = options.baseline or (str(folder / rules.baseline) if rules.baseline else None)
    if named is None:
        if relative := [rule for rule in rules.rules if rule.relative]:
            raise InputError(
                f"the rule {relative[0].kind} on {relative[0].metric} needs a baseline; name one with --baseline or "
                "under `gate:`. `harness gate SCENARIO --save-baseline FILE` makes one from a run"
            )
        return None
    place = _run_folder(named, scenario) if options.baseline else Path(named)
    if not place.exists():
        raise InputError(
            f"{place}: there is no baseline here; `harness gate {scenario.name} --save-baseline {place}` makes it from "
            "the newest full run"
        )
    baseline = _baseline_of_run(place, candidate.variant) if place.is_dir() else read_baseline(place)
    found = comparability(candidate, baseline, rules.rules, options.accept_prompt_change)
    if found.refusals:
        raise InputError(
            f"{place} is no baseline for this run:\n" + "\n".join(f"- {r}" for r in found.refusals)
        )
    return Against(baseline, named, found.accepted)


def _baseline_of_run(folder: Path, variant: str) -> Snapshot:
    run = read_run(folder)
    if run.manifest.preview:
        raise InputError(f"{folder} is a preview, which is no baseline; name a full run")
    if variant not in run.comparison.variants:
        raise InputError(
            f"{folder} has no variant {variant!r}; save a baseline of another variant with --save-baseline"
        )
    return _snapshot(run, variant)


def _entry(verdict: Verdict, data: str) -> Look:
    return Look(
        candidate=verdict.candidate,
        data=data,
        look=verdict.look,
        alpha=look_alpha(verdict.look),
        status=verdict.status,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _write(
    run: Run, verdict: Verdict, failed: dict[str, str], options: GateOptions, progress: Progress
) -> None:
    """``verdict.json`` and the report of the run, and the files that the options name."""
    with run.folder.lock():
        run.folder.write("verdict.json", verdict)
        write_report(read_run(run.folder.path), progress)
    if options.junit:
        write_atomic(options.junit, verdict_junit(verdict, failed))
    if options.markdown:
        questions = {item.id: "\n".join(m.content for m in item.messages) for item in run.items}
        answers = _answers(run, verdict.variant)
        write_atomic(options.markdown, verdict_markdown(verdict, questions, answers))


def _answers(run: Run, variant: str) -> dict[str, str]:
    given = [a for a in run.answers if a.variant == variant and a.phase == "quality"]
    return {a.item: a.text if a.text is not None else f"no answer: {a.error}" for a in given}
