"""The commands that look before anything is run: ``validate``, ``init`` and ``doctor``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, Offline, ScenarioArgument
from harness.errors import HarnessError, InputError


def validate(scenario: ScenarioArgument, as_json: AsJson = False) -> None:
    """Check settings, data and knowledge base; print every problem with its file and line."""
    from harness.check import check
    from harness.scenario.load import find_scenario
    from harness.scenario.overlaps import find_overlaps

    folder = find_scenario(scenario, Path())
    summary, problems = check(folder)
    notes = find_overlaps(folder)
    if as_json:
        found, noted = (
            [{"file": str(p.file), "line": p.line, "message": p.message} for p in told]
            for told in (problems, notes)
        )
        known = summary.model_dump() if summary else None
        typer.echo(json.dumps({"summary": known, "problems": found, "notes": noted}))
    else:
        for problem in problems:
            typer.echo(str(problem))
        for note in notes:
            typer.echo(f"note: {note}")
        if summary:
            held = ", ".join(f"{n} {split}" for split, n in summary.items.items())
            typer.echo(
                f"{scenario}: {held} items in {summary.clusters} held-out clusters, "
                f"{summary.articles} articles, {len(summary.variants)} variants"
            )
        typer.echo(f"{len(problems)} problem{'s' * (len(problems) != 1)}" if problems else "no problems")
    raise typer.Exit(InputError.exit_code if problems else 0)


def init(name: Annotated[str, typer.Argument(help="Name of the new scenario.")]) -> None:
    """Make a small scenario below scenarios/ that validates and runs, to be changed into yours."""
    from harness.scenario.scaffold import write_scaffold

    folder = write_scaffold(name, Path("scenarios"))
    typer.echo(f"made {folder}\nnext: harness validate {name}, then harness compare {name}")


def doctor(
    offline: Offline = False,
    network: Annotated[
        bool, typer.Option("--network", help="Also ask whether the package index and the model hub answer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what works on this machine, what is missing, and the command that mends it."""
    from harness.doctor import examine

    findings = examine(offline, network)
    if as_json:
        typer.echo(json.dumps([asdict(f) for f in findings]))
    else:
        for finding in findings:
            mark = "ok" if finding.ok else "optional" if finding.optional else "MISSING"
            typer.echo(f"{mark:9} {finding.what}")
            if not finding.ok:
                typer.echo(f"{'':9} to mend: {finding.mend}")
    raise typer.Exit(0 if all(f.ok or f.optional for f in findings) else HarnessError.exit_code)
