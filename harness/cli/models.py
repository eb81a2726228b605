"""The ``harness models`` commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Offline, ScenarioArgument, set_offline

models_app = typer.Typer(help="List or fetch the weights that a scenario names.", no_args_is_help=True)


@models_app.command("list")
def models_list(scenario: Annotated[str, typer.Argument(help="Only this scenario's.")] = "") -> None:
    """Sources that the scenarios here name, and whether their weights are on this machine."""
    from harness.sources import model_sources

    for row in model_sources(Path(), scenario):
        typer.echo(
            f"{row.role:9} {'ready' if row.local else 'not fetched':12} {row.source.source}  ({row.scenario})"
        )


@models_app.command("fetch")
def models_fetch(scenario: ScenarioArgument, offline: Offline = False) -> None:
    """Fetch, verify and convert the weights of a scenario, so that it then runs with --offline."""
    from harness.models.source import fetch
    from harness.sources import model_sources

    set_offline(offline)
    for row in model_sources(Path(), scenario):
        typer.echo(f"{row.role}: {fetch(row.source, offline)}")
