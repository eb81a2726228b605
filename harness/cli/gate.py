"""``harness gate``: its options, what it prints and its exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, ScenarioArgument


def gate(
    scenario: ScenarioArgument,
    run: Annotated[
        str | None, typer.Option(help="A run's folder or name; otherwise the newest full run.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="Otherwise `gate: variant:`, else the recommended one.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="A baseline file or a run; otherwise `gate: baseline:`.")
    ] = None,
    save_baseline: Annotated[
        Path | None, typer.Option(help="Write the run's scores as a baseline and judge nothing.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write Markdown for a pull request here.")] = None,
    accept_prompt_change: Annotated[
        bool, typer.Option("--accept-prompt-change", help="Compare although the prompt changed; recorded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Judge a run by the scenario's release rules: exit 0 pass, 100 fail, 101 inconclusive, 2 not comparable."""
    from harness.flows.gate import GateOptions, judge
    from harness.flows.gate import save_baseline as save
    from harness.progress import JsonProgress, PlainProgress
    from harness.report.verdict_text import verdict_text
    from harness.scenario.load import find_scenario
    from harness.store import canonical_json

    options = GateOptions(run, variant, baseline, junit, markdown, accept_prompt_change)
    folder = find_scenario(scenario, Path())
    if save_baseline is not None:
        saved = save(folder, options, save_baseline)
        typer.echo(
            f"wrote {save_baseline}: {saved.variant} of run {saved.run}, {len(saved.items)} items\n"
            "next: name it under `gate: baseline:` in scenario.yaml and commit it"
        )
        return
    verdict = judge(folder, options, JsonProgress() if as_json else PlainProgress())
    typer.echo(canonical_json(verdict) if as_json else verdict_text(verdict), nl=not as_json)
    raise typer.Exit(verdict.exit_code)
