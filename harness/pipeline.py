"""The whole flow on one screen: scenario -> variants -> answers -> scores -> comparison -> report.

The only file that knows every stage. Each stage leaves its files in the run folder and does nothing when they
already hold what it would write, so that a second run resumes or returns at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness import __version__, machine
from harness.answers.collect import collect, reuse, timing_sample
from harness.answers.usage import usage_of
from harness.cached import cache_figures
from harness.check import check
from harness.engine import endpoint_engine, halved, make_engine
from harness.errors import ScenarioError
from harness.judging import Court, judge_answers
from harness.models.source import weights_fingerprint
from harness.prices import pricer
from harness.protocols import Circumstances, Engine, Progress, ScoringContext, Variant
from harness.registry import SCORERS, lookup
from harness.runs import Run, StageClock, TrainingProgress, fingerprints, looks, read_run, write_inputs
from harness.scenario.endpoints import key_problems
from harness.scenario.inputs import Inputs, Options, load_inputs
from harness.scenario.leakage import stored_leaks
from harness.scores.apply import apply_scorers, code_fingerprint
from harness.store import Journal, RunFolder, cache_folder, fingerprint
from harness.types.answers import Answer, TrainingRecord, Usage
from harness.types.capacity import Capacity
from harness.types.data import Passage
from harness.types.judged import JudgedMetric, Ranking
from harness.types.manifest import BatchDrift, Drift, Manifest
from harness.types.results import Comparison, MetricInfo, Score
from harness.types.settings import Scenario
from harness.under_load import capacities, check_load
from harness.validation import as_metrics
from harness.variants.adapter import Adapter
from harness.variants.compose import ComposedVariant
from harness.variants.material import Material
from harness.variants.precomputed import PrecomputedVariant
from harness.variants.repeated import repeated, training_records


def compare(folder: Path, options: Options, progress: Progress) -> Run:
    """Run every stage for the scenario in ``folder``; what is already done is not done again."""
    machine.keep_freed_memory()
    check_load(options)
    inputs = load_inputs(folder, options)
    if problems := [*check(folder)[1], *key_problems(inputs.scenario, folder)]:
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
        clock = StageClock(run, machine.peak_memory)
        cache = run.path / "cache" if options.fresh else cache_folder()
        engine = make_engine(inputs.scenario, cache, options.offline, progress)
        variants = build_variants(inputs, folder, engine, progress)
        for variant in variants:
            with clock(f"prepare {variant.spec.name}"):
                for one in (variant, *variant.again):
                    one.prepare()
        answers = _answers(inputs, variants, run, options, clock, progress)
        passages = _passages(variants, answers)
        trainings = _trainings(variants, run)
        with clock("scores"):
            scores = _scores(inputs, answers, passages, engine, run, progress)
        with clock("judges"):
            others = () if options.fresh else tuple(RunFolder(p) for p in run.siblings())
            judged = judge_answers(Court(inputs, engine, run, progress, others), answers)
        loads = capacities(inputs, folder, variants, run, options, clock, progress)
        key = fingerprint(__version__, hashes, *scores, *trainings.values(), *loads.items(), judged.key)
        previous = run.read("manifest.json", Manifest)
        if previous and previous.hashes.get("comparison") == key and (run.path / "report.html").exists():
            progress.note("nothing changed since the last run")
            return read_run(run.path)
        hashes |= fingerprints(variants)
        with clock("leakage"):
            progress.stage("leakage")
            leaks = stored_leaks(run, inputs, engine.embedder_fingerprint, engine.embed)
        with clock("comparison"):
            given = [a for of_variant in answers.values() for a in of_variant]
            circumstances = Circumstances(given, leaks, looks(run, hashes), engine.dtype)
            usage = _usage(inputs, variants, answers, loads)
            caches = cache_figures(inputs, answers, engine.embed)
            by_judges = as_metrics(inputs.scenario, inputs.heldout, answers, inputs.judging.labels, judged)
            comparison = _compare(inputs, scores, trainings, usage, circumstances, by_judges, progress)
            run.write("comparison.json", comparison.model_copy(update={"caches": tuple(caches)}))
        run.remove("verdict.json")  # of the scores before
        run.remove("abtest.json")  # whose prediction it holds
        write_inputs(run, inputs.scenario, inputs.heldout, passages)
        hashes |= {"comparison": key, "judges": inputs.judges_hash()}
        drift = _drift(inputs, answers, scores)
        run.write("manifest.json", _manifest(inputs, run, options, hashes, clock, trainings, drift))
        finished = read_run(run.path)
        write_report(finished, progress)
        return finished


def _default_run(inputs: Inputs, hashes: dict[str, str]) -> Path:
    kind = "a-a" if inputs.again else "preview" if inputs.preview else "full"
    return Path("reports") / inputs.scenario.name / f"{kind}-{fingerprint(__version__, hashes)[:10]}"


def build_variants(inputs: Inputs, folder: Path, engine: Engine, progress: Progress) -> list[Variant]:
    """The scenario's variants, not yet prepared: no model is loaded."""
    scenario = inputs.scenario
    material = Material(scenario, inputs.train, inputs.dev, inputs.articles, inputs.prompts, engine)
    adapters = {n: [Adapter(n, t, material, p) for p in range(t.seeds)] for n, t in scenario.adapters.items()}
    engines = {n: endpoint_engine(engine, scenario, n, progress) for n in scenario.endpoints}
    variants: list[Variant] = []
    for spec in scenario.variants:
        kind, _, name = spec.weights.partition(":")
        if kind == "precomputed":
            variants.append(PrecomputedVariant(spec, folder / name))
        else:
            tell = TrainingProgress(progress, name)
            used = engines[name] if kind == "endpoint" else engine
            used = halved(used) if spec.name == inputs.again else used
            weights = adapters[name] if kind == "adapter" else [None]
            variants.append(repeated(spec, replace(material, engine=used), weights, tell))
    return variants


