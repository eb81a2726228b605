"""The ``harness label`` commands: have people read answers, take in what they said, and tell what it is worth."""

from __future__ import annotations

import json
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import AsJson, ScenarioArgument, group_with_default
from harness.figures import joined, plural
from harness.pages.text import visible

if TYPE_CHECKING:
    from harness.flows.label import Agreement, Narrower

SHOWN = 10
"""Disagreements that are printed; all are in the labels' file."""


class KindOption(StrEnum):
    answers = "answers"
    pairs = "pairs"


class OrderOption(StrEnum):
    random = "random"
    disagreement = "disagreement"


label_app = typer.Typer(
    cls=group_with_default("draw"),
    help="Have people read answers: draw a blind sample, take in their labels, see what they are worth.\n\n"
    "`harness label SCENARIO` is short for `harness label draw SCENARIO`.",
    no_args_is_help=True,
)


@label_app.command()
def draw(
    scenario: ScenarioArgument,
    run: Annotated[
        Path | None, typer.Option(help="Folder of a finished run instead of the newest.", file_okay=False)
    ] = None,
    n: Annotated[int, typer.Option("--n", help="Answers, or pairs of answers, to read.")] = 100,
    kind: Annotated[
        KindOption, typer.Option(help="Pass or fail single answers, or choose between two.")
    ] = KindOption.answers,
    order: Annotated[
        OrderOption,
        typer.Option(
            help="random can correct a judge; disagreement shows first where scores disagree, and never corrects."
        ),
    ] = OrderOption.random,
    seed: Annotated[int | None, typer.Option(min=0, help="Another one draws another sample.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the HTML page here.")] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve the page and save what raters do, until Ctrl-C.")
    ] = False,
    host: Annotated[
        str, typer.Option(help="With --serve, the address to listen on; others than loopback need a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --serve; 0 takes any free one.")] = 8765,
) -> None:
    """Draw a blind sample of a run's answers and write the page on which people label it.

    The page is one file that works offline and keeps progress in the browser; raters export their labels and hand
    them in for `harness label import`. With --serve several raters label at once and nothing needs handing in.
    """
    from harness.flows.label import DrawOptions, draw_sample, serve_sample, write_page
    from harness.scenario.load import find_scenario

    options = DrawOptions(run, n, kind.value, order.value, seed)
    drawn = draw_sample(find_scenario(scenario, Path()), options)
    sample = drawn.sample
    what = plural(
        len(sample.entries), *(["answer"] if kind == "answers" else ["pair of answers", "pairs of answers"])
    )
    typer.echo(
        f"sample {sample.id}: {what}, {order.value}, of {sample.population:,} different in {drawn.run}"
    )
    if not serve:
        typer.echo(f"page: {write_page(drawn, output)}")
        typer.echo(f"next: harness label import {scenario} FILE..., with the files that raters export")
        return

    def ready(url: str) -> None:
        typer.echo(f"labelling on {url}")
        typer.echo(f"saved to {drawn.own}; next: harness label import {scenario} {drawn.own}/*.jsonl")

    serve_sample(drawn, host, port, ready)


