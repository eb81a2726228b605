"""Endpoints in the settings: what is refused, with its line, and that a key is never repeated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from fixtures.small_scenario import write_small_scenario

from harness.errors import ScenarioError
from harness.scenario.endpoints import key_problems
from harness.scenario.load import load_scenario
from harness.types.endpoint import Endpoint

GOOD = {"base_url": "https://api.example.com/v1", "model": "gpt-x", "key": "EXAMPLE_KEY"}


def scenario(folder: Path, endpoint: dict[str, Any], weights: str = "endpoint:far") -> Path:
    variants = [{"name": "prompt"}, {"name": "remote", "weights": weights}]
    write_small_scenario(folder / "small", endpoints={"far": endpoint})
    file = folder / "small" / "scenario.yaml"
    settings = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(settings | {"variants": variants}, sort_keys=False))
    return folder / "small"


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "scenario.yaml").read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.strip().startswith(text))


def test_a_sound_endpoint_is_read(tmp_path: Path) -> None:
    loaded = load_scenario(scenario(tmp_path, {**GOOD, "base_url": "http://localhost:8080/v1/"}))
    assert loaded.endpoints["far"].base_url == "http://localhost:8080/v1"
    assert [v.endpoint for v in loaded.variants] == [None, "far"]


@pytest.mark.parametrize(
    ("change", "at", "message"),
    [
        ({"base_url": "api.example.com"}, "base_url", "must be the address of a server"),
        ({"base_url": "https://me:hunter2@x/v1"}, "base_url", "must hold no user name, password"),
        ({"base_url": "https://x/v1?key=hunter2"}, "base_url", "must hold no user name, password"),
        ({"base_url": "https://x:99999/v1"}, "base_url", "must be the address of a server"),
        ({"key": "sk-hunter2"}, "key", "must be the name of an environment variable in capitals"),
        ({"key": ["hunter2"]}, "key", "must be the name of an environment variable in capitals"),
        ({"options": {"model": "y"}}, "options", "'model' is set by the harness"),
        ({"options": {"top_p": float("inf")}}, "top_p", "should be a finite number"),
        ({"max_concurrency": 0}, "max_concurrency", "greater than or equal to 1"),
        ({"max_concurency": 4}, "max_concurency", "did you mean 'max_concurrency'"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_without_a_secret(
    change: dict[str, Any], at: str, message: str, tmp_path: Path
) -> None:
    folder = scenario(tmp_path, GOOD | change)
    with pytest.raises(ScenarioError, match=message) as caught:
        load_scenario(folder)
    assert "hunter2" not in str(caught.value)
    assert [p.line for p in caught.value.problems] == [line_of(folder, at)]


def test_a_variant_names_an_endpoint_that_there_is(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"no endpoint 'fat' under `endpoints`; did you mean 'far'\?"):
        load_scenario(scenario(tmp_path, GOOD, "endpoint:fat"))


def test_a_key_must_be_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = scenario(tmp_path, GOOD)
    loaded = load_scenario(folder)
    monkeypatch.delenv("EXAMPLE_KEY", raising=False)
    [problem] = key_problems(loaded, folder)
    assert problem.line == line_of(folder, "key:")
    assert "the environment variable EXAMPLE_KEY is not set" in problem.message
    monkeypatch.setenv("EXAMPLE_KEY", "hunter2 and more")
    [problem] = key_problems(loaded, folder)
    assert "hunter2" not in problem.message
    monkeypatch.setenv("EXAMPLE_KEY", "hunter2")
    assert key_problems(loaded, folder) == []


def test_a_key_that_no_variant_needs_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = scenario(tmp_path, GOOD, "base")
    monkeypatch.delenv("EXAMPLE_KEY", raising=False)
    assert key_problems(load_scenario(folder), folder) == []


def test_the_guide_shows_what_loads(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "compare-an-endpoint.md"
    shown = [
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", guide.read_text(), re.DOTALL)
    ]
    folder = write_small_scenario(tmp_path / "small")
    (folder / "prompts").mkdir()
    (folder / "prompts" / "reader.md").write_text("Answer from the passages.")
    file = folder / "scenario.yaml"
    usual = yaml.safe_load(file.read_text())
    for settings in shown:
        file.write_text(yaml.safe_dump(usual | settings))
        assert load_scenario(folder).endpoints.keys() == settings["endpoints"].keys()
    for name, default in re.findall(r"^\| `(\w+)` \| (\d+) \|", guide.read_text(), re.MULTILINE):
        assert Endpoint.model_fields[name].default == int(default)
