"""The command line: parse, call the pipeline, print, exit. The only place that prints or exits."""

from __future__ import annotations

import io
import json
import logging
import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from harness import __version__, cli_gate
from harness.cli_report import report_app
from harness.errors import HarnessError, InputError, ScenarioError

if TYPE_CHECKING:
    from harness.runs import Run
    from harness.types.results import Comparison

app = typer.Typer(
    help="Decide how to put a language model to work: prompt it, give it retrieval, fine-tune it, or combine "
    "these.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="List or fetch the weights that a scenario names.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.command()(cli_gate.gate)
app.add_typer(report_app, name="report")

ScenarioArgument = Annotated[str, typer.Argument(help="Name below scenarios/ or path of a scenario folder.")]
Offline = Annotated[
    bool,
    typer.Option(
        "--offline", envvar="HARNESS_OFFLINE", help="Never touch the network; weights must be cached."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]


@app.command()
def compare(
    scenario: ScenarioArgument,
    variants: Annotated[str, typer.Option(help="Only these, with commas (the baseline always runs).")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only a seeded sample of so many held-out items.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A preview: less training, few items.")] = False,
    seed: Annotated[int | None, typer.Option(help="Instead of the scenario's.")] = None,
    a_a: Annotated[
        bool,
        typer.Option(
            "--a-a", help="One variant (the baseline, or --variants X) against itself: the drift floor."
        ),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Use no stored answers and no trained adapters.")
    ] = False,
    offline: Offline = False,
    run_dir: Annotated[
        Path | None, typer.Option(help="Folder of the run, instead of one below reports/.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the variants of a scenario and write its report. A second run resumes, or does nothing."""
    from harness.pipeline import compare as run_comparison
    from harness.scenario.inputs import Options
    from harness.scenario.load import find_scenario

    options = Options(
        variants=tuple(v.strip() for v in variants.split(",") if v.strip()),
        limit=limit,
        quick=quick,
        seed=seed,
        a_a=a_a,
        fresh=fresh,
        offline=offline,
        run_dir=run_dir,
        command=shlex.join(["harness", *sys.argv[1:]]),
    )
    _set_offline(offline)
    progress = _progress(as_json)
    with progress:
        run = run_comparison(find_scenario(scenario, Path()), options, progress)
    _print_summary(run, as_json)


@app.command()
def validate(scenario: ScenarioArgument, as_json: AsJson = False) -> None:
    """Check settings, data and knowledge base; print every problem with its file and line."""
    from harness.pipeline import check
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


@app.command()
def init(name: Annotated[str, typer.Argument(help="Name of the new scenario.")]) -> None:
    """Make a small scenario below scenarios/ that validates and runs, to be changed into yours."""
    from harness.scenario.scaffold import write_scaffold

    folder = write_scaffold(name, Path("scenarios"))
    typer.echo(f"made {folder}\nnext: harness validate {name}, then harness compare {name}")


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

    _set_offline(offline)
    for row in model_sources(Path(), scenario):
        typer.echo(f"{row.role}: {fetch(row.source, offline)}")


@app.command()
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


@app.callback(invoke_without_command=True)
def _top(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line; every foreseen failure is one clear message and its exit code."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TQDM_DISABLE", "1")  # libraries' own bars would run through ours
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it names kernels that nobody asked for
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal cannot show is escaped, not a crash
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="harness")
    except ScenarioError as e:
        typer.echo(str(e), err=True)
        count = len(e.problems)
        typer.echo(f"{count} problem{'s' * (count != 1)}; nothing was run", err=True)
        sys.exit(e.exit_code)
    except HarnessError as e:
        typer.echo(f"error: {e}", err=True)
        sys.exit(e.exit_code)
    except OSError as e:
        typer.echo(f"error: {e.filename or 'the system'}: {e.strerror or e}", err=True)
        sys.exit(HarnessError.exit_code)
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as e:
        if e.code == _INTERRUPTED:  # typer has made this of a KeyboardInterrupt
            _stopped()
        raise
    sys.exit(0)


_INTERRUPTED = 130


def _stopped() -> NoReturn:
    typer.echo("stopped; the same command goes on from here", err=True)
    sys.exit(_INTERRUPTED)


def _set_offline(offline: bool) -> None:
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"


def _progress(as_json: bool) -> Any:
    from harness.progress import JsonProgress, PlainProgress, TerminalProgress

    if as_json:
        return JsonProgress()
    return TerminalProgress() if sys.stderr.isatty() else PlainProgress()


def _print_summary(run: Run, as_json: bool) -> None:
    from harness.report.drift import drift_text

    report = run.folder.path / "report.html"
    if as_json:
        event = {"event": "done", "report": str(report), "decision": run.comparison.decision.model_dump()}
        if run.manifest.drift:
            event["drift"] = run.manifest.drift.model_dump()
        typer.echo(json.dumps(event))
        return
    c = run.comparison
    if c.preview:
        typer.echo("PREVIEW: less training and fewer items; no basis for a decision")
    typer.echo(_table(c))
    if drift := run.manifest.drift:
        typer.echo(f"{drift_text(drift)}\nreport: {report}")
    else:
        typer.echo(f"{c.decision.reason}\nreport: {report}")


def _table(c: Comparison) -> str:
    """Headline figures of each variant, with 95% intervals."""
    cells = {(e.variant, e.metric): e.estimate for e in c.estimates if e.slice == "all"}
    costs = {cost.variant: cost for cost in c.costs}
    lines = [
        f"{'':14}{'success':>22}{'style':>8}{'latency p50':>13}{'per 1,000':>12}{'per 1,000 successes':>21}"
    ]

    def number(value: float | None, text: str) -> str:
        return "n/a" if value is None else format(value, text)

    for name in c.variants:
        success = cells.get((name, "success"))
        style, latency = cells.get((name, "style")), cells.get((name, "latency"))
        interval = "n/a"
        if success and success.value is not None:
            interval = f"{success.value:.1%} ({number(success.low, '.1%')}-{number(success.high, '.1%')})"
        cost = costs.get(name)
        lines.append(
            f"{name:14}{interval:>22}{number(style.value if style else None, '.0%'):>8}"
            f"{number(latency.value if latency else None, '.2f'):>11} s"
            f"{number(cost.per_1000.value if cost else None, '.3f'):>12}"
            f"{number(cost.per_1000_successes.value if cost else None, '.3f'):>21}"
        )
    return "\n".join(
        [*lines, f"(95% intervals, costs in {c.currency}, {c.n_items} items, {c.n_clusters} clusters)"]
    )


if __name__ == "__main__":
    main()
