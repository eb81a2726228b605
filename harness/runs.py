"""A run as its files tell it: what the report and the gate read, and the wall time of its stages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import InputError
from harness.protocols import Progress, Variant
from harness.store import Journal, RunFolder, fingerprint
from harness.types.abtest import AbTest
from harness.types.answers import Answer, TrainingRecord
from harness.types.data import Item, Passage
from harness.types.judge_record import JudgeRecords
from harness.types.manifest import Manifest, StageSeconds
from harness.types.results import Comparison, Looks, Score
from harness.types.settings import Scenario
from harness.types.verdict import Verdict


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
    verdict: Verdict | None = None
    """Of the last ``harness gate`` on this run."""
    abtest: AbTest | None = None
    """Of the last ``harness abtest`` beside this run."""
    judges: JudgeRecords | None = None
    judge_scores: Sequence[Score] = ()
    """Of metrics ``judge.<name>``: they are in no estimate but those in ``comparison.judged``."""


def write_inputs(
    run: RunFolder, scenario: Scenario, items: Sequence[Item], passages: Mapping[str, Passage]
) -> None:
    """What the report needs of the scenario, so that it can be built again from the run folder alone."""
    run.write("scenario.json", scenario)
    Journal(run.path / "items.jsonl", Item).replace(items)
    Journal(run.path / "passages.jsonl", Passage).replace(passages.values())


def read_run(path: Path) -> Run:
    """The run in folder ``path``; raises InputError where it is not a finished one."""
    run = RunFolder(path)
    scenario, manifest = run.read("scenario.json", Scenario), run.read("manifest.json", Manifest)
    comparison = run.read("comparison.json", Comparison)
    if scenario is None or manifest is None or comparison is None:
        raise InputError(f"{path} holds no finished run; `harness compare SCENARIO` makes one")
    items = list(Journal(path / "items.jsonl", Item))
    wanted = {i.id for i in items}
    latest: dict[tuple[str, str, str, int], Answer] = {}
    for spec in scenario.variants:
        # A journal may hold answers of other settings.
        keys = _keys(spec.name, manifest.hashes)
        for a in run.answers(spec.name):
            if a.item in wanted and a.key in keys:
                latest[a.variant, a.item, a.phase, a.repeat] = a
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
        verdict=run.read("verdict.json", Verdict),
        abtest=run.read("abtest.json", AbTest),
        judges=run.read("judges.json", JudgeRecords),
        judge_scores=[
            s for j in scenario.judges for s in Journal(path / "scores" / "judges" / f"{j}.jsonl", Score)
        ],
    )


def fingerprints(variants: Sequence[Variant]) -> dict[str, str]:
    """What a manifest tells of each variant and of its further repeats."""
    found = {_VARIANT + v.spec.name: v.fingerprint for v in variants}
    return found | {
        f"repeat {r} of {v.spec.name}": one.fingerprint for v in variants for r, one in enumerate(v.again, 1)
    }


def _keys(variant: str, hashes: Mapping[str, str]) -> set[str]:
    return {
        value
        for name, value in hashes.items()
        if name == _VARIANT + variant or re.fullmatch(rf"repeat \d+ of {re.escape(variant)}", name)
    }


def newest_run(scenario: str, full: bool = False) -> Path:
    """The newest finished run of a scenario, with ``full`` no preview; raises InputError where there is none."""
    runs = sorted(Path("reports", scenario).glob("*/manifest.json"), key=lambda p: p.stat().st_mtime)
    if full:
        runs = [p for p in runs if _is_full(RunFolder(p.parent))]
    if not runs:
        kind = "full" if full else "finished"
        raise InputError(f"no {kind} run below reports/{scenario}; `harness compare {scenario}` makes one")
    return runs[-1].parent


def _is_full(run: RunFolder) -> bool:
    manifest = run.read("manifest.json", Manifest)
    return manifest is not None and not manifest.preview and manifest.drift is None


def looks(run: RunFolder, hashes: Mapping[str, str]) -> Looks:
    """How often the held-out items were looked at, ``run`` with its ``hashes`` included.

    A run of the same configurations on the same items is the same look again.
    """
    found = [m for p in run.siblings() if (m := RunFolder(p).read("manifest.json", Manifest))]
    past = [m.hashes for m in found if m.preview or m.hashes.get("heldout") == hashes.get("heldout")]
    seen, tried = set(), dict[str, set[str]]()
    for known in (*past, hashes):
        variants = {name: h for name, h in known.items() if name.startswith(_VARIANT)}
        seen.add(fingerprint(known.get("heldout"), variants))
        for name, configuration in variants.items():
            tried.setdefault(name.removeprefix(_VARIANT), set()).add(configuration)
    return Looks(comparisons=len(seen), configurations={n: len(c) for n, c in sorted(tried.items())})


_VARIANT = "variant "


class StageClock:
    """Seconds by stage and the peak memory, over all the processes that it took to finish."""

    def __init__(self, run: RunFolder, memory: Callable[[], int]):
        """``memory`` gives the peak of this process so far, in bytes."""
        self._run, self._memory = run, memory
        stored = run.read("stages.json", StageSeconds)
        self.seconds = dict(stored.seconds) if stored else {}
        self.peak_memory = stored.peak_memory_bytes if stored else 0

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            if spent > 0.1:  # a stage that had nothing to do leaves no trace
                self.seconds[stage] = round(self.seconds.get(stage, 0.0) + spent, 2)
                self.peak_memory = max(self.peak_memory, self._memory())
                kept = StageSeconds(seconds=self.seconds, peak_memory_bytes=self.peak_memory)
                self._run.write("stages.json", kept)


class TrainingProgress:
    """Shows a training as a stage with its loss; the stage opens at the first step."""

    def __init__(self, progress: Progress, adapter: str):
        self._progress, self._adapter, self._last = progress, adapter, 0

    def __call__(self, step: int, steps: int, loss: float) -> None:
        if step <= self._last:  # of the next training seed
            self._last = 0
        if not self._last:
            self._progress.stage(f"training {self._adapter}", steps)
        self._progress.advance(step - self._last, f"loss {loss:.3f}")
        self._last = step
