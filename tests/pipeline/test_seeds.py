"""Adapters of several training seeds and repeated samples: their keys, what a broken run keeps, what is cached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fixtures.small_scenario import write_small_scenario

from harness.backends import fake
from harness.backends.fake import FakeBackend
from harness.errors import ScenarioError
from harness.flows.verify import verify_report
from harness.protocols import OnDone, OnStep, TrainingJob
from harness.runs import read_run
from harness.types.answers import Request, TrainingRecord

from .runs import Asked, change, run

pytestmark = pytest.mark.slow

TUNED = {"epochs": 2, "batch_size": 4, "rank": 4, "learning_rate": 0.01}


class Trained:
    """Jobs of the fake trainer; stops as a kill would at a step of the job ``stop`` (counted from 0)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stop: int | None = None):
        self.jobs: list[TrainingJob] = []
        inner = fake.train_adapter

        def train(job: TrainingJob, on_step: OnStep) -> TrainingRecord:
            self.jobs.append(job)
            if len(self.jobs) - 1 == stop:
                raise KeyboardInterrupt
            return inner(job, on_step)

        monkeypatch.setattr(fake, "train_adapter", train)


@pytest.fixture
def seeded(tmp_path: Path, own_cache: Path) -> Path:
    adapters = {"tuned": TUNED | {"seeds": 2}}
    return write_small_scenario(tmp_path / "small", ("prompt", "tuned"), adapters=adapters)


def test_each_seed_answers_every_item_and_only_the_first_is_timed(
    seeded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = Trained(monkeypatch)
    made = run(seeded)
    assert [j.seed for j in trained.jobs] == [3, 4]
    assert trained.jobs[0].examples == trained.jobs[1].examples
    counts = Counter((a.variant, a.phase, a.repeat) for a in made.answers)
    assert counts == {
        ("prompt", "quality", 0): 12,
        ("prompt", "timing", 0): 3,
        ("tuned", "quality", 0): 12,
        ("tuned", "quality", 1): 12,
        ("tuned", "timing", 0): 3,
    }
    assert {s.repeat for s in made.scores if s.variant == "tuned" and s.metric == "success"} == {0, 1}
    record = made.trainings["tuned"]
    assert (record.seed, [r.seed for r in record.again]) == (3, [4])
    read = read_run(made.folder.path)
    assert list(read.answers) == list(made.answers)
    assert read.trainings == made.trainings


def test_report_audit_and_ledger_tell_of_the_seeds(seeded: Path) -> None:
    change(seeded, lambda s: s.update(choice={"metric": "cost"}))
    made = run(seeded)
    (tuned,) = (
        e for e in made.comparison.estimates if (e.variant, e.metric, e.slice) == ("tuned", "style", "all")
    )
    assert tuned.estimate.method.endswith("with 2 training seeds")
    assert made.comparison.audit is not None
    assert any("Training seeds: tuned 2" in line.sentence for line in made.comparison.audit.lines)
    cost = next(c for c in made.comparison.costs if c.variant == "tuned")
    training = next(line for line in cost.ledger if line.what == "Training")
    assert "one of 2 training seeds, as a release trains one" in training.source
    assert training.quantity == pytest.approx(12 / 3600, rel=1e-5)
    page = (made.folder.path / "report.html").read_text()
    assert "SD between seeds" in page
    assert not verify_report(made.folder.path / "report.html").disagreements


def test_one_more_seed_trains_and_asks_that_one_alone(
    seeded: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    run(seeded)
    asked.clear()
    trained = Trained(monkeypatch)
    change(seeded, lambda s: s["adapters"]["tuned"].update(seeds=3))
    made = run(seeded, seeded.parent / "runs" / "two")
    assert [j.seed for j in trained.jobs] == [5]
    assert len(asked.quality) == 12
    assert {a.repeat for a in made.answers if a.variant == "tuned"} == {0, 1, 2}


@pytest.mark.parametrize("where", ["training", "answers"])
def test_a_kill_in_the_second_seed_keeps_the_first(
    seeded: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    whole = run(seeded, seeded.parent / "elsewhere" / "whole", fresh=True)
    with monkeypatch.context() as broken:
        if where == "training":
            Trained(broken, stop=1)
        else:
            _stop_at_batch(broken, 8)
        with pytest.raises(KeyboardInterrupt):
            run(seeded)
    trained = Trained(monkeypatch)
    made = run(seeded)
    assert [j.seed for j in trained.jobs] == ([4] if where == "training" else [])
    assert made.comparison == whole.comparison
    assert [(a.key, a.item, a.repeat, a.text) for a in made.answers] == [
        (a.key, a.item, a.repeat, a.text) for a in whole.answers
    ]


def _stop_at_batch(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Batches of four: three for the baseline, three for each seed."""
    generate, seen = FakeBackend.generate, list[object]()

    def broken(backend: FakeBackend, batch: Sequence[Request], on_done: OnDone) -> None:
        seen.append(batch)
        if len(seen) == number:
            raise KeyboardInterrupt
        generate(backend, batch, on_done)

    monkeypatch.setattr(FakeBackend, "generate", broken)


def test_a_preview_trains_one_seed(seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = Trained(monkeypatch)
    run(seeded, quick=True)
    assert [j.seed for j in trained.jobs] == [3]


def test_repeats_are_samples_of_their_own(seeded: Path) -> None:
    def sampled(settings: dict[str, Any]) -> None:
        settings["variants"][0] |= {"repeats": 3, "decoding": {"temperature": 0.7, "max_new_tokens": 12}}

    change(seeded, sampled)
    made = run(seeded)
    texts: dict[str, dict[int, str | None]] = {}
    for a in made.answers:
        if a.variant == "prompt" and a.phase == "quality":
            texts.setdefault(a.item, {})[a.repeat] = a.text
    assert all(set(t) == {0, 1, 2} for t in texts.values())
    assert any(len(set(t.values())) > 1 for t in texts.values())
    (prompt,) = (p for p in made.comparison.variance if p.variant == "prompt")
    assert prompt.sampling is not None


def test_repeats_of_greedy_answers_are_refused(seeded: Path) -> None:
    change(seeded, lambda s: s["variants"][0].update(repeats=2))
    with pytest.raises(ScenarioError, match="set decoding"):
        run(seeded)
