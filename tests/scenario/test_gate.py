"""Rules of the gate in `scenario.yaml`: what is wrong with them, and on which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.check import check
from harness.errors import Problem

from .sample import line_of

HEAD = "gate:\n  variant: prompt\n  rules:\n"
GOOD = (
    "    - {metric: success, at_least: 0.5}\n"
    "    - {metric: success, slice: kind=known, not_worse_by: 0.1}\n"
    "    - {metric: latency, at_most: 2}\n"
    "    - {metric: cost, better_by: 0}\n"
)


def found(folder: Path, gate: str) -> list[Problem]:
    file = folder / "scenario.yaml"
    file.write_text(file.read_text(encoding="utf-8") + gate, encoding="utf-8")
    return check(folder)[1]


def test_good_rules_have_no_problems(folder: Path) -> None:
    assert found(folder, HEAD + GOOD) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{metric: sucess, at_least: 0.5}", "'sucess' is not among the metrics; did you mean 'success'?"),
        ("{metric: style, at_least: 0.5}", "'style' is not among the metrics"),
        (
            "{metric: success, slice: kin=known, at_least: 0.5}",
            "'kin' is not among the slices; did you mean 'kind'?",
        ),
        ("{metric: success, slice: kind=knwn, at_least: 0.5}", "kind=knwn; did you mean 'known'?"),
        ("{metric: success, slice: known, at_least: 0.5}", "'known' is not a slice; write all or key=value"),
        ("{metric: success, slice: kind=, at_least: 0.5}", "is not a slice"),
        ("{metric: success}", "exactly one of at_least, at_most, not_worse_by, better_by"),
        ("{metric: success, at_least: 0.5, better_by: 0}", "exactly one of"),
        ("{metric: success, at_least: 85}", "success is a rate from 0 to 1, so 85 is no limit for it"),
        ("{metric: success, not_worse_by: 5}", "success is a rate from 0 to 1"),
        ("{metric: success, not_worse_by: -0.1}", "greater than 0"),
        ("{metric: success, not_worse_by: 0}", "greater than 0"),
        ("{metric: success, better_by: -0.1}", "greater than or equal to 0"),
        ("{metric: success, at_least: .nan}", "finite"),
        ("{metric: success, at_leest: 0.5}", "did you mean 'at_least'?"),
        ("{slice: all, at_least: 0.5}", "metric: this setting is required"),
    ],
)
def test_a_bad_rule_is_named_with_its_line(folder: Path, rule: str, said: str) -> None:
    problems = found(folder, f"{HEAD}{GOOD}    - {rule}\n")
    assert problems
    text = (folder / "scenario.yaml").read_text(encoding="utf-8")
    assert {(p.file.name, p.line) for p in problems} == {("scenario.yaml", line_of(text, f"- {rule}"))}
    assert any(said in p.message for p in problems), problems


@pytest.mark.parametrize(
    ("gate", "line", "said"),
    [
        ("gate:\n  rules: []\n", "rules:", "at least 1 item"),
        ("gate:\n  variant: promt\n  rules:\n" + GOOD, "variant: promt", "did you mean 'prompt'?"),
        ("gate:\n  baseline: ../b.json\n  rules:\n" + GOOD, "baseline: ../", "in the scenario's folder"),
        ("gate:\n  baseline: /b.json\n  rules:\n" + GOOD, "baseline: /b", "in the scenario's folder"),
    ],
)
def test_the_rest_of_the_gate(folder: Path, gate: str, line: str, said: str) -> None:
    [problem] = found(folder, gate)
    text = (folder / "scenario.yaml").read_text(encoding="utf-8")
    assert problem.line == line_of(text, line)
    assert said in problem.message


def test_a_baseline_that_does_not_exist_yet_is_no_problem(folder: Path) -> None:
    assert found(folder, "gate:\n  baseline: baseline.json\n  rules:\n" + GOOD) == []
