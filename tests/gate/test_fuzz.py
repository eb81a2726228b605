"""A few hundred spoilt baselines: each that cannot be read ends in exit code 2 and names the place."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import Problem, ScenarioError
from harness.scenario.baseline import baseline_text, read_baseline

from .factories import hits, snapshot

pytestmark = pytest.mark.slow

TEXT = baseline_text(snapshot({"success": hits(12, 8), "cost": [0.5] * 12}))
Spoil = Callable[[random.Random], str | bytes]


def _edited(rng: random.Random, edit: Callable[[Any, Any], None]) -> str:
    data = json.loads(TEXT)
    edit(data, rng.choice(data["items"]))
    return baseline_like(data)


def baseline_like(data: Any) -> str:
    items = ",\n    ".join(json.dumps(item) for item in data.pop("items"))
    head = json.dumps(data, indent=2).removesuffix("\n}")
    return head + ',\n  "items": [\n    ' + items + "\n  ]\n}\n"


ODD = [None, 7, "x", [], {}, [[7]], True, 1e300, -1, "\u202e", {"a": {}}, ""]
SPOILT: dict[str, Spoil] = {
    "cut": lambda r: TEXT[: r.randrange(len(TEXT) - 2)],
    "not UTF-8": lambda r: TEXT.encode()[: r.randrange(900)] + b"\xff" + TEXT.encode()[900:],
    "empty": lambda r: r.choice(["", " ", "\n", "\ufeff"]),
    "another value": lambda r: r.choice(["[]", "7", "null", '"x"', "[{}]"]),
    "not a number": lambda r: TEXT.replace(
        ": 1.0", ": " + r.choice(["NaN", "Infinity", "-Infinity", "1e999"]), 1
    ),
    "nested": lambda r: "[" * 100_000,
    "huge number": lambda r: TEXT.replace(": 1.0", ": " + "9" * 5000, 1),
    "doubled key": lambda r: TEXT.replace('"run":', '"scenario": "s",\n  "run":', 1),
    "half a surrogate": lambda r: TEXT.replace('"run": "r"', '"run": "\\ud800"'),
    "no items": lambda r: _edited(r, lambda d, i: d.update(items=[])),
    "doubled item": lambda r: _edited(r, lambda d, i: d["items"].append(i)),
    "unknown metric": lambda r: _edited(r, lambda d, i: i["scores"].update(sucess=1.0)),
    "unknown field": lambda r: _edited(r, lambda d, i: r.choice([d, i]).update(runn="x")),
    "another format": lambda r: _edited(r, lambda d, i: d.update(format=r.choice([0, 2, "1.0", None]))),
    "bad hash": lambda r: _edited(
        r, lambda d, i: i.update(hash=r.choice(["", "g" * 8, "A" * 8, "1" * 9, 5]))
    ),
    "bad scores": lambda r: _edited(
        r, lambda d, i: i.update(scores=r.choice(["x", [], 7, {"success": "x"}]))
    ),
    "field gone": lambda r: _edited(
        r, lambda d, i: r.choice([d, i]).pop(r.choice(["scenario", "id", "hash"]), None)
    ),
    "odd head": lambda r: _edited(r, lambda d, i: d.update(metrics=r.choice(ODD[:2] + ODD[5:]))),
}
SURE = set(SPOILT) - {"field gone"}
"""Of these every file must be refused."""


def problems_of(file: Path) -> tuple[Problem, ...]:
    """Empty for a baseline that can be read; any other exception leaves this function."""
    try:
        read_baseline(file)
    except ScenarioError as e:
        return e.problems
    return ()


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_baseline_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    refused = 0
    for seed in range(15):
        spoilt = SPOILT[name](random.Random(seed))
        file.write_bytes(spoilt if isinstance(spoilt, bytes) else spoilt.encode())
        problems = problems_of(file)
        refused += bool(problems)
        lines = file.read_bytes().count(b"\n") + 1
        assert all(p.file == file and p.message.isprintable() for p in problems), problems
        assert all(p.line is None or 1 <= p.line <= lines for p in problems)
    assert refused == 15 if name in SURE else refused > 5


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('"currency": "USD"', '"currency": 5', '"currency"', "currency: "),
        ('"cluster": "c7"', '"cluster": 7', '"c8"', "items.7.cluster: "),
        ('"hash": "00000000", "id": "i3"', '"id": "i3"', '"i3"', "items.3.hash: this field is required"),
    ],
)
def test_the_line_is_that_of_the_mistake(tmp_path: Path, old: str, new: str, line: str, said: str) -> None:
    text = TEXT.replace(old, new)
    assert text != TEXT
    file = tmp_path / "baseline.json"
    file.write_text(text)
    with pytest.raises(ScenarioError) as e:
        read_baseline(file)
    [problem] = e.value.problems
    wanted = next(n for n, t in enumerate(text.splitlines(), 1) if line in t)
    assert problem.line == (wanted - 1 if line == '"c8"' else wanted)
    assert problem.message.startswith(said)
    assert "--save-baseline" in problem.message


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    for place in (tmp_path / "none.json", tmp_path):
        with pytest.raises(ScenarioError, match=r"not found|is not a file"):
            read_baseline(place)
