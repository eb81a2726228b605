"""Preference pairs and labels as files: every problem at once, each with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fixtures.preferences import FILES, add_judges, add_labels, label, pair, write_lines
from fixtures.small_scenario import write_small_scenario

from harness.check import check
from harness.errors import ScenarioError
from harness.scenario.judging import read_either


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return add_judges(write_small_scenario(tmp_path / "small"), {"reward": {"kind": "reward"}})


def _told(folder: Path) -> list[str]:
    return [str(p).removeprefix(f"{folder}/") for p in check(folder)[1]]


def test_sound_files_have_no_problem(folder: Path) -> None:
    add_labels(folder, [label(i, good) for i in range(5) for good in (True, False)])
    assert _told(folder) == []


def test_every_problem_of_pairs_is_told_with_its_line(folder: Path) -> None:
    good = pair("heldout", 0)
    bad = [
        good,
        good | {"a": "x", "b": "y"},
        pair("heldout", 1) | {"label": "c"},
        pair("heldout", 2) | {"b": " "},
        pair("heldout", 3) | {"sides": 2},
        pair("heldout", 4) | {"label": "a", "annotators": {"ann": "b"}},
        {**pair("train", 0), "id": "again"},
    ]
    write_lines(folder / FILES["heldout"], bad)
    told = "\n".join(_told(folder))
    for wanted in (
        "pairs-heldout.jsonl:2: id 'heldout-0' is already used at line 1",
        "pairs-heldout.jsonl:3: label: ",
        "pairs-heldout.jsonl:4: b: the answer is empty",
        "pairs-heldout.jsonl:5: sides: unknown field",
        "pairs-heldout.jsonl:6: label 'a' is none of what its annotators said",
        "pairs-heldout.jsonl:7: the same pair stands at",
    ):
        assert wanted in told


def test_a_label_off_its_scale_is_told(folder: Path) -> None:
    rubric = label(1, True) | {"criterion": "tone", "label": 0.0, "id": "r"}
    add_labels(folder, [label(0, True) | {"label": 2.0}, rubric])
    assert _told(folder) == [
        "data/labels.jsonl:1: labels of criterion 'pass' go from 0 to 1",
        "data/labels.jsonl:2: labels of criterion 'tone' go from 1 to 5",
    ]


@pytest.mark.parametrize(
    ("judge", "message"),
    [
        (
            {"kind": "reference", "model": "endpoint:none"},
            "no endpoint 'none' under `endpoints`; there are none",
        ),
        ({"kind": "reference", "model": "gpt"}, "'gpt' is not base or endpoint:<name>"),
        ({"kind": "reference", "replicates": 3}, "at temperature 0 replies repeat; set `temperature` too"),
        ({"kind": "oracle"}, "'oracle' is not one of"),
        ({"kind": "rubric", "criteria": []}, "criteria"),
        ({"kind": "pairwise", "prompt": "../x.md"}, "must be a file in the scenario's folder"),
        ({"kind": "pairwise", "prompt": "system.md"}, "must hold {first}"),
    ],
)
def test_a_judge_that_cannot_judge_is_told(folder: Path, judge: dict[str, Any], message: str) -> None:
    add_judges(folder, {"one": judge})
    assert message in "\n".join(_told(folder))


def test_a_reward_needs_pairs(tmp_path: Path) -> None:
    folder = write_small_scenario(tmp_path / "small", judges={"reward": {"kind": "reward"}})
    assert "learns from preference pairs: name their files in data.preferences" in _told(folder)[0]


def test_a_file_of_either_kind_is_told_by_its_lines(tmp_path: Path) -> None:
    write_lines(tmp_path / "pairs.jsonl", [pair("dev", 0)])
    write_lines(tmp_path / "labels.jsonl", [label(0, True)])
    assert [len(x) for x in read_either(tmp_path / "pairs.jsonl")] == [1, 0]
    assert [len(x) for x in read_either(tmp_path / "labels.jsonl")] == [0, 1]
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\nnot json\n')
    with pytest.raises(ScenarioError) as found:
        read_either(tmp_path / "bad.jsonl")
    assert {p.line for p in found.value.problems} == {1, 2}


@pytest.mark.parametrize("name", ["pass", "mean", "preference"])
def test_a_criterion_has_a_name_of_its_own(tmp_path: Path, name: str) -> None:
    rubric = {"kind": "rubric", "criteria": [{"name": name, "description": "5: kind. 1: rude."}]}
    folder = add_judges(write_small_scenario(tmp_path / "small"), {"tone": rubric})
    assert f"a criterion cannot be called {name!r}" in "\n".join(_told(folder))


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"at_least": 0.5}, None),
        ({"at_least": 5}, "judge.reward is a rate from 0 to 1, so 5 is no limit for it"),
        ({"not_worse_by": 0.1}, "a rule about a judge needs at_least or at_most"),
        ({"at_least": 0.5, "slice": "kind=known"}, "corrected for all items together"),
    ],
)
def test_a_rule_that_no_label_could_decide_is_told(
    tmp_path: Path, rule: dict[str, Any], why: str | None
) -> None:
    gate = {"rules": [{"metric": "judge.reward", **rule}]}
    folder = add_judges(write_small_scenario(tmp_path / "small"), {"reward": {"kind": "reward"}}, gate=gate)
    told = _told(folder)
    assert not told if why is None else any(why in line for line in told)
