"""What keeps the code as designed: layers, lazy imports, short files and functions, a true schema."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.small_scenario import write_small_scenario

from harness.types.settings import Scenario

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "harness").rglob("*.py"))
HEAVY = (
    *("torch", "transformers", "peft", "faiss", "sentence_transformers", "evaluate", "scipy", "pandas"),
    *("datasets", "lm_eval", "bitsandbytes", "fastapi", "uvicorn", "prometheus_client", "openai", "aiohttp"),
    *("openvino", "openvino_genai"),
)
MAX_LINES, MAX_FUNCTION = 320, 70
_RUN = """
import json, sys
from harness.cli import main
code = None
try:
    main()
except SystemExit as e:
    code = e.code
loaded = sorted(set(json.loads({heavy!r})) & set(sys.modules))
print()
print(json.dumps([code, loaded]))
"""
_WRITE_SCHEMA = (
    "import json, pathlib; from harness.types.settings import Scenario; "
    "pathlib.Path('docs/scenario.schema.json').write_text("
    "json.dumps(Scenario.model_json_schema(), indent=2) + chr(10))"
)


def _named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_keep_to_the_layers() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [tool, "--no-cache"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 kept, 0 broken" in done.stdout


def _loaded_by(*arguments: str, cwd: Path) -> tuple[int, list[str]]:
    """Exit code of ``harness ...`` in a process of its own, and the heavy packages that it imported."""
    code = _RUN.format(heavy=json.dumps(HEAVY))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HARNESS_CACHE": str(cwd / "cache")}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    status, loaded = json.loads(done.stdout.splitlines()[-1])
    return status, loaded


@pytest.mark.slow
def test_the_proof_of_laziness_sees_an_import(tmp_path: Path) -> None:
    """A proof that can never fail proves nothing: a comparison does import scipy."""
    write_small_scenario(tmp_path / "small", ["prompt", "rag"])
    status, loaded = _loaded_by("compare", "small", "--quick", cwd=tmp_path)
    assert status == 0
    assert loaded


@pytest.mark.parametrize("arguments", [["--help"], ["validate", "small"], ["models", "list"]], ids=" ".join)
def test_a_light_command_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    write_small_scenario(tmp_path / "small")
    assert _loaded_by(*arguments, cwd=tmp_path) == (0, [])


def test_the_doctor_imports_nothing_heavy(tmp_path: Path) -> None:
    assert _loaded_by("doctor", cwd=tmp_path)[1] == []


@pytest.mark.parametrize("file", SOURCES, ids=_named)
def test_a_file_is_readable_in_a_sitting(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{_named(file)} has {lines} lines; split it by noun"


def test_a_function_fits_on_a_screen() -> None:
    long = [
        f"{_named(file)}:{node.lineno} {node.name} has {length} lines"
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION
    ]
    assert not long, "\n".join(long)


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    assert not [_named(p) for p in SOURCES if p.stem in ("utils", "util")]


def test_the_schema_for_editors_is_that_of_the_records() -> None:
    file = ROOT / "docs" / "scenario.schema.json"
    wanted = json.dumps(Scenario.model_json_schema(), indent=2) + "\n"
    message = f'{_named(file)} is out of date; from the repository root:\npython -c "{_WRITE_SCHEMA}"'
    assert file.read_text(encoding="utf-8") == wanted, message


def test_the_shipped_scenario_points_editors_to_the_schema() -> None:
    file = ROOT / "scenarios" / "support-bot" / "scenario.yaml"
    first = file.read_text(encoding="utf-8").splitlines()[0]
    prefix = "# yaml-language-server: $schema="
    assert first.startswith(prefix)
    named = (file.parent / first.removeprefix(prefix)).resolve()
    assert named == ROOT / "docs" / "scenario.schema.json"
    assert named.is_file()
