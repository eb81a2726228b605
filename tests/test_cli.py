"""The command line as a person meets it: texts, exit codes and what goes to which stream."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from fixtures.small_scenario import write_small_scenario

import harness.check
from harness import __version__
from harness.cli import app, main


class Said(NamedTuple):
    code: object
    out: str
    err: str


Harness = Callable[..., Said]


def _commands() -> list[tuple[str, ...]]:
    """Every command and group there is, so that a new one is tested without being named here."""
    found: list[tuple[str, ...]] = [()]
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        found += [(name,), *((name, inner) for inner in getattr(command, "commands", {}))]
    return found


@pytest.fixture
def harness_(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Harness:
    """Runs ``harness ...`` in this process, in an empty folder and with a cache of the test's own."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("COLUMNS", "100"), ("HF_HUB_DISABLE_TELEMETRY", "1"), ("HF_HUB_OFFLINE", "0")):
        monkeypatch.setenv(name, value)  # also so that what main() sets is undone
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    monkeypatch.delenv("HARNESS_OFFLINE", raising=False)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Said(end.value.code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("command", _commands(), ids=lambda c: " ".join(c) or "harness")
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_explains_itself(harness_: Harness, command: tuple[str, ...], flag: str) -> None:
    code, out, err = harness_(*command, flag)
    assert (code, err) == (0, "")
    usage, _, rest = out.partition("\n")
    assert usage.startswith(" ".join(["Usage: harness", *command]))
    assert rest.split("\n")[1].strip(), "no sentence says what it does"


def test_help_names_every_command(harness_: Harness) -> None:
    out = harness_("--help").out
    assert all(f"\n  {c[0]} " in out for c in _commands() if len(c) == 1)


def test_version(harness_: Harness) -> None:
    assert harness_("--version") == (0, f"{__version__}\n", "")


def test_an_unknown_scenario_suggests_the_nearest(harness_: Harness) -> None:
    harness_("init", "support-bot")
    for command in (["validate"], ["compare"], ["models", "fetch"], ["models", "list"]):
        code, out, err = harness_(*command, "suport-bot")
        assert (code, out) == (2, "")
        assert "no scenario 'suport-bot'" in err
        assert "did you mean 'support-bot'?" in err


def test_without_any_scenario_the_next_step_is_named(harness_: Harness) -> None:
    code, _, err = harness_("validate", "mine")
    assert code == 2
    assert "`harness init` makes one" in err


def test_what_init_makes_validates(harness_: Harness, tmp_path: Path) -> None:
    code, out, err = harness_("init", "mine")
    assert (code, err) == (0, "")
    assert "harness validate mine" in out
    assert "name: mine\n" in (tmp_path / "scenarios" / "mine" / "scenario.yaml").read_text(encoding="utf-8")
    code, out, err = harness_("validate", "mine")
    assert (code, err) == (0, "")
    assert out.endswith("no problems\n")


def test_init_leaves_an_existing_folder_alone(harness_: Harness, tmp_path: Path) -> None:
    kept = tmp_path / "scenarios" / "mine" / "notes.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine", encoding="utf-8")
    code, out, err = harness_("init", "mine")
    assert (code, out) == (2, "")
    assert "exists already" in err
    assert [p.name for p in kept.parent.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["Mine", "a/b", "../up", ".", "..", "", " ", "a b", "å", "a" * 61, "a\n"])
def test_init_refuses_a_bad_name(harness_: Harness, tmp_path: Path, name: str) -> None:
    code, out, err = harness_("init", name)
    assert (code, out) == (2, "")
    assert "is not a scenario name" in err
    assert not (tmp_path / "scenarios").exists()


def test_models_list_says_what_is_here(harness_: Harness, tmp_path: Path) -> None:
    write_small_scenario(tmp_path / "scenarios" / "small", ["prompt", "rag"])
    harness_("init", "mine")
    code, out, err = harness_("models", "list")
    assert (code, err) == (0, "")
    rows = {(line.split()[0], line.rsplit("(")[-1].rstrip(")")): line for line in out.splitlines()}
    assert "not fetched" in rows["model", "mine"]
    assert "ready" in rows["model", "small"]
    only = harness_("models", "list", "small").out.splitlines()
    assert only == [line for line in out.splitlines() if line.endswith("(small)")]


def test_models_fetch_offline_says_how_to_get_them(harness_: Harness) -> None:
    harness_("init", "mine")
    code, out, err = harness_("models", "fetch", "mine", "--offline")
    assert (code, out) == (1, "")
    assert "harness models fetch" in err


