"""``kill -9`` at any moment, then the same command again: the very comparison of an unbroken run."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fixtures.small_scenario import write_small_scenario

from harness.runs import Run, read_run

from .runs import command, environment, finish

pytestmark = pytest.mark.slow

KILLS = 20
Moment = Callable[[subprocess.Popen[str]], bool]
"""Waits for the moment to kill at; false where the process ended before it came."""


def kill_at(moment: Moment, folder: Path, run_dir: Path, cache: Path) -> bool:
    """Start a comparison and kill it at ``moment``; whether it was still at work."""
    with subprocess.Popen(
        command(folder, run_dir),
        env=environment(cache),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        came = moment(process)
        process.kill()
    return came and process.returncode == -signal.SIGKILL


def after_seconds(seconds: float) -> Moment:
    def wait(process: subprocess.Popen[str]) -> bool:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    return wait


def when(happened: Callable[[], bool]) -> Moment:
    def wait(process: subprocess.Popen[str]) -> bool:
        while process.poll() is None:
            if happened():
                return True
            time.sleep(0.001)
        return False

    return wait


def at_answers(run_dir: Path, count: int, more_s: float = 0.0) -> Moment:
    """As soon as the journals hold so many lines, or so many seconds later."""

    def lines() -> int:
        return sum(p.read_bytes().count(b"\n") for p in run_dir.glob("answers/*.jsonl"))

    def come() -> bool:
        if lines() < count:
            return False
        time.sleep(more_s)
        return True

    return when(come)


def at_stage(number: int) -> Moment:
    """As soon as the process tells of its ``number``-th stage: training, answers, latency, scores, report."""

    def wait(process: subprocess.Popen[str]) -> bool:
        assert process.stderr is not None
        told = sum(1 for _ in zip(range(number), process.stderr, strict=False))
        return told == number

    return wait


def moments(run_dir: Path, rng: random.Random) -> Iterator[Moment]:
    """Times, numbers of answers and stages in turn, as far as a run goes (90 answers, 20 stages)."""
    while True:
        yield after_seconds(rng.uniform(0.2, 1.2))
        yield at_answers(run_dir, rng.randint(1, 85))
        yield at_stage(rng.randint(1, 21))


def test_twenty_kills_resume_to_the_same_comparison(tmp_path: Path) -> None:
    folder = write_small_scenario(tmp_path / "small")
    finish(folder, tmp_path / "whole" / "run", tmp_path / "whole" / "cache")
    expected = (tmp_path / "whole" / "run" / "comparison.json").read_bytes()

    def trial(number: int) -> tuple[int, bool, bytes]:
        own = tmp_path / str(number)  # a folder and a cache of its own: nothing is there to be reused
        plan = moments(own / "run", random.Random(number))
        for _ in range(number % 3):
            next(plan)
        killed = kill_at(next(plan), folder, own / "run", own / "cache")
        finish(folder, own / "run", own / "cache")
        return number, killed, (own / "run" / "comparison.json").read_bytes()

    with ThreadPoolExecutor(2) as pool:
        trials = list(pool.map(trial, range(KILLS)))
    assert [n for n, _, found in trials if found != expected] == []
    assert sum(killed for _, killed, _ in trials) >= KILLS * 3 // 4


def test_a_run_killed_again_and_again_still_arrives(tmp_path: Path) -> None:
    folder = write_small_scenario(tmp_path / "small")
    finish(folder, tmp_path / "whole" / "run", tmp_path / "whole" / "cache")
    run_dir, cache = tmp_path / "own" / "run", tmp_path / "own" / "cache"
    for count in (3, 20, 45, 80):
        kill_at(at_answers(run_dir, count), folder, run_dir, cache)
    finish(folder, run_dir, cache)
    expected = (tmp_path / "whole" / "run" / "comparison.json").read_bytes()
    assert (run_dir / "comparison.json").read_bytes() == expected


# --- the same with a model that is really trained and asked -------------------------------------------

MEASURED = {"latency", "tokens_per_s", "cost"}
_TIMES = {"compute_s", "retrieval_s", "first_token_s", "total_s"}


def unmeasured(run: Run) -> dict[str, Any]:
    """All of a run that does not depend on how fast the machine was."""
    c = run.comparison
    return {
        "answers": [a.model_dump(exclude=_TIMES) for a in sorted(run.answers, key=_place)],
        "scores": [s.model_dump(exclude={"scorer"}) for s in run.scores if s.metric not in MEASURED],
        "training": {
            n: t.model_dump(exclude={"seconds", "peak_memory_bytes"}) for n, t in run.trainings.items()
        },
        "estimates": [e for e in c.estimates if e.metric not in MEASURED],
        "differences": [d for d in c.differences if d.metric not in MEASURED],
        "interactions": [i for i in c.interactions if i.metric not in MEASURED],
    }


def _place(answer: Any) -> tuple[str, str, str]:
    return answer.variant, answer.phase, answer.item


def real_scenario(folder: Path, tiny_model: Path, engine: str, variants: Sequence[str]) -> Path:
    source = {"source": f"path:{tiny_model}"}
    return write_small_scenario(
        folder,
        variants=variants,
        model=source,
        embedder=source,
        backend={"name": engine, "dtype": "float32", "batch_size": 4, "threads": 1, "kv_cache_gb": 0.05},
        adapters={"tuned": {"epochs": 3, "patience": 3, "batch_size": 2, "rank": 4, "learning_rate": 0.01}},
    )


@pytest.mark.model
def test_a_kill_of_the_default_engine_resumes_to_the_same_comparison(
    tmp_path: Path, tiny_model: Path
) -> None:
    """At a moment of answering that is another in every run of the test: in a batch, between two, in the timing
    pass. Figures that were measured are of another session and so differ."""
    folder = real_scenario(tmp_path / "small", tiny_model, "openvino", ("prompt",))
    cache = tmp_path / "cache"
    finish(folder, tmp_path / "whole" / "run", cache)
    rng, run_dir = random.Random(), tmp_path / "own" / "run"
    moment = at_answers(run_dir, rng.randint(1, 12), rng.uniform(0, 0.03))
    assert kill_at(moment, folder, run_dir, cache)
    finish(folder, run_dir, cache)
    assert unmeasured(read_run(run_dir)) == unmeasured(read_run(tmp_path / "whole" / "run"))


@pytest.mark.model
def test_kills_in_training_and_answering_with_a_real_model(tmp_path: Path, tiny_model: Path) -> None:
    folder = real_scenario(tmp_path / "small", tiny_model, "transformers", ("prompt", "rag", "tuned"))
    finish(folder, tmp_path / "whole" / "run", tmp_path / "whole" / "cache")
    run_dir, cache = tmp_path / "own" / "run", tmp_path / "own" / "cache"
    in_training = when(lambda: any(cache.glob("adapters/*/checkpoint/position.json")))
    assert kill_at(in_training, folder, run_dir, cache)
    assert not list(cache.glob("adapters/*/training.json"))
    assert kill_at(at_answers(run_dir, 30), folder, run_dir, cache)
    told = finish(folder, run_dir, cache)
    assert "training tuned" not in told
    whole, resumed = read_run(tmp_path / "whole" / "run"), read_run(run_dir)
    assert unmeasured(resumed) == unmeasured(whole)
    adapters = [
        next(tmp_path.glob(f"{n}/cache/adapters/*/best/adapter_model.safetensors")) for n in ("whole", "own")
    ]
    assert adapters[0].read_bytes() == adapters[1].read_bytes()
    again = finish(folder, run_dir, cache)
    assert "nothing changed since the last run" in again
