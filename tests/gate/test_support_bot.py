"""The gate of the shipped scenario on its own 204 items, with the fake backend in the model's place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cli.console import Outcome, run

from harness.backends.fake import FakeBackend
from harness.types.answers import Generation, Request

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).parents[2] / "scenarios" / "support-bot"
Answering = Callable[[int], None]


@pytest.fixture
def right_on(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Answering:
    """The scenario in a folder of the test's own; the first so many of its items are answered right."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "scenarios" / "support-bot"
    shutil.copytree(SHIPPED, folder)
    settings = yaml.safe_load((folder / "scenario.yaml").read_text(encoding="utf-8"))
    ruled = {rule["metric"] for rule in settings["gate"]["rules"]}
    settings |= {
        "model": {"source": "fake:"},
        "embedder": {"source": "fake:"},
        "backend": {"name": "fake"},
        "adapters": {},
        "variants": [v for v in settings["variants"] if v["name"] in ("prompt", "rag")],
        "metrics": [m for m in settings["metrics"] if m in ruled | {"harm"}],
    }
    (folder / "scenario.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    lines = [json.loads(line) for line in (folder / "data" / "heldout.jsonl").read_text("utf-8").splitlines()]
    answers = {line["id"]: line["messages"][-1]["content"] for line in lines}
    known: set[str] = set()
    answer = FakeBackend._answer

    def answered(backend: FakeBackend, request: Request) -> Generation:
        text = answers[request.item] if request.item in known else "It is blue.\nWarmly, Norrfell Care"
        return answer(backend, request).model_copy(update={"text": text})

    monkeypatch.setattr(FakeBackend, "_answer", answered)

    def choose(n: int) -> None:
        known.clear()
        known.update(sorted(answers, key=lambda name: name[::-1])[:n])  # of all topics alike

    return choose


def compared(name: str, *more: str) -> None:
    done = run("compare", "support-bot", "--fresh", "--run-dir", f"reports/support-bot/{name}", *more)
    assert done.code == 0, done.err


def gate(name: str) -> Outcome:
    return run("gate", "support-bot", "--run", name, "--variant", "rag", "--json")


def test_itself_passes_ten_points_fewer_fail_and_twenty_items_are_open(right_on: Answering) -> None:
    right_on(150)
    compared("full")
    saved = run(
        "gate", "support-bot", "--run", "full", "--variant", "rag",
        "--save-baseline", "scenarios/support-bot/baseline.json",
    )  # fmt: skip
    assert saved.code == 0, saved.err
    itself = gate("full")
    assert itself.code == 0, itself.out
    right_on(150 - 21)
    compared("worse")
    worse = gate("worse")
    assert worse.code == 100
    assert "success[all] not_worse_by 0.05" in json.loads(worse.out)["reason"]
    right_on(150)
    compared("cut", "--limit", "20")
    cut = gate("cut")
    assert cut.code == 101
    assert json.loads(cut.out)["n_left_out"] == 184
    again = gate("full")
    assert (again.code, json.loads(again.out)["look"]) == (0, 1)
    file = Path("scenarios/support-bot/baseline.json")
    file.write_text(
        file.read_text("utf-8").replace('"scenario": "support-bot"', '"scenario": "other"'), "utf-8"
    )
    assert gate("full").code == 2
