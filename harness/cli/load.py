"""The ``harness load`` commands: put a server under load, and import what another generator measured."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from harness.cli.options import AsJson, Offline, progress_of, set_offline
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.types.load import Cache, Limits, LoadResult

DEFAULT = "run"


class _RunUnlessNamed(TyperGroup):
    """``harness load TARGET`` is short for ``harness load run TARGET``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


load_app = typer.Typer(
    cls=_RunUnlessNamed,
    help="Measure a server under load, timed from when each request should have been sent.\n\n"
    "`harness load TARGET` is short for `harness load run TARGET`.",
    no_args_is_help=True,
)

Slo = Annotated[
    str,
    typer.Option(help="Limits in seconds that a good reply keeps: ttft=0.5,e2e=5 (also itl, tpot)."),
]


class Arrivals(StrEnum):
    poisson = "poisson"
    constant = "constant"


class Caches(StrEnum):
    cold = "cold"
    warm = "warm"
    both = "both"


_CACHES: dict[Caches, tuple[Cache, ...]] = {
    Caches.cold: ("cold",),
    Caches.warm: ("warm",),
    Caches.both: ("cold", "warm"),
}


@load_app.command()
def run(
    target: Annotated[
        str, typer.Argument(help="Base URL such as http://127.0.0.1:8000/v1, or a scenario with --variant.")
    ],
    variant: Annotated[
        str | None, typer.Option(help="Serve this variant of the scenario, and ask it.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Requests a second; the first rate of a sweep.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Time of arrivals at each rate.")] = 30.0,
    sweep: Annotated[bool, typer.Option("--sweep", help="Search for the highest sustained rate.")] = False,
    max_rate: Annotated[float, typer.Option(min=0.001, help="A sweep goes no higher.")] = 512.0,
    slo: Slo = "",
    attainment: Annotated[
        float, typer.Option(min=0.01, max=1, help="Share of requests that must keep the limits in a sweep.")
    ] = 0.95,
    cache: Annotated[
        Caches, typer.Option(help="cold: no prompt twice; warm: a few, asked before; or both, apart.")
    ] = Caches.cold,
    arrivals: Annotated[Arrivals, typer.Option(help="How requests are spaced.")] = Arrivals.poisson,
    trace: Annotated[
        Path | None, typer.Option(help="Replay the arrival times of a JSONL file; --rate stretches them.")
    ] = None,
    items: Annotated[
        str | None, typer.Option(help="Ask a scenario's held-out items of a URL, and score the replies.")
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="JSONL with `prompt` or `messages` a line; otherwise made up.")
    ] = None,
    prompt_words: Annotated[int, typer.Option(min=1, max=100_000, help="Of a made-up prompt.")] = 64,
    model: Annotated[str | None, typer.Option(help="Otherwise the first that the server lists.")] = None,
    key: Annotated[str | None, typer.Option(help="Environment variable that holds the API key.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Longest reply; otherwise the scenario's, or 64.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds after which a reply is given up.")] = 120.0,
    seed: Annotated[int, typer.Option(min=0, help="Of arrivals and the order of prompts.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder, instead of one below reports/load/.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what is stored.")] = False,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Put a server under load and print what it kept up with. A run that was stopped goes on."""
    from harness.flows.load import LoadOptions, load_test

    options = LoadOptions(
        target=target, variant=variant, items=items, prompts=prompts, prompt_words=prompt_words, model=model, key=key,
        arrivals=arrivals.value, trace=trace, rate=rate, seconds=seconds, sweep=sweep, max_rate=max_rate,
        caches=_CACHES[cache], limits=_limits(slo),
        attainment=attainment, max_tokens=max_tokens, timeout_s=timeout, seed=seed, out=out, fresh=fresh,
        offline=offline,
    )  # fmt: skip
    set_offline(offline)
    progress = progress_of(as_json)
    with progress:
        result, file = load_test(options, progress)
    _print(result, as_json)
    if not as_json:
        typer.echo(f"result: {file}")


@load_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Result file of vLLM bench, GuideLLM or AIPerf.")],
    slo: Slo = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the result as JSON here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what another load generator measured in this one's terms, with intervals."""
    from harness.flows.load import import_results
    from harness.store import canonical_json, write_atomic

    result = import_results(file, _limits(slo))
    if output:
        write_atomic(output, canonical_json(result))
    _print(result, as_json)


def _print(result: LoadResult, as_json: bool) -> None:
    from harness.report.load_text import load_text

    typer.echo(result.model_dump_json() if as_json else load_text(result))


def _limits(text: str) -> Limits:
    """``ttft=0.5,e2e=5`` as limits."""
    from pydantic import ValidationError

    from harness.types.load import Limits

    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    try:
        return Limits.model_validate({name.strip(): float(value) for name, _, value in pairs})
    except (ValidationError, ValueError):
        raise InputError(
            f"--slo: {text!r} is not a list of limits in seconds; write ttft=0.5,e2e=5 with any of ttft, itl, "
            "tpot and e2e"
        ) from None
