"""The whole flow on one screen: scenario -> variants -> answers -> scores -> comparison -> report.

The only file that knows every stage. Each stage leaves its files in the run folder and does nothing when they
already hold what it would write, so that a second run resumes or returns at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from harness import __version__, machine
from harness.answers.collect import collect, reuse, timing_sample
from harness.errors import InputError, Problem, ScenarioError
from harness.models.source import context_length, fetch, is_local, token_counter, weights_fingerprint
from harness.protocols import Engine, Progress, ScoringContext, Variant
from harness.registry import BACKENDS, EMBEDDERS, SCORERS, TRAINERS, lookup
from harness.scenario.check import Summary, check_scenario
from harness.scenario.document import in_order
from harness.scenario.inputs import Inputs, Options, load_inputs
from harness.scenario.load import find_scenario, load_scenario
from harness.scores.apply import apply_scorers
from harness.store import Journal, RunFolder, cache_folder, fingerprint
from harness.types import (
    Answer,
    Comparison,
    Item,
    Manifest,
    ModelSource,
    Passage,
    Scenario,
    Score,
    StageSeconds,
    TrainingRecord,
)
from harness.variants.compose import Adapter, ComposedVariant, Material
from harness.variants.precomputed import PrecomputedVariant


@dataclass(frozen=True)
class Run:
    """The files of a finished run, as the report reads them."""

    folder: RunFolder
    scenario: Scenario
    items: Sequence[Item]
    answers: Sequence[Answer]
    scores: Sequence[Score]
    passages: Mapping[str, Passage]
    trainings: Mapping[str, TrainingRecord]
    comparison: Comparison
    manifest: Manifest


def compare(folder: Path, options: Options, progress: Progress) -> Run:
    """Run every stage for the scenario in ``folder``; what is already done is not done again."""
    machine.keep_freed_memory()
    inputs = load_inputs(folder, options)
    if problems := check(folder)[1]:
        raise ScenarioError(problems)
    hashes = inputs.hashes() | {
        "model": weights_fingerprint(inputs.scenario.model),
        "embedder": weights_fingerprint(inputs.scenario.embedder),
    }
    run = RunFolder(options.run_dir or _default_run(inputs, hashes))
    with run.lock():
        if options.fresh:
            run.clear()
            run.path.mkdir(parents=True)
        clock = _Clock(run)
        engine = _engine(inputs.scenario, options, run, progress)
        variants = _variants(inputs, folder, engine, progress)
        for variant in variants:
            with clock(f"prepare {variant.spec.name}"):
                variant.prepare()
        answers = _answers(inputs, variants, run, options, clock, progress)
        passages = _passages(variants, answers)
        trainings = _trainings(variants, run)
        with clock("scores"):
            scores = _scores(inputs, answers, passages, engine, run, progress)
        key = fingerprint(__version__, hashes, *scores, *trainings.values())
        previous = run.read("manifest.json", Manifest)
        if previous and previous.hashes.get("comparison") == key and (run.path / "report.html").exists():
            progress.note("nothing changed since the last run")
            return read_run(run.path)
        with clock("comparison"):
            _compare(inputs, scores, trainings, run, progress)
        _write_inputs(inputs, passages, run)
        hashes |= {"comparison": key} | {f"variant {v.spec.name}": v.fingerprint for v in variants}
        run.write("manifest.json", _manifest(inputs, run, options, hashes, clock))
        finished = read_run(run.path)
        write_report(finished, progress)
        return finished


def _default_run(inputs: Inputs, hashes: dict[str, str]) -> Path:
    kind = "preview" if inputs.preview else "full"
    return Path("reports") / inputs.scenario.name / f"{kind}-{fingerprint(__version__, hashes)[:10]}"


def _engine(scenario: Scenario, options: Options, run: RunFolder, progress: Progress) -> Engine:
    """Everything heavy, behind functions that load on first use."""
    name = scenario.backend.name
    weights = weights_fingerprint(scenario.model)

    def local(source: ModelSource) -> Path:
        if not is_local(source):
            progress.note(f"fetching {source.source} (once)")
        return fetch(source, options.offline)

    @cache
    def base() -> Path:
        return local(scenario.model)

    @cache
    def backend():  # type: ignore[no-untyped-def]
        return lookup(BACKENDS, name)(scenario.backend, base(), weights, scenario.seed)

    @cache
    def embedder():  # type: ignore[no-untyped-def]
        return lookup(EMBEDDERS, name)(local(scenario.embedder))

    return Engine(
        fingerprint=machine.engine_fingerprint(scenario.backend, weights),
        embedder_fingerprint=fingerprint(name, weights_fingerprint(scenario.embedder)),
        backend=backend,
        embed=lambda texts: embedder()(texts),
        train=lambda job, on_step: lookup(TRAINERS, name)(job, on_step),
        base=base,
        dtype=machine.resolve_dtype(scenario.backend.dtype),
        cache=run.path / "cache" if options.fresh else cache_folder(),
    )


def _variants(inputs: Inputs, folder: Path, engine: Engine, progress: Progress) -> list[Variant]:
    scenario = inputs.scenario
    material = Material(scenario, inputs.train, inputs.dev, inputs.articles, inputs.prompts, engine)
    adapters = {n: Adapter(n, t, material) for n, t in scenario.adapters.items()}
    variants: list[Variant] = []
    for spec in scenario.variants:
        kind, _, name = spec.weights.partition(":")
        if kind == "precomputed":
            variants.append(PrecomputedVariant(spec, folder / name))
        else:
            tell = _TrainingProgress(progress, name)
            variants.append(ComposedVariant(spec, material, adapters.get(name), tell))
    return variants


def _answers(
    inputs: Inputs,
    variants: Sequence[Variant],
    run: RunFolder,
    options: Options,
    clock: _Clock,
    progress: Progress,
) -> dict[str, list[Answer]]:
    """Quality pass of all variants, then the timing pass: one request at a time on a fixed sample."""
    scenario = inputs.scenario
    sample = timing_sample(inputs.heldout, scenario.timing_items, scenario.seed)
    answers: dict[str, list[Answer]] = {}
    for variant in variants:
        name = variant.spec.name
        journal = run.answers(name)
        if not options.fresh:
            reuse(variant, journal, [RunFolder(p).answers(name) for p in run.siblings()])
        progress.stage(f"answers of {name}", len(inputs.heldout))
        with clock(f"answers {name}"):
            answers[name] = collect(
                variant, inputs.heldout, "quality", journal, scenario.retries, progress.advance
            )
    for variant in variants:
        name = variant.spec.name
        progress.stage(f"latency of {name}", len(sample))
        with clock(f"latency {name}"):
            answers[name] += collect(
                variant, sample, "timing", run.answers(name), scenario.retries, progress.advance
            )
    return answers


def _passages(variants: Sequence[Variant], answers: Mapping[str, list[Answer]]) -> dict[str, Passage]:
    """The passages that some answer was shown."""
    shown = {h.passage for given in answers.values() for a in given for h in a.retrieved}
    known = {p: text for v in variants if isinstance(v, ComposedVariant) for p, text in v.passages().items()}
    return {p: known[p] for p in sorted(shown)}


def _trainings(variants: Sequence[Variant], run: RunFolder) -> dict[str, TrainingRecord]:
    records = [v.adapter.record() for v in variants if isinstance(v, ComposedVariant) and v.adapter]
    found = {r.adapter: r for r in records if r}
    for name, record in found.items():
        run.write(f"training/{name}.json", record)
    return found


def _scores(
    inputs: Inputs,
    answers: Mapping[str, list[Answer]],
    passages: Mapping[str, Passage],
    engine: Engine,
    run: RunFolder,
    progress: Progress,
) -> list[Score]:
    scenario = inputs.scenario
    context = ScoringContext(scenario, passages, engine.embed)
    items = {i.id: i for i in inputs.heldout}
    terms = (__version__, scenario.metrics, scenario.style, scenario.abstention, scenario.economics)
    shared = fingerprint(*terms, engine.embedder_fingerprint, *inputs.heldout)
    scores: list[Score] = []
    for variant, given in answers.items():
        key = fingerprint(shared, *given)
        journal = Journal(run.path / "scores" / f"{variant}.jsonl", Score)
        stored = list(journal)
        if not stored or {s.scorer for s in stored} != {key}:
            progress.stage(f"scores of {variant}")
            scorers = [lookup(SCORERS, m)() for m in scenario.metrics]
            stored = apply_scorers(scorers, items, given, context, key)
            journal.replace(stored)
        scores += stored
    return scores


def _compare(
    inputs: Inputs,
    scores: Sequence[Score],
    trainings: Mapping[str, TrainingRecord],
    run: RunFolder,
    progress: Progress,
) -> None:
    from harness.comparison.build import build_comparison

    progress.stage("comparison")
    infos = [lookup(SCORERS, m).info for m in inputs.scenario.metrics]
    result = build_comparison(inputs.scenario, inputs.heldout, scores, infos, trainings, inputs.preview)
    run.write("comparison.json", result)


def _write_inputs(inputs: Inputs, passages: Mapping[str, Passage], run: RunFolder) -> None:
    """What the report needs of the scenario, so that it can be built again from the run folder alone."""
    run.write("scenario.json", inputs.scenario)
    Journal(run.path / "items.jsonl", Item).replace(inputs.heldout)
    Journal(run.path / "passages.jsonl", Passage).replace(passages.values())


def _manifest(
    inputs: Inputs, run: RunFolder, options: Options, hashes: dict[str, str], clock: _Clock
) -> Manifest:
    return Manifest(
        run=run.path.name,
        scenario=inputs.scenario.name,
        preview=inputs.preview,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        command=options.command,
        seed=inputs.scenario.seed,
        versions=machine.versions(),
        hashes=hashes,
        hardware=machine.describe(),
        stage_seconds=clock.seconds,
        peak_memory_bytes=machine.peak_memory(),
    )


def read_run(path: Path) -> Run:
    """The run in folder ``path``; raises InputError where it is not a finished one."""
    run = RunFolder(path)
    scenario, manifest = run.read("scenario.json", Scenario), run.read("manifest.json", Manifest)
    comparison = run.read("comparison.json", Comparison)
    if scenario is None or manifest is None or comparison is None:
        raise InputError(f"{path} holds no finished run; `harness compare SCENARIO` makes one")
    items = list(Journal(path / "items.jsonl", Item))
    wanted = {i.id for i in items}
    latest: dict[tuple[str, str, str], Answer] = {}
    for spec in scenario.variants:
        key = manifest.hashes.get(f"variant {spec.name}")  # a journal may hold answers of other settings
        for a in run.answers(spec.name):
            if a.item in wanted and a.key == key:
                latest[a.variant, a.item, a.phase] = a
    return Run(
        folder=run,
        scenario=scenario,
        items=items,
        answers=list(latest.values()),
        scores=[s for v in scenario.variants for s in Journal(path / "scores" / f"{v.name}.jsonl", Score)],
        passages={p.id: p for p in Journal(path / "passages.jsonl", Passage)},
        trainings={
            f.stem: TrainingRecord.model_validate_json(f.read_bytes())
            for f in sorted(path.glob("training/*.json"))
        },
        comparison=comparison,
        manifest=manifest,
    )


def write_report(run: Run, progress: Progress) -> Path:
    """``report.html`` and ``csv/`` from the run's files alone."""
    from harness.report.build import build_report
    from harness.report.export import csv_files

    progress.stage("report")
    html = build_report(
        run.comparison,
        run.manifest,
        run.scenario,
        run.items,
        run.answers,
        run.scores,
        run.passages,
        run.trainings,
    )
    for name, text in csv_files(run.comparison, run.scores, run.answers).items():
        run.folder.write(f"csv/{name}", text)
    return run.folder.write("report.html", html)