def _answers(
    inputs: Inputs,
    variants: Sequence[Variant],
    run: RunFolder,
    options: Options,
    clock: StageClock,
    progress: Progress,
) -> dict[str, list[Answer]]:
    """Quality pass of all variants, then the timing pass: one request at a time on a fixed sample."""
    scenario = inputs.scenario
    sample = timing_sample(inputs.heldout, scenario.timing_items, scenario.seed)
    answers: dict[str, list[Answer]] = {}
    for variant in variants:
        name = variant.spec.name
        journal = run.answers(name)
        answers[name] = []
        for one in (variant, *variant.again):
            if not options.fresh:
                reuse(one, journal, [RunFolder(p).answers(name) for p in run.siblings()])
            progress.stage(f"answers of {name}", len(inputs.heldout))
            with clock(f"answers {name}"):
                answers[name] += collect(
                    one, inputs.heldout, "quality", journal, scenario.retries, progress.advance
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
    found = training_records(variants)
    for name, record in found.items():
        run.write(f"training/{name}.json", record)
    return found


def _usage(
    inputs: Inputs,
    variants: Sequence[Variant],
    answers: Mapping[str, Sequence[Answer]],
    loads: Mapping[str, Capacity],
) -> dict[str, Usage]:
    tokens = inputs.scenario.economics.tokens
    sources = {name: pricer(prices).source for name, prices in tokens.items()}
    indexes = {v.spec.name: v.index_seconds() for v in variants if isinstance(v, ComposedVariant)}
    return {
        name: usage_of(given, sources.get(name), indexes.get(name), loads.get(name))
        for name, given in answers.items()
    }


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
    terms = (*_metrics(scenario), scenario.style, scenario.abstention, scenario.economics)
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
    usage: Mapping[str, Usage],
    circumstances: Circumstances,
    by_judges: tuple[Sequence[JudgedMetric], Sequence[Ranking]],
    progress: Progress,
) -> Comparison:
    from harness.comparison.build import build_comparison

    progress.stage("comparison")
    metrics = _metrics(inputs.scenario)
    s, items = inputs.scenario, inputs.heldout
    return build_comparison(
        s, items, scores, metrics, trainings, inputs.preview, usage, circumstances, *by_judges
    )


def _metrics(scenario: Scenario) -> list[MetricInfo]:
    scorers = [lookup(SCORERS, name) for name in scenario.metrics]
    return [s.info.model_copy(update={"code": code_fingerprint(s.__module__)}) for s in scorers]


def _drift(
    inputs: Inputs, answers: Mapping[str, list[Answer]], scores: Sequence[Score]
) -> tuple[Drift | None, BatchDrift]:
    from harness.comparison.drift import batch_drift, drift_floor

    s, items = inputs.scenario, inputs.heldout
    given = [a for row in answers.values() for a in row]
    metric, margin = s.choice.metric, s.margins.get(s.choice.metric)
    again = (
        drift_floor(s.baseline, inputs.again, metric, items, given, scores, margin) if inputs.again else None
    )
    return again, batch_drift(s, items, given)


def _manifest(
    inputs: Inputs,
    run: RunFolder,
    options: Options,
    hashes: dict[str, str],
    clock: StageClock,
    trainings: Mapping[str, TrainingRecord],
    drift: tuple[Drift | None, BatchDrift],
) -> Manifest:
    seeds = [one for t in trainings.values() for one in (t, *t.again)]
    trained = (t.peak_memory_bytes for t in seeds)  # by an earlier run, perhaps
    return Manifest(
        run=run.path.name,
        scenario=inputs.scenario.name,
        preview=inputs.preview,
        quick=inputs.quick,
        left_out=inputs.left_out,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        command=options.command,
        seed=inputs.scenario.seed,
        versions=machine.versions(),
        hashes=hashes,
        hardware=machine.describe(),
        stage_seconds=clock.seconds,
        peak_memory_bytes=max(machine.peak_memory(), clock.peak_memory, *trained),
        drift=drift[0],
        batch_drift=drift[1],
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
        run.verdict,
        run.abtest,
        run.judges.judges if run.judges else (),
    )
    for name, text in csv_files(run.comparison, run.scores, run.answers).items():
        run.folder.write(f"csv/{name}", text)
    return run.folder.write("report.html", html)
