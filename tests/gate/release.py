"""A small scenario with enough held-out items to be released, and its runs as baseline, regression and cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from fixtures.small_scenario import write_small_scenario

ITEMS = 150
VARIANT = "elsewhere"
"""Its answers come from a file, so a test can plant a regression."""
RULES: list[dict[str, Any]] = [
    {"metric": "success", "at_least": 0.8},
    {"metric": "success", "not_worse_by": 0.05},
    {"metric": "style", "slice": "kind=known", "not_worse_by": 0.05},
    {"metric": "latency", "at_most": 2.0},
]


def write_release_scenario(folder: Path, **gate: Any) -> Path:
    """150 held-out items in clusters of their own; nine of ten are answered right."""
    rules = {"variant": VARIANT, "rules": RULES, **gate}
    write_small_scenario(folder, ["prompt", VARIANT], gate=rules, timing_items=8)
    items = [_item(i) for i in range(ITEMS)]
    (folder / "heldout.jsonl").write_text("".join(json.dumps(x) + "\n" for x in items), encoding="utf-8")
    write_answers(folder, right=135)
    return folder


def _item(i: int) -> dict[str, Any]:
    turns = [
        {"role": "user", "content": f"how much is model {i} please"},
        {"role": "assistant", "content": f"It costs {10 + i} euros.\nBest wishes, the team"},
    ]
    facts = {"required": [[f"{10 + i} euros"]], "forbidden": []}
    slices = {"kind": "known" if i % 3 else "new"}
    return {
        "id": f"held-{i:03}",
        "messages": turns,
        "facts": facts,
        "slices": slices,
        "cluster": f"model-{i}",
    }


def write_answers(folder: Path, right: int, failing: tuple[int, ...] = (), say: str = "") -> None:
    """The first ``right`` items are answered right, those in ``failing`` not at all."""
    lines: list[dict[str, Any]] = []
    for i in range(ITEMS):
        text = f"It costs {10 + i if i < right else 'many'} euros{say}.\nBest wishes, the team"
        line = {"id": f"held-{i:03}", "text": text, "total_s": 0.5}
        lines.append({"id": line["id"], "error": "timed out"} if i in failing else line)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / f"{VARIANT}.jsonl").write_text(text, encoding="utf-8")


def edit(folder: Path, **changes: Any) -> None:
    """Replace settings of the scenario."""
    file = folder / "scenario.yaml"
    settings = yaml.safe_load(file.read_text(encoding="utf-8")) | changes
    file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