def newest_run(scenario: str) -> Path:
    """The newest finished run of a scenario; raises InputError where there is none."""
    runs = sorted(Path("reports", scenario).glob("*/manifest.json"), key=lambda p: p.stat().st_mtime)
    if not runs:
        raise InputError(f"no finished run below reports/{scenario}; `harness compare {scenario}` makes one")
    return runs[-1].parent


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


class _TrainingProgress:
    """Shows a training as a stage with its loss; the stage opens at the first step."""

    def __init__(self, progress: Progress, adapter: str):
        self._progress, self._adapter, self._last = progress, adapter, 0

    def __call__(self, step: int, steps: int, loss: float) -> None:
        if not self._last:
            self._progress.stage(f"training {self._adapter}", steps)
        self._progress.advance(step - self._last, f"loss {loss:.3f}")
        self._last = step


class _Clock:
    """Seconds by stage, summed over the runs that it took to finish."""

    def __init__(self, run: RunFolder):
        self._run = run
        stored = run.read("stages.json", StageSeconds)
        self.seconds = dict(stored.seconds) if stored else {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            if spent > 0.1:  # a stage that had nothing to do leaves no trace
                self.seconds[stage] = round(self.seconds.get(stage, 0.0) + spent, 2)
                self._run.write("stages.json", StageSeconds(seconds=self.seconds))
