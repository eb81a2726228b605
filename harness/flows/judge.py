"""A judge held against labels, apart from any comparison."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from harness.check import check
from harness.engine import make_engine
from harness.errors import InputError, ScenarioError
from harness.judging import Court, record_of
from harness.protocols import Progress
from harness.registry import nearest
from harness.scenario.endpoints import key_problems
from harness.scenario.inputs import Options, load_inputs
from harness.scenario.judging import read_either
from harness.store import RunFolder, cache_folder, canonical_json, fingerprint, write_atomic
from harness.types.judge_record import JudgeRecords


@dataclass(frozen=True)
class ValidateOptions:
    judge: str | None = None
    """None validates all of the scenario's."""
    labels: Path | None = None
    """A file of pairs or of labels, instead of the scenario's own."""
    output: Path | None = None
    offline: bool = False
    backend: str | None = None


def validate_judges(folder: Path, options: ValidateOptions, progress: Progress) -> tuple[JudgeRecords, Path]:
    """What labels say of the judges, and the file that holds it. Replies are kept beside it, among the
    scenario's runs: a validation that was stopped goes on, and what a comparison has asked is not asked again, nor the
    other way round."""
    inputs = load_inputs(folder, Options(offline=options.offline, backend=options.backend))
    scenario = inputs.scenario
    if not scenario.judges:
        raise InputError(f"{folder / 'scenario.yaml'} names no judges; add one below `judges:`")
    names = list(scenario.judges)
    if options.judge is not None:
        if options.judge not in names:
            raise InputError(f"--judge: no judge {options.judge!r}; {nearest(options.judge, names)}")
        names = [options.judge]
    scenario = scenario.model_copy(update={"judges": {n: scenario.judges[n] for n in names}})
    if problems := [*check(folder)[1], *key_problems(scenario, folder)]:
        raise ScenarioError(problems)
    judging = inputs.judging
    if options.labels is not None:
        pairs, labels = read_either(options.labels)
        judging = replace(judging, heldout=pairs, labels=labels)
    if not judging.heldout and not judging.labels:
        raise InputError(
            f"nothing to hold the judges of {scenario.name} against: name preference pairs in data.preferences, "
            "label answers with `harness label`, or give a file with --labels"
        )
    inputs = replace(inputs, scenario=scenario, judging=judging)
    place = Path("reports") / scenario.name / "judges"
    run = RunFolder(place)
    with run.lock():
        engine = make_engine(scenario, cache_folder(), options.offline, progress)
        court = Court(inputs, engine, run, progress, tuple(RunFolder(p) for p in run.siblings()))
        records = []
        for name in names:
            judge = court.judge(name)
            key = fingerprint(judge.fingerprint, scenario.judges[name], judging.hash())
            records.append(record_of(court, name, judge, key, time.perf_counter()))
        found = JudgeRecords(judges=tuple(records))
        file = options.output or place / f"{_named(options)}.json"
        write_atomic(file, canonical_json(found))
    return found, file


def _named(options: ValidateOptions) -> str:
    parts = ["validation", options.judge, options.labels.stem if options.labels else None]
    return "-".join(p for p in parts if p)


def exit_code(records: JudgeRecords) -> int:
    """0 where every judge is trusted, 100 where one is below its floor, 101 where labels are too few to tell."""
    status = {r.trust.status if r.trust else "too few labels" for r in records.judges}
    return 100 if "below floor" in status else 101 if "too few labels" in status else 0
