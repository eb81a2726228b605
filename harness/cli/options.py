"""Options that several commands share, and what follows from them."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

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


def group_with_default(default: str) -> type[TyperGroup]:
    """A group whose command ``default`` need not be named: ``harness report RUN`` for ``harness report build RUN``."""

    class Group(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
                args = [default, *args]
            return super().parse_args(ctx, args)

    return Group
