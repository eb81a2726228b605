"""Logs as people have them: CSV and JSONL, odd values, several files, and an error with its line for the rest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.errors import InputError
from harness.logs.read import Columns, read_log


def write(folder: Path, text: str, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_in_the_order_of_time(tmp_path: Path) -> None:
    text = "time,variant,outcome,cluster,covariate,ignored\n"
    text += "2026-05-02T00:00:00Z,rag,1,u1,0.5,x\n2026-05-01,control,,u2,,y\n2026-05-03T00:00:00+02:00,rag,0,u1,1,z\n"
    log = read_log([write(tmp_path, text)], Columns())
    assert log.variants == ("control", "rag")
    assert log.arm.tolist() == [0, 1, 1]
    assert np.isnan(log.outcome[0])
    assert log.outcome[1:].tolist() == [1, 0]
    assert log.cluster[1] == log.cluster[2] != log.cluster[0]
    assert log.covariate is not None
    assert log.covariate[1:].tolist() == [0.5, 1.0]
    assert log.times is not None
    assert log.dated
    assert log.times[2] - log.times[1] == 22 * 3600
    assert (log.unit, log.repeated) == ("cluster", 0)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_and_a_byte_order_mark(tmp_path: Path, separator: str) -> None:
    rows = [["variant", "outcome"], ["a", "true"], ["b", "False"], ["b", ""]]
    text = "\ufeff" + "\n".join(separator.join(row) for row in rows) + "\n"
    log = read_log([write(tmp_path, text)], Columns())
    assert log.outcome[:2].tolist() == [1, 0]
    assert np.isnan(log.outcome[2])
    assert log.cluster.tolist() == [0, 1, 2]
    assert log.times is None
    assert "in the order" in log.notes[0]


def test_json_lines_with_other_names_and_a_line_still_being_written(tmp_path: Path) -> None:
    rows = [
        {"arm": "a", "ok": True, "user": 7, "t": 2},
        {"arm": "b", "ok": None, "user": 8, "t": 1, "x": {"y": []}},
    ]
    text = "\n".join(json.dumps(r) for r in rows) + '\n\n{"arm": "a", "o'
    columns = Columns(variant="arm", outcome="ok", cluster="user", time="t")
    log = read_log([write(tmp_path, text, "log.jsonl")], columns)
    assert log.arm.tolist() == [1, 0]
    assert np.isnan(log.outcome[0])
    assert log.outcome[1] == 1
    assert not log.dated
    assert log.unit == "user"


def test_repeated_ids_are_read_once(tmp_path: Path) -> None:
    text = "id,variant,outcome\n1,a,0\n2,b,1\n1,a,0\n2,a,1\n,a,1\n,a,1\n"
    log = read_log([write(tmp_path, text)], Columns())
    assert (len(log.arm), log.repeated, log.conflicting) == (4, 2, 1)


def test_logs_of_several_servers_with_outcomes_from_elsewhere(tmp_path: Path) -> None:
    line = '{{"id": "{0}{1}", "variant": "{0}", "time": "2026-05-0{1}"}}\n'
    served = [write(tmp_path, line.format(v, 1) + line.format(v, 2), f"{v}.jsonl") for v in "ab"]
    said = write(tmp_path, "id,outcome,cluster\na1,1,u\nb2,0,u\nzz,1,w\n", "said.csv")
    log = read_log(served, Columns(), said)
    assert log.variants == ("a", "b")
    assert sorted(v for v in log.outcome.tolist() if not np.isnan(v)) == [0, 1]
    assert len(set(log.cluster.tolist())) == 3
    assert "1 outcomes" in log.notes[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("variant,outcome\n", "no row"),
        ("arm,outcome\na,1\n", "log.csv: no column 'variant'; it has 'arm', 'outcome'"),
        ("variant,outcome\na,1\nb,good\n", "log.csv:3: outcome is 'good'"),
        ("variant,outcome\na,1\nb,inf\n", "log.csv:3: outcome is infinite"),
        ("variant,outcome\na,1\n,1\n", "log.csv:3: variant is empty"),
        ("variant,outcome,cluster\na,1,u\nb,1,\n", "log.csv:3: cluster is empty"),
        ("variant,outcome,time\na,1,2026-05-01\nb,1,yesterday\n", "log.csv:3: time is 'yesterday'"),
        ("variant,outcome,time\na,1,2026-05-01\nb,1,\n", "log.csv:3: time is empty"),
        ("variant,variant,outcome\na,b,1\n", "same name"),
        ('{"variant": "a", "outcome": 1}\n{"variant": "b", \n{}\n', "log.csv:2: not a line of JSON"),
        ('{"variant": "a", "outcome": 1}\n[1]\n', "log.csv:2: a line must be an object"),
        ('{"variant": "a", "outcome": {"x": 1}}\n', "log.csv:1: outcome must be a number"),
        ('{"arm": "a"}\n', "no column 'variant'"),
        ("variant,outcome\n" + "".join(f"v{i},1\n" for i in range(30)), "30 different values"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as e:
        read_log([write(tmp_path, text)], Columns())
    assert said in str(e.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"variant,outcome\n\xff\xfe,1\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_log([path], Columns())


def test_one_column_for_two_things_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "variant,outcome\na,1\n")
    with pytest.raises(InputError, match="two things"):
        read_log([path], Columns(outcome="variant"))


def test_outcomes_of_another_log_or_twice_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "variant,id\na,1\nb,2\n")
    with pytest.raises(InputError, match="another log"):
        read_log([path], Columns(), write(tmp_path, "id,outcome\n9,1\n", "said.csv"))
    with pytest.raises(InputError, match=r"said.csv:3: its id was there before"):
        read_log([path], Columns(), write(tmp_path, "id,outcome\n1,1\n1,0\n", "said.csv"))
