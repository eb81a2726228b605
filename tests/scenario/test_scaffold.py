"""`harness init`: the scaffold validates as it is, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.scenario.check import check_scenario
from harness.scenario.inputs import Options, load_inputs
from harness.scenario.load import find_scenario
from harness.scenario.scaffold import write_scaffold


def test_the_scaffold_validates_and_loads(tmp_path: Path) -> None:
    folder = write_scaffold("mine", tmp_path / "scenarios")
    summary, problems = check_scenario(folder, None, 2048)
    assert problems == []
    assert summary is not None
    assert summary.articles == 3
    inputs = load_inputs(folder, Options())
    assert inputs.scenario.name == "mine"
    assert len(inputs.train) == summary.items["train"]


def test_the_new_name_is_used_everywhere_and_found(tmp_path: Path) -> None:
    folder = write_scaffold("mine", tmp_path / "scenarios")
    assert find_scenario("mine", tmp_path) == folder
    assert not [
        f for f in folder.rglob("*") if f.is_file() and "my-scenario" in f.read_text(encoding="utf-8")
    ]


def test_an_existing_folder_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="exists already"):
        write_scaffold("mine", tmp_path)
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "/tmp/x", "Upper", "a b", "-x", ".x", "a" * 61, "é", "a\n"]
)
def test_a_name_that_is_no_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is not a scenario name"):
        write_scaffold(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
