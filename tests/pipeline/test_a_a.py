"""One variant against itself in other batches: what differs is the machine's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest
from cli.console import run as harness_

from harness.backends.fake import FakeBackend
from harness.errors import InputError
from harness.protocols import OnDone
from harness.runs import newest_run
from harness.types.answers import Generation, Request

from .runs import Asked, run


def test_an_engine_without_drift_has_none(folder: Path, asked: Asked) -> None:
    found = run(folder, a_a=True)
    assert found.comparison.variants == ("prompt", "prompt-again")
    drift = found.manifest.drift
    assert drift is not None
    assert (drift.text.value, drift.score.value, drift.latency_ratio.value) == (0.0, 0.0, 1.0)
    assert len(asked.quality) == 24  # nothing of the first pass is reused for the second
    assert "Drift floor of prompt" in (found.folder.path / "report.html").read_text()


def test_the_second_pass_has_other_batches_of_the_same_items(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[list[str]] = []
    generate = FakeBackend.generate

    def watched(backend: FakeBackend, batch: Sequence[Request], on_done: OnDone) -> None:
        batches.append([r.item for r in batch])
        generate(backend, batch, on_done)

    monkeypatch.setattr(FakeBackend, "generate", watched)
    run(folder, a_a=True)
    first, second = batches[:3], batches[3:]
    assert [len(b) for b in first] == [4] * 3
    assert [len(b) for b in second] == [2] * 6
    assert sorted(chain(*first)) == sorted(chain(*second))
    assert not {tuple(b) for b in second} & {tuple(b[i : i + 2]) for b in first for i in range(3)}


def test_an_engine_that_depends_on_its_batch_is_found_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = FakeBackend.generate

    def drifting(backend: FakeBackend, batch: Sequence[Request], on_done: OnDone) -> None:
        def changed(place: int, answer: Generation) -> None:
            first_of_a_whole = len(batch) == 4 and place == 0
            on_done(place, answer.model_copy(update={"text": "x"}) if first_of_a_whole else answer)

        generate(backend, batch, changed)

    monkeypatch.setattr(FakeBackend, "generate", drifting)
    drift = run(folder, a_a=True).manifest.drift
    assert drift is not None
    assert drift.text.value == pytest.approx(3 / 12)


def test_a_tuned_variant_trains_once(folder: Path, asked: Asked) -> None:
    found = run(folder, a_a=True, variants=("tuned-rag",))
    assert found.comparison.variants == ("tuned-rag", "tuned-rag-again")
    assert len({r.adapter for r in asked.quality}) == 1
    assert list(found.trainings) == ["tuned"]


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        (("prompt", "rag"), "one variant against itself"),
        (("promt",), "did you mean 'prompt'"),
        (("elsewhere",), "come from a file"),
    ],
)
def test_what_cannot_be_run_against_itself(folder: Path, variants: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(folder, a_a=True, variants=variants)


def test_the_command_line_tells_the_floor_and_the_gate_takes_no_a_a_run_by_itself(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = harness_("compare", str(folder), "--a-a", "--json")
    assert done.code == 0, done.err
    event = json.loads(done.out)
    assert event["drift"]["text"]["value"] == 0
    assert "/a-a-" in event["report"]
    plain = harness_("compare", str(folder), "--a-a")
    assert "Drift floor of prompt asked twice in other batches: 0.0% (at most " in plain.out
    assert "On success the passes are " in plain.out
    with pytest.raises(InputError, match="no full run"):
        newest_run("small", full=True)
