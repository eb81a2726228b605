"""From exports to labels: checked, merged once, agreement told, and nothing written where anything is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.console import Outcome
from cli.console import run as console

from harness.labelling.saves import read_sample
from harness.store import RunFolder
from harness.types.estimate import Estimate
from harness.types.judged import JudgedEstimate, JudgedMetric
from harness.types.judging import AnswerLabel, PreferencePair
from harness.types.labelling import Sample
from harness.types.results import Comparison

from .runs import write_export, write_run

Ask = Callable[..., Outcome]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> Ask:
    """``harness label ...`` in a folder with a scenario and a run."""
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path)
    return lambda *arguments: console("label", *arguments)


def drawn(ask: Ask, *options: str) -> Sample:
    out = ask("small", *options)
    assert out.code == 0, out.err
    return read_sample(Path("small/data/labelling"), out.out.split()[1].rstrip(":"))


def labels() -> list[AnswerLabel]:
    lines = Path("small/data/labels.jsonl").read_text(encoding="utf-8").splitlines()
    return [AnswerLabel.model_validate_json(line) for line in lines]


def test_two_raters_become_labels_and_an_alpha(ask: Ask) -> None:
    sample = drawn(ask, "--n", "30")
    files = [
        write_export(Path("a.json"), sample, "Ann", lambda i, e: i % 2),
        write_export(Path("b.json"), sample, "Bo", lambda i, e: i % 2 if i > 2 else 1 - i % 2, n=20),
    ]
    out = ask("import", "small", *map(str, files))
    assert out.code == 0, out.err
    assert "50 new labels, 0 known already, 0 changed" in out.out
    assert "alpha 0.71" in out.out
    assert "2 raters (Ann and Bo), 20 items read by two or more" in out.out
    assert "they disagree on 3" in out.out
    assert "harness judge validate small" in out.out
    found = {line.id: line for line in labels()}
    assert len(found) == 30
    first = found[f"random-{sample.entries[0].id}"]
    assert first.annotators == {"Ann": 0.0, "Bo": 1.0}
    assert (first.label, first.sample, first.answer) == (0.5, "random", sample.entries[0].texts[0])
    assert first.item == sample.entries[0].item
    before = Path("small/data/labels.jsonl").read_bytes()
    again = ask("import", "small", *map(str, files))
    assert "0 new labels, 50 known already" in again.out
    assert Path("small/data/labels.jsonl").read_bytes() == before


def test_status_tells_what_more_labels_buy(ask: Ask) -> None:
    assert "0 texts labelled" in ask("status", "small").out
    sample = drawn(ask, "--n", "60")
    by_pass = lambda i, e: int("prompt" in e.variants[0])  # noqa: E731
    write_export(Path("a.json"), sample, "Ann", by_pass)
    assert ask("import", "small", "a.json").code == 0
    out = ask("status", "small").out
    assert "Ann: 60" in out
    assert "of random samples: 60" in out
    lines = {line.split(":")[0].strip(): line for line in out.splitlines()}
    of_prompt = [e for e in sample.entries if "prompt" in e.variants[0]]
    assert "prompt: 100% [" in lines["prompt"]
    assert f"(n = {len(of_prompt)})" in lines["prompt"]
    assert "with 100 more" in lines["rag"]
    shared = sum(len(e.variants[0]) > 1 for e in sample.entries)
    figures = json.loads(ask("status", "small", "--json").out)["narrower"]
    assert sum(v["estimate"]["n"] for v in figures) == 60 + shared  # a shared text counts for both


def test_disagreements_are_kept_apart(ask: Ask) -> None:
    chosen, random_ = drawn(ask, "--order", "disagreement", "--n", "108"), drawn(ask, "--n", "108")
    write_export(Path("d.json"), chosen, "Ann", lambda i, e: 1)
    write_export(Path("r.json"), random_, "Ann", lambda i, e: 1, n=40)
    assert ask("import", "small", "d.json", "r.json").code == 0
    found = labels()
    assert sum(line.sample == "disagreement" for line in found) == len(chosen.entries)
    assert sum(line.sample == "random" for line in found) == 40
    assert "which correct nothing: 108" in ask("status", "small").out.replace("\n", " ")
    assert sum(v["estimate"]["n"] for v in json.loads(ask("status", "small", "--json").out)["narrower"]) < 50


def test_pairs_go_to_their_own_file(ask: Ask) -> None:
    sample = drawn(ask, "--kind", "pairs", "--n", "20")
    sides = {"Ann": "aab", "Bo": "abb", "Cy": "abt"}
    long = {"a": "a", "b": "b", "t": "tie"}
    for rater, said in sides.items():
        write_export(Path(f"{rater}.json"), sample, rater, lambda i, e, s=said: long[s[i % 3]])  # type: ignore[misc]
    out = ask("import", "small", *(f"{r}.json" for r in sides))
    assert out.code == 0, out.err
    lines = Path("small/data/label-pairs.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [PreferencePair.model_validate_json(line) for line in lines]
    assert [p.label for p in pairs[:3]] == ["a", "b", "b"]
    assert (pairs[1].a, pairs[1].b) == sample.entries[1].texts
    assert "agreement on pairs of answers: alpha" in out.out
    assert "next: harness judge validate small --labels small/data/label-pairs.jsonl" in out.out


def test_authors_labels_stay_and_are_no_rater(ask: Ask) -> None:
    sample = drawn(ask, "--n", "20")
    own = AnswerLabel(id="own", item="x", input="?", answer="!", label=1, annotators={"author": 1})
    Path("small/data/labels.jsonl").write_text(own.model_dump_json() + "\n", encoding="utf-8")
    write_export(Path("a.json"), sample, "Ann", lambda i, e: 1)
    write_export(Path("b.json"), sample, "author", lambda i, e: 0)
    out = ask("import", "small", "a.json", "b.json")
    assert "not known, nothing was labelled by two people (read by Ann)" in out.out
    assert labels()[0] == own
    assert "author (the author's labels, no human rating): 21" in ask("status", "small").out


def test_a_changed_mind_is_asked_for(ask: Ask) -> None:
    sample = drawn(ask, "--n", "20")
    write_export(Path("a.json"), sample, "Ann", lambda i, e: 1)
    assert ask("import", "small", "a.json").code == 0
    write_export(Path("a.json"), sample, "Ann", lambda i, e: int(i > 0))
    out = ask("import", "small", "a.json")
    assert out.code == 2
    assert "'Ann' said 1 before and 0 now; --replace takes the new label" in out.err
    assert all(line.label == 1 for line in labels())
    assert "0 new labels, 19 known already, 1 changed" in ask("import", "small", "a.json", "--replace").out
    assert labels()[0].label == 0


def _edit(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def edited(text: str) -> str:
        data = json.loads(text)
        change(data)
        return json.dumps(data)

    return edited


BAD: list[tuple[str, Callable[[str], str], str]] = [
    ("cut off", lambda t: t[: len(t) // 2], r"a.json:1: not a file of labels: Invalid JSON"),
    ("not JSON", lambda t: "a,b\n1,2\n", r"a.json:1: not a file of labels"),
    (
        "another entry",
        _edit(lambda d: d["marks"][3].update(entry="f" * 16)),
        r"marks.3: entry 'f+' is not in sample",
    ),
    (
        "another label",
        _edit(lambda d: d["marks"][2].update(label="a")),
        r"marks.2: .* must be 1 or 0, not 'a'",
    ),
    ("a wild label", _edit(lambda d: d["marks"][2].update(label=7)), r"marks.2.label: "),
    ("no name", _edit(lambda d: d.update(rater=" ")), r"rater: .*printable name"),
    ("a long name", _edit(lambda d: d.update(rater="x" * 41)), r"rater: .*at most 40"),
    ("a name that rings", _edit(lambda d: d.update(rater="A\x07")), r"rater: .*printable name"),
    (
        "another scenario",
        _edit(lambda d: d.update(scenario="other")),
        r"labels of scenario 'other', not of 'small'",
    ),
    ("another sample", _edit(lambda d: d.update(sample="0" * 16)), r"no sample '0+' below"),
    ("a path", _edit(lambda d: d.update(sample="../../x")), r"no sample '../../x' below"),
    ("doubled", _edit(lambda d: d["marks"].append(d["marks"][0])), r"is there twice"),
    ("another format", _edit(lambda d: d.update(format="x")), r"format: "),
]


@pytest.mark.parametrize(("change", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_a_bad_file_is_refused_with_its_place(ask: Ask, change: Callable[[str], str], message: str) -> None:
    import re

    sample = drawn(ask, "--n", "20")
    good = write_export(Path("b.json"), sample, "Bo", lambda i, e: 1)
    file = write_export(Path("a.json"), sample, "Ann", lambda i, e: 1)
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    out = ask("import", "small", str(good), str(file))
    assert out.code == 2
    assert re.search(message, out.err), out.err
    assert "Traceback" not in out.err
    assert not Path("small/data/labels.jsonl").exists()


@pytest.mark.parametrize("name", ["Ann", "ANN"])
def test_a_rater_comes_once(ask: Ask, name: str) -> None:
    sample = drawn(ask, "--n", "20")
    write_export(Path("a.json"), sample, "Ann", lambda i, e: 1)
    write_export(Path("b.json"), sample, name, lambda i, e: 0)
    out = ask("import", "small", "a.json", "b.json")
    assert (out.code, Path("small/data/labels.jsonl").exists()) == (2, False)
    assert "is in a.json too" in out.err
    assert ask("import", "small", "a.json").code == 0
    if name != "Ann":
        assert "'ANN' is 'Ann' in" in ask("import", "small", "b.json").err


def test_a_sample_that_was_edited_says_nothing(ask: Ask) -> None:
    sample = drawn(ask, "--n", "20")
    write_export(Path("a.json"), sample, "Ann", lambda i, e: 1)
    file = Path("small/data/labelling") / sample.id / "sample.json"
    file.write_text(file.read_text(encoding="utf-8").replace("It takes", "It took", 1), encoding="utf-8")
    out = ask("import", "small", "a.json")
    assert out.code == 2
    assert "was changed since it was drawn" in out.err


def test_a_run_of_another_scenario_is_refused(ask: Ask) -> None:
    settings = Path("small/scenario.yaml")
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("name: small", "name: tiny", 1), encoding="utf-8"
    )
    out = ask("small", "--run", "reports/small/made")
    assert out.code == 2
    assert "is a run of 'small', not of 'tiny'" in out.err


def test_the_scenario_says_what_raters_are_told(ask: Ask) -> None:
    settings = Path("small/scenario.yaml")
    settings.write_text(
        settings.read_text(encoding="utf-8") + "labelling: {guideline: rules.md}\n", encoding="utf-8"
    )
    assert ask("small").code == 2
    Path("small/rules.md").write_text("Pass what is **kind**.\n", encoding="utf-8")
    assert ask("small", "-o", "page.html").code == 0
    assert "Pass what is <strong>kind</strong>." in Path("page.html").read_text(encoding="utf-8")


def test_status_tells_what_labels_buy_beside_a_judge(ask: Ask) -> None:
    folder = RunFolder(Path("reports/small/made"))
    comparison = folder.read("comparison.json", Comparison)
    assert comparison
    corrected = Estimate(value=0.6, low=0.5, high=0.7, n=1000, n_missing=0, n_clusters=1000, method="m")
    found = JudgedEstimate(
        variant="rag", raw=corrected, corrected=corrected, labels=corrected, n_labels=50, n_stale=0, power=0.5,
        worth=75, status="corrected",
    )  # fmt: skip
    metric = JudgedMetric(
        judge="j", metric="judge.j", criterion="pass", labels_by="people", trust=None, kept_out=True,
        estimates=(found,), differences=(),
    )  # fmt: skip
    folder.write("comparison.json", comparison.model_copy(update={"judged": (metric,)}))
    out = ask("status", "small").out
    line = out.splitlines()[-1]
    assert "by judge j, corrected by the random labels" in out
    assert line.startswith("  rag: 60% [50, 70] (n = 1,000), ±10 points now; ±7 points with 50 more")
