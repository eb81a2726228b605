"""The ``harness judge`` commands: what judges are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, Offline, ScenarioArgument, progress_of, set_offline

judge_app = typer.Typer(help="Hold the judges of a scenario against labels.", no_args_is_help=True)


@judge_app.callback()
def _judges() -> None:
    """A group of one: without this, ``harness judge`` itself would be the command."""


@judge_app.command()
def validate(
    scenario: ScenarioArgument,
    judge: Annotated[
        str | None, typer.Option(help="Only this judge; otherwise all of the scenario's.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="JSONL of labelled pairs or answers, instead of the scenario's own.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the record here, not below reports/SCENARIO/judges/."),
    ] = None,
    backend: Annotated[str | None, typer.Option(help="Engine instead of the scenario's.")] = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Ask the judges about labelled pairs and answers: exit 0 trusted, 100 below the floor, 101 too few labels."""
    from harness.flows.judge import ValidateOptions, exit_code, validate_judges
    from harness.report.judge_text import judge_text
    from harness.scenario.load import find_scenario

    folder = find_scenario(scenario, Path())
    set_offline(offline)
    progress = progress_of(as_json)
    with progress:
        records, file = validate_judges(
            folder, ValidateOptions(judge, labels, output, offline, backend), progress
        )
    typer.echo(records.model_dump_json() if as_json else f"{judge_text(records)}\n\nrecord: {file}")
    raise typer.Exit(exit_code(records))
