"""The action for a pipeline: what its gate step makes of each exit code, and that its options exist."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli.console import run

ROOT = Path(__file__).parents[2]


def steps() -> list[dict[str, Any]]:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = action["runs"]["steps"]
    return found


def gate_step(folder: Path, code: int, **env: str) -> tuple[int, str, str, str]:
    """Exit code, output, summary and the arguments given, with a ``harness`` that ends in ``code``."""
    tool = folder / ".venv" / "bin" / "harness"
    tool.parent.mkdir(parents=True)
    writes = "mkdir -p gate; echo verdict > gate/verdict.md; " if code in (0, 100, 101) else ""
    tool.write_text(f'#!/bin/bash\necho "$@" > given\n{writes}exit {code}\n', encoding="utf-8")
    tool.chmod(0o755)
    step = next(s for s in steps() if s.get("id") == "gate")
    files = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    given = dict.fromkeys(("VARIANT", "BASELINE"), "") | {
        "SCENARIO": "shop",
        "ACCEPT": "false",
        "OPEN": "fail",
    }
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=folder, env=os.environ | files | given | env, check=False
    )
    return done.returncode, *((folder / name).read_text() for name in ("output", "summary", "given"))


@pytest.mark.parametrize(
    ("code", "status"), [(0, "pass"), (100, "fail"), (101, "inconclusive"), (2, "error"), (1, "error")]
)
def test_the_step_ends_as_the_gate_does(tmp_path: Path, code: int, status: str) -> None:
    ended, output, summary, given = gate_step(tmp_path, code)
    assert ended == code
    assert output == f"status={status}\n"
    assert ("verdict" in summary) == (status != "error")
    assert given.split() == ["gate", "shop", "--junit", "gate/junit.xml", "--markdown", "gate/verdict.md"]


def test_an_open_verdict_can_be_a_warning_but_a_failure_cannot(tmp_path: Path) -> None:
    assert gate_step(tmp_path / "a", 101, OPEN="warn")[0] == 0
    assert gate_step(tmp_path / "b", 100, OPEN="warn")[0] == 100


def test_its_inputs_reach_the_command(tmp_path: Path) -> None:
    given = gate_step(tmp_path, 0, VARIANT="rag", BASELINE="a b.json", ACCEPT="true")[3]
    assert given.endswith("--variant rag --baseline a b.json --accept-prompt-change\n")


def test_the_options_that_it_uses_exist() -> None:
    step = next(s for s in steps() if s.get("id") == "gate")
    said = run("gate", "--help").out
    used = set(re.findall(r"--[a-z-]+", step["run"]))
    assert len(used) == 5
    assert all(option in said for option in used)


def test_the_example_uses_inputs_that_exist() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    example = yaml.safe_load((ROOT / "docs" / "how-to" / "ci-example.yml").read_text(encoding="utf-8"))
    [job] = example["jobs"].values()
    given = next(s["with"] for s in job["steps"] if s["uses"] == "./")
    assert set(given) <= set(action["inputs"])
    assert (ROOT / "scenarios" / given["scenario"] / "scenario.yaml").is_file()
