"""The flow of ``harness abtest``: logs -> trial -> what they say -> beside a run's prediction -> abtest.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.comparison.abtest import Plan, build_abtest
from harness.comparison.predicted import with_predictions
from harness.comparison.trial import Trial
from harness.errors import InputError
from harness.figures import joined, plural
from harness.logs.read import Columns, Log, read_log
from harness.pipeline import write_report
from harness.protocols import Progress
from harness.registry import nearest
from harness.runs import newest_run, read_run
from harness.store import canonical_json, file_hash, write_atomic
from harness.types.abtest import AbTest, Diagnosis

CONTROL = "control"
FILE = "abtest.json"


@dataclass(frozen=True)
class AbOptions:
    """What the command line asks."""

    logs: tuple[Path, ...]
    columns: Columns = field(default_factory=Columns)
    outcomes: Path | None = None
    """What became of the answers, by id, where the logs do not say."""
    control: str | None = None
    split: Mapping[str, float] = field(default_factory=dict)
    """Weights by arm; empty is equal shares."""
    lower_is_better: bool = False
    planned: int | None = None
    effect: float | None = None
    run: str | None = None
    """Folder of a run, or a scenario's name for its newest."""
    metric: str | None = None
    """Of the run; None takes the one that it chose by."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Variants of the run by arm, where they differ."""
    output: Path | None = None


def read_abtest(options: AbOptions, progress: Progress) -> AbTest:
    """What the logs say; with a run, its report tells it too. Raises InputError for what cannot be read."""
    if options.run is None and (options.names or options.metric):
        raise InputError("--map and --metric go with a run: name it with --run")
    progress.stage("reading the log")
    log = read_log(options.logs, options.columns, options.outcomes)
    for note in log.notes:
        progress.note(note)
    variants = _control_first(log, options.control)
    plan = Plan(
        outcome=options.columns.outcome,
        unit=log.unit,
        higher_is_better=not options.lower_is_better,
        shares=_shares(variants, options.split),
        planned=options.planned,
        effect=options.effect,
    )
    progress.stage("analysing")
    files = (*options.logs, *([options.outcomes] if options.outcomes else []))
    names, hashes = tuple(path.name for path in files), tuple(file_hash(path) for path in files)
    found = build_abtest(_trial(log, variants), plan, names, hashes, _repeated(log))
    if options.run:
        found = _beside(found, options, progress)
    if options.output:
        write_atomic(options.output, canonical_json(found))
    return found


def _beside(found: AbTest, options: AbOptions, progress: Progress) -> AbTest:
    assert options.run is not None
    folder = Path(options.run) if (Path(options.run) / "manifest.json").exists() else newest_run(options.run)
    run = read_run(folder)
    metrics = {m.name: m for m in run.comparison.metrics}
    name = options.metric or run.scenario.choice.metric
    if name not in metrics:
        raise InputError(f"--metric: the run has no metric {name!r}; {nearest(name, list(metrics))}")
    found = with_predictions(
        found, run.comparison.variants, run.items, run.scores, metrics[name], options.names
    )
    with run.folder.lock():
        run.folder.write(FILE, found)
        write_report(read_run(folder), progress)
    return found


def _control_first(log: Log, control: str | None) -> tuple[str, ...]:
    if len(log.variants) < 2:
        raise InputError(
            f"the log has one variant, {log.variants[0]!r}; a test needs two. Give the logs of all variants in one call"
        )
    name = control if control is not None else CONTROL
    if name not in log.variants:
        hint = f"; {nearest(name, list(log.variants))}" if control else ""
        raise InputError(f"name the control with --control: the log has {joined(list(log.variants))}{hint}")
    return (name, *(v for v in log.variants if v != name))


def _shares(variants: tuple[str, ...], split: Mapping[str, float]) -> tuple[float, ...] | None:
    if not split:
        return None
    if set(split) != set(variants):
        raise InputError(f"--split: name every variant of the log once: {joined(list(variants))}")
    total = sum(split.values())
    return tuple(split[v] / total for v in variants)


def _trial(log: Log, variants: tuple[str, ...]) -> Trial:
    place = np.array([variants.index(v) for v in log.variants], dtype=np.int64)
    return Trial(variants, place[log.arm], log.outcome, log.cluster, log.covariate, log.times, log.dated)


def _repeated(log: Log) -> tuple[Diagnosis, ...]:
    if not log.repeated:
        return ()
    text = f"{plural(log.repeated, 'row')} with an id that was there before, left out"
    if log.conflicting:
        text += (
            f"; {log.conflicting:,} of them say something else than the first, so ids are not to be relied on"
        )
    return (Diagnosis(kind="duplicates", serious=False, text=text),)
