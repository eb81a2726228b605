"""The flows of ``harness label``: draw and show what people read, take in what they said, tell what it is worth."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.comparison.answer_agreement import PASS
from harness.comparison.labels import half_width, half_width_after
from harness.comparison.raters import krippendorff_alpha, mean_of
from harness.errors import InputError
from harness.labelling.draw import draw
from harness.labelling.handed import read_handed
from harness.labelling.merge import Line, Merged, line_id, merge, write_lines
from harness.labelling.page import build_page, default_guideline
from harness.labelling.saves import Saves, keep_sample, read_sample, read_samples
from harness.runs import newest_run, read_run
from harness.scenario.judging import read_labels, read_pairs, whole
from harness.scenario.load import load_scenario, read_text
from harness.store import RunFolder, write_atomic
from harness.types.estimate import Estimate
from harness.types.judging import AUTHOR, LABELS, AnswerLabel, PreferencePair
from harness.types.labelling import PAIRS, SAMPLES, Kind, Order, Sample
from harness.types.results import Comparison


@dataclass(frozen=True)
class DrawOptions:
    """What the command line asks of a sample."""

    run: Path | None = None
    """Folder of a finished run; None is the scenario's newest."""
    n: int = 100
    kind: Kind = "answers"
    order: Order = "random"
    seed: int | None = None
    """None is the scenario's."""
    output: Path | None = None
    """None writes the page into the run's folder."""


@dataclass(frozen=True)
class Drawn:
    sample: Sample
    own: Path
    """The sample's folder in the scenario."""
    run: Path


def draw_sample(folder: Path, options: DrawOptions) -> Drawn:
    """Draw a sample from a run of the scenario in ``folder`` and keep it there."""
    scenario = load_scenario(folder)
    run = read_run(options.run or newest_run(scenario.name))
    if run.scenario.name != scenario.name:
        raise InputError(f"{run.folder.path} is a run of {run.scenario.name!r}, not of {scenario.name!r}")
    own = scenario.labelling.guideline
    guideline = read_text(folder / own) if own else default_guideline(options.kind)
    seed = scenario.seed if options.seed is None else options.seed
    sample = draw(run, options.kind, options.order, options.n, seed, guideline)
    return Drawn(sample, keep_sample(folder / SAMPLES, sample), run.folder.path)


def write_page(drawn: Drawn, output: Path | None) -> Path:
    """The page as one file to hand out."""
    path = output or drawn.run / f"label-{drawn.sample.id}.html"
    write_atomic(path, build_page(drawn.sample))
    return path


