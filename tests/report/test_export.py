"""The CSV tables open in pandas, and no cell of theirs is a formula."""

from __future__ import annotations

import io

import pandas as pd

from harness.report.export import csv_files, csv_text, tables

from .synthetic import Run


def test_tables_open_in_pandas(run: Run) -> None:
    found = tables(run.comparison, run.scores, run.answers)
    assert list(found) == ["estimates", "differences", "costs", "scores", "answers"]
    frames = {name: pd.read_csv(io.StringIO(csv_text(rows))) for name, rows in found.items()}
    assert {name: len(frame) for name, frame in frames.items()} == {
        name: len(rows) for name, rows in found.items()
    }
    assert frames["scores"]["value"].dtype == float
    assert frames["estimates"]["value"].isna().any(), "a missing number stays missing"
    assert frames["costs"].query("kind == 'training_once'")["value"].notna().all()


def test_text_that_looks_like_a_formula_stays_text_and_numbers_stay_numbers(run: Run) -> None:
    hostile = ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", 'a,b\n"c"\r\nd', "plain", "\ud800\x00"]
    answers = [a.model_copy(update={"text": t}) for a, t in zip(run.answers, hostile, strict=False)]
    text = csv_text(tables(run.comparison, run.scores, answers)["answers"])
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False)
    assert list(frame["text"][:5]) == ["'" + t for t in hostile[:5]]
    assert frame["text"][6] == "plain"
    assert len(frame) == len(hostile)
    text.encode()
    differences = pd.read_csv(io.StringIO(csv_text(tables(run.comparison, [], [])["differences"])))
    assert differences["low"].dtype == float
    assert (differences["low"] < 0).any()


def test_files_are_named_by_table_and_have_their_header_even_without_rows(run: Run) -> None:
    full = csv_files(run.comparison, run.scores, run.answers)
    none = run.comparison.model_copy(update={"estimates": (), "differences": (), "costs": ()})
    empty = csv_files(none, [], [])
    assert list(full) == list(empty) == [f"{name}.csv" for name in tables(none, [], [])]
    for name, text in full.items():
        assert empty[name].splitlines() == text.splitlines()[:1]
        assert pd.read_csv(io.StringIO(empty[name])).empty
