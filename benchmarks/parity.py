"""Whether the same weights answer alike however they are run: the parity of engines, adapters and batches.

    .venv/bin/python -m benchmarks.parity [--scenario support-bot] [--variants prompt,lora,raft] [--arms beside,transformers]
                                          [--limit N] [--to DIR]

Runs the scenario as it is and once for each arm, each in a process of its own: ``transformers`` (the other engine),
``beside`` (adapters beside the base instead of merged into it), ``alone`` (one request at a time), ``int8`` (weights in 8
bits). Prints a JSON object a line: for each arm and variant the share of texts and scores that differ and whether success is
equivalent within the scenario's margin (two one-sided tests at 5%), then whether recommendation and verdicts are the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from harness.comparison.drift import drift_floor
from harness.runs import Run, read_run
from harness.scenario.load import find_scenario

ARMS: dict[str, dict[str, Any]] = {
    "transformers": {"name": "transformers"},
    "beside": {"name": "openvino", "adapters": "beside"},
    "alone": {"name": "openvino", "batch_size": 1},
    "int8": {"name": "openvino", "weights": "int8"},
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--scenario", default="support-bot")
    arguments.add_argument("--variants", default="prompt,lora,raft")
    arguments.add_argument("--arms", default="beside,transformers")
    arguments.add_argument("--limit", type=int)
    arguments.add_argument(
        "--to", type=Path, help="keep the runs here; what is there already is not run again"
    )
    given = arguments.parse_args()
    folder = find_scenario(given.scenario, Path())
    with tempfile.TemporaryDirectory() as temporary:
        to = given.to or Path(temporary)
        asked = ["--variants", given.variants, *(["--limit", str(given.limit)] if given.limit else [])]
        plain = run(folder, {}, to / "plain", asked)
        for arm in given.arms.split(","):
            other = run(folder, ARMS[arm], to / arm, asked)
            for name in plain.comparison.variants:
                print(json.dumps({"arm": arm, "variant": name, **parity(plain, other, name)}), flush=True)
            print(json.dumps({"arm": arm, **verdicts(plain, other)}), flush=True)


def run(folder: Path, backend: dict[str, Any], to: Path, asked: list[str]) -> Run:
    """The scenario with these backend settings over its own."""
    to = to.absolute()
    settings = yaml.safe_load((folder / "scenario.yaml").read_text())
    settings["backend"] = settings.get("backend", {}) | backend
    copy = to / "scenario"
    copy.mkdir(parents=True, exist_ok=True)
    for part in folder.iterdir():
        if part.name != "scenario.yaml" and not (copy / part.name).exists():
            (copy / part.name).symlink_to(part.absolute())
    (copy / "scenario.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    command = [sys.executable, "-m", "harness", "compare", str(copy), "--run-dir", str(to / "run"), *asked]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return read_run(to / "run")


def parity(plain: Run, other: Run, variant: str) -> dict[str, Any]:
    again, metric = f"{variant}-again", plain.scenario.choice.metric
    drift = drift_floor(
        variant,
        again,
        metric,
        plain.items,
        [
            *plain.answers,
            *(a.model_copy(update={"variant": again}) for a in other.answers if a.variant == variant),
        ],
        [
            *plain.scores,
            *(s.model_copy(update={"variant": again}) for s in other.scores if s.variant == variant),
        ],
        plain.scenario.margins[metric],
    )
    return drift.model_dump(include={"metric", "text", "score", "equivalence"})


def verdicts(plain: Run, other: Run) -> dict[str, Any]:
    """Recommendation of each, and the differences on the choice metric that they call by other names."""
    called = [
        {
            (d.variant, d.slice): d.verdict
            for d in r.comparison.differences
            if d.metric == r.scenario.choice.metric
        }
        for r in (plain, other)
    ]
    others = {f"{v} on {s}": (called[0][v, s], called[1].get((v, s))) for v, s in called[0]}
    return {
        "choice": (plain.comparison.decision.choice, other.comparison.decision.choice),
        "verdicts": len(others),
        "verdicts_that_differ": {k: v for k, v in others.items() if v[0] != v[1]},
    }


if __name__ == "__main__":
    main()
