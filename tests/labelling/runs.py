"""A scenario on disk with a hand-made finished run, and what raters would hand in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from fixtures.small_scenario import write_small_scenario
from report.synthetic import make_run

from harness.runs import Run, read_run, write_inputs
from harness.scenario.load import load_scenario
from harness.store import Journal, RunFolder
from harness.types.answers import Answer
from harness.types.data import Facts, Item, Message
from harness.types.judge_settings import RewardJudge
from harness.types.labelling import FORMAT, Entry, Sample
from harness.types.results import Score

VARIANTS = ("prompt", "rag", "few-shot")
SHARED = 5
"""Every so manieth item has one text from two variants."""


def text_of(variant: str, i: int, words: str) -> str:
    who = (
        "both"
        if i % SHARED == 0 and variant != "few-shot"
        else {"few-shot": "three"}.get(variant, variant[0])
    )
    return f"It takes {i} days, says {who}.{words}"


def write_run(
    root: Path, n: int = 40, words: str = "", judge: Mapping[tuple[str, int], float] | None = None
) -> Run:
    """A run of scenario ``small`` below ``root`` with ``n`` items and three variants; the first is right on even
    items, ``judge`` has a judge's scores by variant and item."""
    if not (root / "small").exists():
        write_small_scenario(root / "small", VARIANTS)
    judges = {"j": RewardJudge(kind="reward")}
    scenario = load_scenario(root / "small").model_copy(update={"judges": judges})
    folder = RunFolder(root / "reports" / "small" / "made")
    items = [_item(i, words) for i in range(n)]
    write_inputs(folder, scenario, items, {})
    made = make_run(4)
    folder.write("comparison.json", made.comparison)
    judged = [
        Score(variant=variant, item=f"item-{i}", metric="judge.j", value=value, scorer="j")
        for (variant, i), value in (judge or {}).items()
    ]
    Journal(folder.path / "scores" / "judges" / "j.jsonl", Score).replace(judged)
    for variant in VARIANTS:
        answers = [
            Answer(variant=variant, item=item.id, phase="quality", key="k", text=text_of(variant, i, words))
            for i, item in enumerate(items)
        ]
        again = Answer(
            variant=variant, item="item-0", repeat=1, phase="quality", key="k", text="Of another seed."
        )
        answers.append(again)
        Journal(folder.path / "answers" / f"{variant}.jsonl", Answer).replace(answers)
        scores = [
            Score(variant=variant, item=item.id, metric="success", value=float(i % 2 == 0), scorer="s")
            for i, item in enumerate(items)
        ]
        Journal(folder.path / "scores" / f"{variant}.jsonl", Score).replace(scores)
    hashes = {f"variant {v}": "k" for v in VARIANTS}
    folder.write("manifest.json", made.manifest.model_copy(update={"scenario": "small", "hashes": hashes}))
    return read_run(folder.path)


def _item(i: int, words: str) -> Item:
    talk = (Message(role="user", content=f"How long does it take, no {i}?{words}"),)
    if i % 4 == 1:
        talk = (
            *talk,
            Message(role="assistant", content=f"What?{words}"),
            Message(role="user", content="It."),
        )
    return Item(
        id=f"item-{i}",
        split="heldout",
        messages=talk,
        references=(f"It takes {i} days.{words}",),
        facts=Facts(required=((f"{i} days",),), forbidden=(f"never{words}",)),
        slices={"kind": "known"},
        cluster=f"c{i}",
    )


def write_export(
    file: Path, sample: Sample, rater: str, label: Callable[[int, Entry], object], n: int | None = None
) -> Path:
    """What the page of ``sample`` hands in, with ``label`` for the first ``n`` entries."""
    marks = [
        {"entry": e.id, "label": label(i, e), "at": 1000 + i, "order": 1000 + i, "seconds": 2.5}
        for i, e in enumerate(sample.entries[:n])
    ]
    export = {
        "format": FORMAT, "scenario": sample.scenario, "sample": sample.id, "rater": rater,
        "exported": "2026-11-24T12:00:00Z", "marks": marks,
    }  # fmt: skip
    file.write_text(json.dumps(export), encoding="utf-8")
    return file
