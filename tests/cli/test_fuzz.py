"""A few hundred spoilt scenarios: each that is invalid ends with exit code 2 and names file and place."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from fixtures.small_scenario import write_small_scenario

from cli.console import Outcome, run
from cli.mutations import MUTATIONS, Mutation

pytestmark = pytest.mark.slow

SEEDS = 8
HEAD = "---\ntitle: Lamps\nupdated: 2026-02-03\nregion: all\n---\n"


@dataclass(frozen=True)
class Trial:
    mutation: Mutation
    seed: int
    file: str
    text: bytes | None
    outcome: Outcome


def write_base(folder: Path) -> Path:
    write_small_scenario(folder)
    lamp = folder / "kb" / "lamp.md"
    lamp.write_text(HEAD + lamp.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def mutate(mutation: Mutation, seed: int, folder: Path) -> tuple[str, bytes | None]:
    """Changes one file of ``folder``; its name and new contents."""
    rng = random.Random(f"{mutation.name}/{seed}")
    name = rng.choice(mutation.files)
    changed = mutation.change((folder / name).read_text(encoding="utf-8"), rng)
    data = changed.encode() if isinstance(changed, str) else changed
    (folder / name).unlink()
    if data is not None:
        (folder / name).write_bytes(data)
    return name, data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("fuzz") / "base")


@pytest.fixture(scope="module")
def trials(folder: Path) -> list[Trial]:
    done = []
    for mutation in MUTATIONS:
        for seed in range(SEEDS):
            whole = {f: (folder / f).read_bytes() for f in mutation.files}
            name, data = mutate(mutation, seed, folder)
            done.append(Trial(mutation, seed, name, data, run("validate", str(folder))))
            (folder / name).write_bytes(whole[name])
    return done


def test_the_base_is_valid(folder: Path) -> None:
    outcome = run("validate", str(folder))
    assert (outcome.code, outcome.err) == (0, ""), outcome


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_each_outcome_is_foreseen(mutation: Mutation, trials: list[Trial], folder: Path) -> None:
    for trial in (t for t in trials if t.mutation is mutation):
        where = f"seed {trial.seed}, {trial.file}: {trial.outcome}"
        expected = {"invalid": {2}, "valid": {0}, "either": {0, 2}}[mutation.kind]
        assert trial.outcome.code in expected, where
        assert "Traceback" not in trial.outcome.out + trial.outcome.err, where
        if trial.outcome.code == 2:
            assert names_a_place(trial, folder), where


def names_a_place(trial: Trial, folder: Path) -> bool:
    """Every problem names a file and, where it is about a line of the changed file, a line that exists."""
    outcome = trial.outcome
    if trial.text is None and trial.file == "scenario.yaml":
        return "scenario.yaml" in outcome.err
    *problems, count = outcome.out.splitlines()
    if not count[0].isdigit() or not problems:
        return False
    named = False
    for problem in problems:
        match = re.match(rf"{re.escape(str(folder))}/([^:]+)(?::(\d+))?: .+", problem)
        if not match:  # the line with what the files hold comes after the problems
            return named and problem.startswith(str(folder)) and problem == problems[-1]
        about_whole_file = re.search(r"not found|cannot be read|holds no|is empty|must be a mapping", problem)
        if match[2] is None and not about_whole_file:
            return False
        if match[2] and match[1] == trial.file:
            text = (trial.text or b"").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if not 1 <= int(match[2]) <= text.count(b"\n") + 1:
                return False
        named = True
    return named


def test_at_least_two_hundred_are_invalid(trials: list[Trial]) -> None:
    spoilt = {(t.file, t.text) for t in trials if t.outcome.code == 2}
    assert len(spoilt) >= 200


@pytest.mark.parametrize("name", ["not_utf8", "yaml_nested_deeply", "yaml_bomb", "json_is_not_json"])
def test_a_real_process_says_the_same(name: str, tmp_path: Path) -> None:
    mutation = next(m for m in MUTATIONS if m.name == name)
    folder = write_base(tmp_path / "base")
    mutate(mutation, 1, folder)
    command = [sys.executable, "-m", "harness", "validate", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done
    assert str(folder) in done.stdout
    assert "Traceback" not in done.stderr
