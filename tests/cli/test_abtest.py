"""``harness abtest`` as a shell sees it, and its section in the report of a real run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fixtures.small_scenario import write_small_scenario

from .console import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("abtest")
    write_small_scenario(folder / "small", ["prompt", "rag"])
    return folder


@pytest.fixture(autouse=True)
def inside(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    monkeypatch.setenv("HARNESS_CACHE", str(work / "cache"))


def write_log(path: Path, arms: tuple[str, str], effect: float, n: int = 3000, second: float = 0.5) -> str:
    rng = np.random.default_rng(4)
    treated = rng.random(n) < second
    ok = rng.random(n) < 0.4 + effect * treated
    rows = [f"{arms[t]},{int(y)},u{i}" for i, (t, y) in enumerate(zip(treated.astype(int), ok, strict=True))]
    path.write_text("\n".join(["variant,outcome,cluster", *rows]) + "\n", encoding="utf-8")
    return str(path)


def test_a_result_is_told_in_words_and_as_json(work: Path) -> None:
    log = write_log(work / "log.csv", ("control", "rag"), 0.1)
    told = run("abtest", log)
    assert told.code == 0
    assert "rag is better than control: outcome +" in told.out
    assert "however often it was looked at" in told.out
    found = run("abtest", log, "--json", "-o", str(work / "out.json"))
    assert found.code == 0
    test = json.loads(found.out.splitlines()[-1])
    assert test["effects"][0]["finding"] == "better"
    assert test["unit"] == "cluster"
    assert json.loads((work / "out.json").read_text())["sha256"] == test["sha256"]


def test_a_broken_split_exits_with_1(work: Path) -> None:
    log = write_log(work / "broken.csv", ("control", "rag"), 0.1, second=0.4)
    told = run("abtest", log)
    assert told.code == 1
    assert "sample-ratio mismatch" in told.out
    assert "NOT TO BE TRUSTED" in told.out
    assert run("abtest", log, "--split", "control=60,rag=40").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--control", "rga"], "did you mean"),
        (["--split", "control=1"], "name every variant"),
        (["--split", "control"], "write a=0.5,b=0.5"),
        (["--split", "control=0,rag=1"], "above 0"),
        (["--outcome-column", "liked"], "no column 'liked'"),
        (["--cluster-column", "user"], "no column 'user'"),
        (["--metric", "success"], "--run"),
        (["--run", "nowhere"], "no finished run"),
    ],
)
def test_what_is_asked_wrongly_is_one_line_and_exit_2(work: Path, options: list[str], said: str) -> None:
    told = run("abtest", write_log(work / "log.csv", ("control", "rag"), 0.1), *options)
    assert told.code == 2
    assert said in told.err
    assert "Traceback" not in told.err


def test_one_variant_or_no_control_is_refused(work: Path) -> None:
    assert "needs two" in run("abtest", write_log(work / "one.csv", ("a", "a"), 0)).err
    unnamed = run("abtest", write_log(work / "two.csv", ("a", "b"), 0))
    assert "name the control with --control: the log has a and b" in unnamed.err
    assert run("abtest", "missing.csv").code == 2


def test_a_variant_with_a_hostile_name_is_shown_harmless(work: Path) -> None:
    told = run("abtest", write_log(work / "bad.csv", ("control", "\x1b[31mx\u202e"), 0.1))
    assert told.code == 0
    assert "\x1b" not in told.out
    assert "\u202e" not in told.out


def test_the_report_of_a_run_tells_production_beside_its_prediction(work: Path) -> None:
    assert run("compare", "small", "--quick", "--run-dir", "run").code == 0
    report = work / "run" / "report.html"
    assert 'id="abtest-h"' not in report.read_text(encoding="utf-8")
    log = write_log(work / "ab.csv", ("A", "<b>B"), 0.1)
    refused = run("abtest", log, "--control", "A", "--run", "run", "--map", "A=prompt")
    assert refused.code == 2
    assert "--map" in refused.err
    told = run("abtest", log, "--control", "A", "--run", "run", "--map", "A=prompt,<b>B=rag")
    assert told.code == 0, told.err
    assert "offline, rag minus prompt" in told.out
    assert (work / "run" / "abtest.json").exists()
    html = report.read_text(encoding="utf-8")
    assert "In production, beside the offline prediction" in html
    assert "&lt;b&gt;B is better than A" in html
    assert "<b>B" not in html
    assert run("report", "run").code == 0
    assert report.read_text(encoding="utf-8") == html
    assert run("report", "verify", str(report)).code == 0
