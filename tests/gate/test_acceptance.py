"""`harness gate` as a pipeline meets it: exit codes, and text, JSON, JUnit and Markdown that say the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
import yaml
from cli.console import Outcome, run

from .release import VARIANT, edit, write_answers, write_release_scenario

pytestmark = pytest.mark.slow

CODES = {"pass": 0, "fail": 100, "inconclusive": 101}


@dataclass(frozen=True)
class Runs:
    root: Path
    scenario: Path
    full: str
    worse: str
    cut: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """A full run, one with a regression of ten points, one of 20 items; the baseline is saved from the first."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("release")
        patch.chdir(root)
        patch.setenv("HARNESS_CACHE", str(root / "cache"))
        scenario = write_release_scenario(root / "scenarios" / "small")
        names = {}
        for name, right, more in (("full", 135, ()), ("cut", 135, ("--limit", "20")), ("worse", 120, ())):
            write_answers(scenario, right)
            done = run("compare", "small", "--run-dir", f"reports/small/{name}", *more)
            assert done.code == 0, done.err
            names[name] = name
        write_answers(scenario, 135)
        saved = run("gate", "small", "--run", "full", "--save-baseline", "scenarios/small/baseline.json")
        assert saved.code == 0, saved.err
        edit(
            scenario,
            gate=yaml.safe_load((scenario / "scenario.yaml").read_text())["gate"]
            | {"baseline": "baseline.json"},
        )
        yield Runs(root, scenario, **names)


