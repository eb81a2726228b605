"""The command line: parse, call a flow, print, exit. The only place that prints or exits."""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from harness import __version__
from harness.cli.abtest import abtest
from harness.cli.check import doctor, init, validate
from harness.cli.compare import compare
from harness.cli.gate import gate
from harness.cli.judge import judge_app
from harness.cli.label import label_app
from harness.cli.load import load_app
from harness.cli.models import models_app
from harness.cli.report import report_app
from harness.cli.serve import serve
from harness.errors import HarnessError, ScenarioError

app = typer.Typer(
    help="Decide how to put a language model to work: prompt it, give it retrieval, fine-tune it, or combine "
    "these.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (compare, validate, init, gate, serve, abtest, doctor):
    app.command()(command)
app.add_typer(judge_app, name="judge")
app.add_typer(label_app, name="label")
app.add_typer(load_app, name="load")
app.add_typer(models_app, name="models")
app.add_typer(report_app, name="report")


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
