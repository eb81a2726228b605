"""``harness abtest``: its options, what it prints and its exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, progress_of
from harness.errors import HarnessError, InputError

Cluster = Annotated[str | None, typer.Option(help="User or session that was assigned; `cluster` if there.")]
Covariate = Annotated[str | None, typer.Option(help="A value from before the test; `covariate` if there.")]
Time = Annotated[str | None, typer.Option(help="A date or number to order rows by; `time` if there.")]
Id = Annotated[str | None, typer.Option(help="Rows with the same id are read once; `id` if there.")]


def abtest(
    logs: Annotated[
        list[Path],
        typer.Argument(
            help="CSV with a header, or JSONL; several are read as one.", exists=True, dir_okay=False
        ),
    ],
    outcomes: Annotated[
        Path | None,
        typer.Option(
            help="CSV or JSONL with id and outcome, where the log has none.", exists=True, dir_okay=False
        ),
    ] = None,
    control: Annotated[
        str | None, typer.Option(help="The variant to compare with; by default `control`.")
    ] = None,
    split: Annotated[str, typer.Option(help="Shares that were meant: a=0.5,b=0.5. Equal if not given.")] = "",
    lower_is_better: Annotated[
        bool, typer.Option("--lower-is-better", help="For outcomes such as seconds or complaints.")
    ] = False,
    planned: Annotated[
        int | None, typer.Option(min=1, help="Users (else rows) at which the test was planned to end.")
    ] = None,
    effect: Annotated[
        float | None,
        typer.Option(min=1e-12, help="Effect the test was to find, in units of the outcome."),
    ] = None,
    variant_column: Annotated[str, typer.Option(help="Who answered.")] = "variant",
    outcome_column: Annotated[str, typer.Option(help="0 or 1, or a number; empty is missing.")] = "outcome",
    cluster_column: Cluster = None,
    covariate_column: Covariate = None,
    time_column: Time = None,
    id_column: Id = None,
    run: Annotated[
        str | None, typer.Option(help="Folder of a run, or a scenario: its report then tells it too.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Of the run, to set beside; by default what it chose by.")
    ] = None,
    map_: Annotated[
        str, typer.Option("--map", help="Variants of the run by arm, where named otherwise: a=prompt,b=rag.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the result as JSON here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read an A/B test from a log: the effect, whether it was sure at any look, and whether the split holds.

    Exits with 0 where the log could be judged, 1 where the arms do not compare, 2 where it cannot be read.
    """
    from harness.flows.abtest import AbOptions, read_abtest
    from harness.logs.read import Columns
    from harness.report.abtest_text import abtest_text

    options = AbOptions(
        logs=tuple(logs),
        columns=Columns(
            variant_column, outcome_column, cluster_column, covariate_column, time_column, id_column
        ),
        outcomes=outcomes, control=control, split=_weights(split), lower_is_better=lower_is_better,
        planned=planned, effect=effect, run=run, metric=metric, names=_pairs(map_, "--map", "a=prompt,b=rag"), output=output,
    )  # fmt: skip
    progress = progress_of(as_json)
    with progress:
        found = read_abtest(options, progress)
    typer.echo(found.model_dump_json() if as_json else abtest_text(found))
    raise typer.Exit(0 if found.trusted else HarnessError.exit_code)


def _pairs(text: str, option: str, example: str) -> dict[str, str]:
    """``a=x,b=y`` by name."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    found = {name.strip(): value.strip() for name, _, value in pairs}
    if len(found) != len(pairs) or not all(name and value for name, value in found.items()):
        raise InputError(f"{option}: {text!r} is not understood; write {example}")
    return found


def _weights(text: str) -> dict[str, float]:
    example = "a=0.5,b=0.5"
    try:
        found = {name: float(value) for name, value in _pairs(text, "--split", example).items()}
    except ValueError:
        raise InputError(f"--split: {text!r} is not understood; write {example}") from None
    if not all(0 < share < float("inf") for share in found.values()):
        raise InputError(f"--split: every share must be above 0; write {example}")
    return found