@label_app.command("import")
def import_(
    scenario: ScenarioArgument,
    files: Annotated[list[Path], typer.Argument(help="Files that raters exported or the server saved.")],
    to: Annotated[Path | None, typer.Option(help="Labels' file instead of the scenario's.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the new label where a rater said something else before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check what raters handed in, merge it into the scenario's labels and tell how far they agree.

    Importing a file again changes nothing. Where anything is wrong with a file, nothing is written.
    """
    from harness.flows.label import import_labels
    from harness.scenario.load import find_scenario
    from harness.types.judging import LABELS

    folder = find_scenario(scenario, Path())
    done = import_labels(folder, files, to, replace)
    if as_json:
        merged = [
            {"file": str(m.file), "new": m.new, "same": m.same, "changed": m.changed} for m in done.merged
        ]
        typer.echo(json.dumps({"merged": merged, "agreement": [_event(a) for a in done.agreements]}))
        return
    for m in done.merged:
        typer.echo(f"{m.file}: {plural(m.new, 'new label')}, {m.same:,} known already, {m.changed:,} changed")
    for agreement in done.agreements:
        _tell(agreement)
    for m in done.merged:
        elsewhere = "" if m.file == folder / LABELS else f" --labels {m.file}"
        typer.echo(f"next: harness judge validate {scenario}{elsewhere}")


@label_app.command()
def status(scenario: ScenarioArgument, as_json: AsJson = False) -> None:
    """Tell who labelled what so far, how far people agree, and what more labels would buy."""
    from harness.flows.label import label_status
    from harness.scenario.load import find_scenario

    found = label_status(find_scenario(scenario, Path()))
    if as_json:
        event = {
            "labels": str(found.labels),
            "n": found.n,
            "raters": dict(found.by_rater),
            "samples": dict(found.by_sample),
            "agreement": [_event(a) for a in found.agreements],
            "narrower": [
                {
                    "variant": line.variant,
                    "judge": line.judge,
                    "estimate": line.estimate.model_dump(),
                    "half_width": dict(line.with_more),
                }
                for line in found.narrower
            ],
        }
        typer.echo(json.dumps(event))
        return
    typer.echo(f"{found.labels}: {plural(found.n, 'text')} labelled")
    for rater, n in found.by_rater.items():
        typer.echo(f"  {_named(rater)}: {n:,}")
    for origin, n in found.by_sample.items():
        typer.echo(f"  {_ORIGINS[origin]}: {n:,}")
    for agreement in found.agreements:
        _tell(agreement)
    for judge, lines in groupby(found.narrower, key=lambda line: line.judge):
        by = (
            "the random labels alone"
            if judge is None
            else f"judge {visible(judge)}, corrected by the random labels"
        )
        typer.echo(f"share passed by {by}, and the interval with more labels of that variant's answers:")
        for line in lines:
            typer.echo(_narrower(line))


_ORIGINS = {
    "random": "of random samples",
    "disagreement": "of samples by disagreement, which correct nothing",
    "other": "of no sample, which correct nothing",
    "pairs": "pairs of answers",
}


def _named(rater: str) -> str:
    from harness.types.judging import AUTHOR

    return "author (the author's labels, no human rating)" if rater == AUTHOR else visible(rater)


def _tell(agreement: Agreement) -> None:
    alpha = agreement.alpha
    what = {"answers": "answers", "pairs": "pairs of answers"}[agreement.kind]
    raters = joined([visible(rater) for rater in agreement.raters]) or "nobody"
    if alpha.value is None:
        typer.echo(f"agreement on {what}: not known, {alpha.reason} (read by {raters})")
    else:
        interval = f" ({alpha.reason})" if alpha.low is None else f" [{alpha.low:.2f}, {alpha.high:.2f}]"
        typer.echo(
            f"agreement on {what}: alpha {alpha.value:.2f}{interval}, {plural(len(agreement.raters), 'rater')} "
            f"({raters}), {plural(alpha.n, 'item')} read by two or more"
        )
    if agreement.disagreements:
        typer.echo(f"  they disagree on {len(agreement.disagreements):,}:")
        for line in agreement.disagreements[:SHOWN]:
            said = ", ".join(f"{visible(rater)} {_word(label)}" for rater, label in line.annotators.items())
            typer.echo(f"  {visible(line.id)}: {said}")
        if len(agreement.disagreements) > SHOWN:
            typer.echo(f"  and {len(agreement.disagreements) - SHOWN:,} more")


def _word(label: float | str) -> str:
    return label if isinstance(label, str) else {1.0: "pass", 0.0: "fail"}.get(label, f"{label:g}")


def _narrower(line: Narrower) -> str:
    more = ", ".join(
        f"±{100 * half:.0f} points with {n:,} more" for n, half in line.with_more.items() if half is not None
    )
    found = line.estimate
    if found.value is None or found.low is None or found.high is None:
        now = f"no interval yet (n = {found.n:,}): {found.reason}"
    else:
        half = 50 * (found.high - found.low)
        shown = f"{100 * found.value:.0f}% [{100 * found.low:.0f}, {100 * found.high:.0f}]"
        now = f"{shown} (n = {found.n:,}), ±{half:.0f} points now"
    return f"  {line.variant}: {now}{'; ' * bool(more)}{more}"


def _event(agreement: Agreement) -> dict[str, object]:
    return {
        "kind": agreement.kind,
        "raters": list(agreement.raters),
        "alpha": agreement.alpha.model_dump(),
        "disagreements": [line.id for line in agreement.disagreements],
    }