def serve_sample(drawn: Drawn, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C; ``ready`` is called with the address to open.

    Where others than this machine can reach it, the address holds a key, without which nothing is shown or saved.
    """
    from harness.labelling.server import make_app
    from harness.serving.server import bind, is_loopback, run, url_of

    with bind(host, port) as bound:
        url = url_of(bound)
        key = None if is_loopback(host) else secrets.token_urlsafe(16)
        taken = bound.getsockname()[1]
        hosts = (
            {f"{name}:{taken}" for name in ("127.0.0.1", "localhost", "[::1]", host)} if key is None else None
        )
        page = build_page(drawn.sample, served=True)
        app = make_app(drawn.sample, page, Saves(drawn.own, drawn.sample), hosts, key)
        run(app, bound, lambda: ready(f"{url}/" + (f"?key={key}" if key else "")))


@dataclass(frozen=True)
class Agreement:
    """Whether people say the same, with what they read together and said differently."""

    kind: Kind
    raters: tuple[str, ...]
    """Without the author, who is no independent reader."""
    alpha: Estimate
    disagreements: tuple[Line, ...]


@dataclass(frozen=True)
class Imported:
    merged: tuple[Merged, ...]
    agreements: tuple[Agreement, ...]


def import_labels(folder: Path, files: Sequence[Path], to: Path | None, replace: bool) -> Imported:
    """Check and merge what raters handed in; raises ScenarioError, and writes nothing, where a file is wrong."""
    scenario = load_scenario(folder)
    handed = read_handed(files, scenario.name, lambda sample: read_sample(folder / SAMPLES, sample))
    if to is not None and len({one.sample.kind for one in handed}) > 1:
        raise InputError("--to is one file, and these hold labels of answers and of pairs; import them apart")
    merged: list[Merged] = []
    agreements: list[Agreement] = []
    ready: list[tuple[Path, Sequence[Line]]] = []

    def take(kind: Kind, file: Path) -> None:
        mine = [one for one in handed if one.sample.kind == kind]
        if mine:
            stored: Sequence[Line] = _labels(file) if kind == "answers" else _pairs(file)
            done, lines = merge(file, stored, mine, replace)
            merged.append(done)
            agreements.append(_agreement(kind, lines))
            if done.new or done.changed:
                ready.append((file, lines))

    take("answers", to or folder / LABELS)
    take("pairs", to or folder / PAIRS)
    for file, lines in ready:
        write_lines(file, lines)
    return Imported(tuple(merged), tuple(agreements))


def _labels(file: Path) -> list[AnswerLabel]:
    return whole(file, read_labels) if file.exists() else []


def _pairs(file: Path) -> list[PreferencePair]:
    return whole(file, read_pairs) if file.exists() else []


def _agreement(kind: Kind, lines: Sequence[Line]) -> Agreement:
    """On passed or failed, or on the better side; lines of other criteria are a rubric's."""
    read = [
        (line, _people(line)) for line in lines if isinstance(line, PreferencePair) or line.criterion == PASS
    ]
    groups = [line.item if isinstance(line, AnswerLabel) else str(line.input) for line, _ in read]
    units = [list(said.values()) for _, said in read]
    return Agreement(
        kind=kind,
        raters=tuple(sorted({rater for _, said in read for rater in said})),
        alpha=krippendorff_alpha(units, groups, np.random.default_rng(0)),
        disagreements=tuple(line for line, said in read if len(set(said.values())) > 1),
    )


def _people(line: Line) -> Mapping[str, float | str]:
    return {rater: label for rater, label in line.annotators.items() if rater != AUTHOR}


@dataclass(frozen=True)
class Narrower:
    """What more labels of one variant's answers buy."""

    variant: str
    judge: str | None
    """The judge whose scores stand beside the labels; None for labels alone."""
    estimate: Estimate
    """Share passed: by the random labels alone, or the judge's corrected by them in the newest run."""
    with_more: Mapping[int, float | None]
    """Half-width of the interval, as a share, with so many more random labels."""


@dataclass(frozen=True)
class Status:
    """The labels of a scenario so far."""

    labels: Path
    n: int
    by_rater: Mapping[str, int]
    by_sample: Mapping[str, int]
    agreements: tuple[Agreement, ...]
    narrower: tuple[Narrower, ...]


MORE = (50, 100, 200)


def label_status(folder: Path) -> Status:
    """What is labelled in the scenario in ``folder``, and what more would buy."""
    scenario = load_scenario(folder)
    labels = [line for line in _labels(folder / LABELS) if line.criterion == PASS]
    pairs = _pairs(folder / PAIRS)
    lines: list[Line] = [*labels, *pairs]
    by_rater = Counter(rater for line in lines for rater in line.annotators)
    by_sample = Counter(line.sample if isinstance(line, AnswerLabel) else "pairs" for line in lines)
    agreements = [_agreement("answers", labels)] if labels else []
    agreements += [_agreement("pairs", pairs)] if pairs else []
    samples = read_samples(folder / SAMPLES)
    return Status(
        labels=folder / LABELS,
        n=len(lines),
        by_rater=dict(sorted(by_rater.items())),
        by_sample=by_sample,
        agreements=tuple(agreements),
        narrower=(*_alone([v.name for v in scenario.variants], labels, samples), *_judged(scenario.name)),
    )


def _alone(
    variants: Sequence[str], labels: Sequence[AnswerLabel], samples: Iterable[Sample]
) -> Iterator[Narrower]:
    """By labels alone; a text that several variants gave counts for each of them."""
    gave = {line_id(s.order, e.id): e.variants[0] for s in samples if s.kind == "answers" for e in s.entries}
    random = [line for line in labels if line.sample == "random" and line.label is not None]
    for name in variants:
        mine = [line for line in random if name in gave.get(line.id, (line.variant,))]
        values = [float(line.label or 0) for line in mine]
        passed = mean_of(values, [line.item for line in mine], "nothing of it is labelled")
        yield Narrower(name, None, passed, {n: half_width(values, n) for n in MORE})


def _judged(scenario: str) -> Iterator[Narrower]:
    """By each judge of pass or fail in the newest run, where there is a run."""
    try:
        run = RunFolder(newest_run(scenario))
    except InputError:
        return
    comparison = run.read("comparison.json", Comparison)
    for metric in comparison.judged if comparison else ():
        if metric.criterion == PASS:
            for found in metric.estimates:
                more = {n: half_width_after(found, n) for n in MORE}
                yield Narrower(found.variant, metric.judge, found.corrected, more)
