"""The ``harness report`` commands: build a report again from a run, and verify one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import AsJson, group_with_default
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.report.verify import Verification

report_app = typer.Typer(
    cls=group_with_default("build"),
    help="Build the report of a run again, or verify a report that you were given.\n\n"
    "`harness report RUN` is short for `harness report build RUN`.",
    no_args_is_help=True,
)


@report_app.command()
def build(
    run: Annotated[str, typer.Argument(help="Folder of a run, or a scenario's name for its newest run.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the HTML here.")] = None,
) -> None:
    """Build the report again from the files of a run."""
    from harness.pipeline import write_report
    from harness.progress import PlainProgress, TerminalProgress
    from harness.runs import newest_run, read_run

    folder = Path(run) if (Path(run) / "manifest.json").exists() else newest_run(run)
    progress = TerminalProgress() if sys.stderr.isatty() else PlainProgress()
    with progress:
        path = write_report(read_run(folder), progress)
    if output:
        output.write_bytes(path.read_bytes())
    typer.echo(f"report: {output or path}")


@report_app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A report.html.", exists=True, dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Recompute a report's headline numbers from its own rows.

    What the page shows is compared with what the rows give, figure by figure. Needs no network, no model and
    no run. Exits with 0 where all agree, 1 where a number was edited or does not follow from the rows, 2 where
    the file is no whole report.
    """
    from harness.flows.verify import verify_report

    found = verify_report(file)
    if as_json:
        typer.echo(json.dumps(_event(found)))
    else:
        for text in (*found.problems, *map(str, found.disagreements)):
            typer.echo(text)
        typer.echo(_count(found))
    raise typer.Exit(0 if found.agrees else HarnessError.exit_code)


def _count(found: Verification) -> str:
    if found.agrees:
        return f"{found.checked:,} headline figures recomputed, all agree (rows {found.rows_sha256})"
    wrong = len(found.disagreements)
    if not found.checked:
        return "no headline figure recomputed: the report is not to be trusted"
    return f"{found.checked:,} headline figures recomputed, {wrong:,} disagree{'s' * (wrong == 1)}"


def _event(found: Verification) -> dict[str, object]:
    return {
        "agrees": found.agrees,
        "checked": found.checked,
        "rows_sha256": found.rows_sha256,
        "problems": list(found.problems),
        "disagreements": [
            {"place": d.place, "page": d.shown, "rows": d.computed} for d in found.disagreements
        ],
    }