def test_a_report_needs_a_run(harness_: Harness, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for run in ("empty", str(tmp_path / "empty"), "nothing"):
        code, out, err = harness_("report", run)
        assert (code, out) == (2, "")
        assert "no finished run" in err


def test_a_report_refuses_an_unfinished_run(harness_: Harness, tmp_path: Path) -> None:
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "manifest.json").write_text("{}", encoding="utf-8")
    code, _, err = harness_("report", "begun")
    assert code == 2
    assert "holds no finished run" in err


def test_compare_then_report(harness_: Harness, tmp_path: Path) -> None:
    write_small_scenario(tmp_path / "scenarios" / "small", ["prompt", "rag"])
    code, out, _ = harness_("compare", "small", "--quick", "--run-dir", "run")
    assert code == 0
    assert "PREVIEW" in out
    code, out, _ = harness_("report", "run", "-o", "copy.html")
    assert (code, out) == (0, "report: copy.html\n")
    assert (tmp_path / "copy.html").read_bytes() == (tmp_path / "run" / "report.html").read_bytes()


def test_a_report_is_verified_by_itself(harness_: Harness, tmp_path: Path) -> None:
    write_small_scenario(tmp_path / "scenarios" / "small", ["prompt", "rag"])
    harness_("compare", "small", "--quick", "--run-dir", "run")
    file = tmp_path / "report.html"
    (tmp_path / "run" / "report.html").rename(file)
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    code, out, err = harness_("report", "verify", "report.html")
    assert (code, err) == (0, "")
    assert re.match(r"\d+ headline figures recomputed, all agree \(rows [0-9a-f]{64}\)\n$", out)

    text = file.read_text(encoding="utf-8")
    cell = re.search(r'data-figure="success\|rag\|n">(\d+)<', text)
    assert cell
    file.write_text(text[: cell.start(1)] + "9999" + text[cell.end(1) :], encoding="utf-8")
    code, out, err = harness_("report", "verify", "report.html")
    assert (code, err) == (1, "")
    said = f"scoreboard: success|rag|n: the page says '9999', the rows give '{cell[1]}'"
    assert out.splitlines()[0] == said
    assert out.endswith(" 1 disagrees\n")
    code, out, _ = harness_("report", "verify", "report.html", "--json")
    assert code == 1
    assert json.loads(out)["disagreements"] == [
        {"place": "scoreboard: success|rag|n", "page": "9999", "rows": cell[1]}
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<p>Hello</p>", "nothing to verify"),
        (b"", "cut off"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (None, "report.html"),
    ],
)
def test_what_is_no_report_is_not_verified(
    harness_: Harness, tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "report.html").write_bytes(content)
    code, out, err = harness_("report", "verify", "report.html")
    assert (code, out) == (2, "")
    assert said in err


def test_report_alone_builds(harness_: Harness) -> None:
    for arguments in (["nothing"], ["build", "nothing"], ["-o", "x.html", "nothing"], ["build", "verify"]):
        code, _, err = harness_("report", *arguments)
        assert code == 2
        assert f"no finished run below reports/{arguments[-1]}" in err


def test_ctrl_c_is_130_without_a_traceback(harness_: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(harness.check, "check", interrupted)
    harness_("init", "mine")
    code, out, err = harness_("validate", "mine")
    assert (code, out) == (130, "")
    assert err.strip() == "stopped; the same command goes on from here"


def test_validate_as_json(harness_: Harness) -> None:
    harness_("init", "mine")
    code, out, err = harness_("validate", "mine", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["problems"] == []
    assert set(found["summary"]["items"]) == {"train", "dev", "heldout"}


def test_problems_as_json_have_file_and_line(harness_: Harness, tmp_path: Path) -> None:
    harness_("init", "mine")
    file = tmp_path / "scenarios" / "mine" / "scenario.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("baseline: prompt", "baseline: promt"), "utf-8")
    code, out, err = harness_("validate", "mine", "--json")
    assert (code, err) == (2, "")
    [problem] = json.loads(out)["problems"]
    assert Path(problem["file"]).resolve() == file.resolve()
    line = file.read_text(encoding="utf-8").splitlines()[problem["line"] - 1]
    assert line == "baseline: promt"
    assert "did you mean 'prompt'?" in problem["message"]


@pytest.mark.parametrize("arguments", [["compar"], ["compare"], ["compare", "x", "--limit", "0"], ["--no"]])
def test_wrong_usage_is_2(harness_: Harness, arguments: list[str]) -> None:
    code, out, err = harness_(*arguments)
    assert (code, out) == (2, "")
    assert "Usage: harness" in err


def test_a_failure_of_the_system_is_one_line(harness_: Harness, tmp_path: Path) -> None:
    (tmp_path / "scenarios").write_text("a file", encoding="utf-8")
    code, out, err = harness_("init", "mine")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
