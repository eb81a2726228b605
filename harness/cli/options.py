"""Options that several commands share, and what follows from them."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

ScenarioArgument = Annotated[str, typer.Argument(help="Name below scenarios/ or path of a scenario folder.")]
Offline = Annotated[
    bool,
    typer.Option(
        "--offline", envvar="HARNESS_OFFLINE", help="Never touch the network; weights must be cached."
    ),
]
BackendName = Annotated[
    str | None,
    typer.Option("--backend", help="Engine instead of the scenario's: openvino, transformers, ..."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]


def set_offline(offline: bool) -> None:
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"


def progress_of(as_json: bool) -> Any:
    from harness.progress import JsonProgress, PlainProgress, TerminalProgress

    if as_json:
        return JsonProgress()
    return TerminalProgress() if sys.stderr.isatty() else PlainProgress()