@pytest.fixture
def runs(made: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """The same in a folder of the test's own, in which the test runs."""
    root = tmp_path / "release"
    shutil.copytree(made.root, root)
    monkeypatch.chdir(root)
    monkeypatch.setenv("HARNESS_CACHE", str(root / "cache"))
    return Runs(root, root / "scenarios" / "small", made.full, made.worse, made.cut)


def gate(*arguments: str) -> Outcome:
    return run("gate", "small", *arguments)


def judged(run_name: str, *more: str) -> tuple[Outcome, dict[str, Any]]:
    """The outcome with every output written, and the verdict; all outputs must agree."""
    outcome = gate("--run", run_name, "--junit", "j.xml", "--markdown", "m.md", "--json", *more)
    verdict = json.loads(outcome.out)
    assert json.loads(Path("reports/small", run_name, "verdict.json").read_text()) == verdict
    agree(outcome.code, verdict)
    text = gate("--run", run_name, *more)
    assert text.code == outcome.code
    assert text.out.startswith(verdict["status"].upper() + "  small, variant elsewhere: " + verdict["reason"])
    return outcome, verdict


def agree(code: int, verdict: dict[str, Any]) -> None:
    assert code == CODES[verdict["status"]]
    statuses = {c["rule"]: c["status"] for c in verdict["checks"]}
    rules, answers = Xml.parse("j.xml").getroot().findall("testsuite")
    found = {}
    for case in rules.findall("testcase"):
        failure = case.find("failure")
        found[case.get("name")] = "pass" if failure is None else failure.get("type")
    assert found == statuses
    assert rules.get("failures") == str(sum(s != "pass" for s in statuses.values()))
    assert rules.get("errors") == "0"
    assert [c.get("name") for c in answers.findall("testcase") if c.find("error") is not None] == verdict[
        "errors"
    ]
    markdown = Path("m.md").read_text(encoding="utf-8")
    assert markdown.splitlines()[0].split()[2].rstrip(":") == verdict["status"].upper()
    rows = [line for line in markdown.splitlines() if line.startswith("| ") and "Rule" not in line]
    assert [row.split()[2] for row in rows] == list(statuses.values())


def test_a_run_against_itself_passes(runs: Runs) -> None:
    outcome, verdict = judged(runs.full)
    assert outcome.code == 0
    assert {c["status"] for c in verdict["checks"]} == {"pass"}
    paired = next(c for c in verdict["checks"] if c["rule"] == "success[all] not_worse_by 0.05")
    z_squared = 1.7506860712521692**2
    assert paired["observed"]["value"] == 0
    # no item changed: Tango's bound is z^2 / (n + z^2) below, not 0
    assert paired["bound"] == pytest.approx(-z_squared / (150 + z_squared))
    assert verdict["flips"] == {"metric": "success", "right_to_wrong": [], "wrong_to_right": []}
    assert "Release gate" in Path("reports/small/full/report.html").read_text(encoding="utf-8")


def test_a_regression_of_ten_points_fails_and_names_its_items(runs: Runs) -> None:
    outcome, verdict = judged(runs.worse)
    assert outcome.code == 100
    failed = [c["rule"] for c in verdict["checks"] if c["status"] == "fail"]
    assert failed == ["success[all] not_worse_by 0.05"]
    lost = [f"held-{i:03}" for i in range(120, 135)]
    assert verdict["flips"]["right_to_wrong"] == lost
    markdown = Path("m.md").read_text(encoding="utf-8")
    assert all(f"held&#45;{i:03}" in markdown or f"held-{i:03}" in markdown for i in range(120, 135))
    assert "It costs many euros" in markdown


def test_cut_to_twenty_items_is_inconclusive_and_says_how_many_are_left(runs: Runs) -> None:
    outcome, verdict = judged(runs.cut)
    assert outcome.code == 101
    assert verdict["n_left_out"] == 130
    assert {c["status"] for c in verdict["checks"]} == {"inconclusive"}
    assert {c["items_needed"] for c in verdict["checks"]} == {130}


def test_the_default_is_the_newest_full_run(runs: Runs) -> None:
    write_answers(runs.scenario, 120)
    made = run("compare", "small")
    assert made.code == 0, made.err
    assert run("compare", "small", "--limit", "20").code == 0
    outcome = gate("--json")
    assert outcome.code == 100
    assert json.loads(outcome.out)["run"].startswith("full-")


def test_a_newest_run_that_is_out_of_date_is_refused_and_a_named_one_noted(runs: Runs) -> None:
    (runs.scenario / "system.md").write_text("You answer in verse.\n", encoding="utf-8")
    refused = gate("--variant", "prompt")
    assert (refused.code, refused.out) == (2, "")
    assert "out of date: the system prompt changed since the run" in refused.err
    named = gate("--variant", "prompt", "--run", "full", "--baseline", "full", "--json")
    assert named.code in CODES.values()
    assert json.loads(named.out)["notes"] == ["the system prompt changed since the run"]


def test_a_run_serves_as_baseline(runs: Runs) -> None:
    outcome, verdict = judged(runs.worse, "--baseline", "full")
    assert outcome.code == 100
    assert verdict["baseline"]["source"] == "full"
    assert gate("--run", "full", "--baseline", "reports/small/full").code == 0


def test_the_saved_file_is_small_and_always_the_same(runs: Runs) -> None:
    saved = runs.scenario / "baseline.json"
    before = saved.read_bytes()
    assert gate("--run", "full", "--save-baseline", str(saved)).code == 0
    assert saved.read_bytes() == before
    assert len(before) < 100_000
    assert sum(b'"id": "held-' in line for line in before.splitlines()) == 150


def test_a_baseline_is_not_saved_from_a_preview(runs: Runs) -> None:
    outcome = gate("--run", "cut", "--save-baseline", "x.json")
    assert (outcome.code, outcome.out) == (2, "")
    assert "is a preview" in outcome.err
    assert not Path("x.json").exists()


def test_answers_that_failed_count_as_wrong_and_are_errors_apart(runs: Runs) -> None:
    write_answers(runs.scenario, 135, failing=(3, 4))
    assert run("compare", "small", "--run-dir", "reports/small/flaky").code == 0
    _, verdict = judged("flaky")
    assert verdict["errors"] == ["held-003", "held-004"]
    assert verdict["flips"]["right_to_wrong"] == ["held-003", "held-004"]
    floor = verdict["checks"][0]
    assert floor["observed"]["value"] == pytest.approx(133 / 150)
    assert "2 items without a score counted as the worst possible" in floor["reason"]


# --- looks --------------------------------------------------------------------------------------


def test_the_same_data_is_the_same_look_and_other_data_the_next(runs: Runs) -> None:
    assert [judged("full")[1]["look"] for _ in range(2)] == [1, 1]
    lines = Path("reports/small/looks.jsonl").read_text().splitlines()
    assert len(lines) == 1
    again = runs.root / "reports" / "small" / "again"
    shutil.copytree(runs.root / "reports" / "small" / "full", again)
    scores = again / "scores" / f"{VARIANT}.jsonl"
    text = scores.read_text()
    scores.write_text(text.replace('"metric":"latency","value":0.5', '"metric":"latency","value":0.6'))
    assert scores.read_text() != text
    second = judged("again")[1]
    assert second["look"] == 2
    assert second["alpha"] < judged("full")[1]["alpha"] == pytest.approx(0.04)
    assert judged("worse")[1]["look"] == 1  # other answers, another candidate
    entries = [json.loads(line) for line in Path("reports/small/looks.jsonl").read_text().splitlines()]
    assert [(e["look"], e["status"]) for e in entries] == [(1, "pass"), (2, second["status"]), (1, "fail")]


# --- refusals -----------------------------------------------------------------------------------


def refused(outcome: Outcome, *said: str) -> None:
    assert (outcome.code, outcome.out) == (2, ""), outcome
    assert "Traceback" not in outcome.err
    for text in said:
        assert text in outcome.err, outcome.err
    assert not Path("reports/small/looks.jsonl").exists()


def test_a_foreign_baseline_is_refused(runs: Runs) -> None:
    file = runs.scenario / "baseline.json"
    file.write_text(file.read_text().replace('"scenario": "small"', '"scenario": "large"'))
    refused(gate("--run", "full"), "it is of scenario 'large', the run of 'small'")


def test_a_changed_and_an_unknown_item_are_refused(runs: Runs) -> None:
    file = runs.scenario / "baseline.json"
    data = json.loads(file.read_text())
    data["items"][3]["hash"] = "00000000"
    del data["items"][7]
    file.write_text(json.dumps(data))
    refused(
        gate("--run", "full"),
        "the content of item 'held-003' changed since the baseline was made; save a new baseline",
        "the baseline does not know item 'held-007'",
    )


@pytest.mark.parametrize("part", ["style rules", "abstention patterns", "embedder"])
def test_changed_scoring_is_refused(runs: Runs, part: str) -> None:
    file = runs.scenario / "baseline.json"
    data = json.loads(file.read_text())
    data["scoring"][part] = "0"
    file.write_text(json.dumps(data))
    refused(gate("--run", "full"), f"the scoring changed since the baseline was made ({part})")


def test_a_metric_of_other_code_is_refused_only_where_it_is_compared(runs: Runs) -> None:
    file = runs.scenario / "baseline.json"
    text = file.read_text()
    codes = {m["name"]: m["code"] for m in json.loads(text)["metrics"]}
    assert codes["success"] != codes["latency"]
    file.write_text(text.replace(codes["latency"], "0"))  # its rule is a ceiling
    assert gate("--run", "full").code == 0
    Path("reports/small/looks.jsonl").unlink()
    file.write_text(text.replace(codes["success"], "0"))
    refused(gate("--run", "full"), "the metric 'success' is computed by other code than it was")


def test_changed_prices_matter_only_to_rules_about_money(runs: Runs) -> None:
    file = runs.scenario / "baseline.json"
    data = json.loads(file.read_text())
    data["scoring"]["prices"] = "0"
    file.write_text(json.dumps(data))
    assert gate("--run", "full").code == 0


def test_a_changed_prompt_is_refused_unless_accepted(runs: Runs) -> None:
    edit(runs.scenario, gate={"variant": "prompt", "rules": [{"metric": "style", "not_worse_by": 0.5}]})
    assert gate("--run", "full", "--save-baseline", "b.json").code == 0
    (runs.scenario / "system.md").write_text("You answer for a shop, in one short sentence.\n")
    assert run("compare", "small").code == 0
    refused(gate("--baseline", "b.json"), "the system prompt changed", "--accept-prompt-change")
    accepted = gate("--baseline", "b.json", "--accept-prompt-change", "--json")
    assert accepted.code in CODES.values()
    assert json.loads(accepted.out)["accepted"] == ["the system prompt changed since the baseline was made"]


def test_a_quick_run_is_refused(runs: Runs) -> None:
    assert run("compare", "small", "--quick", "--run-dir", "reports/small/quick").code == 0
    refused(gate("--run", "quick"), "was made with --quick")


def test_without_a_baseline_a_rule_that_needs_one_says_how_to_make_it(runs: Runs) -> None:
    (runs.scenario / "baseline.json").unlink()
    refused(gate("--run", "full"), "there is no baseline here", "--save-baseline")


def test_a_scenario_without_rules_is_told_where_they_go(runs: Runs) -> None:
    edit(runs.scenario, gate=None)
    refused(gate("--run", "full"), "states no rules; add `gate:`")


def test_an_unknown_variant_or_run(runs: Runs) -> None:
    refused(gate("--run", "full", "--variant", "elswhere"), "did you mean 'elsewhere'?")
    refused(gate("--run", "nowhere"), "holds no finished run")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "\x00", '{"a": NaN}'])
def test_a_broken_baseline_is_named_with_its_place(runs: Runs, text: str) -> None:
    file = runs.scenario / "baseline.json"
    file.write_text(text)
    refused(gate("--run", "full"), "scenarios/small/baseline.json", "writes a new one")
    assert run("validate", "small").code == 0  # so that `compare` can make the run that mends it


def test_a_verdict_does_not_outlive_the_scores_that_it_is_about(runs: Runs) -> None:
    assert gate("--run", "full").code == 0
    assert Path("reports/small/full/verdict.json").exists()
    write_answers(runs.scenario, 100)
    assert run("compare", "small", "--run-dir", "reports/small/full").code == 0
    assert not Path("reports/small/full/verdict.json").exists()
    assert "Release gate" not in Path("reports/small/full/report.html").read_text(encoding="utf-8")
