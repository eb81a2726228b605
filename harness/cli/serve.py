"""``harness serve``: its options and the line that says it is ready."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import BackendName, Offline, ScenarioArgument, progress_of, set_offline


def serve(
    scenario: ScenarioArgument,
    variant: Annotated[str, typer.Option(help="The variant to serve.")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than loopback need a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    api_key_env: Annotated[
        str | None, typer.Option(help="Environment variable with the key that clients must send.")
    ] = None,
    max_in_flight: Annotated[int, typer.Option(min=1, max=1024, help="Requests in the engine at once.")] = 16,
    max_queue: Annotated[int, typer.Option(min=0, help="Requests that wait beyond those; then 429.")] = 256,
    max_body: Annotated[int, typer.Option(min=1, help="Largest request in bytes; then 413.")] = 256 * 1024,
    max_prompt: Annotated[
        int | None, typer.Option(min=1, help="Longest prompt in tokens; otherwise what the model takes.")
    ] = None,
    deadline: Annotated[
        float, typer.Option(min=0.1, help="Seconds from a request to its last byte.")
    ] = 120.0,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Answer every question afresh, even with `cache:` set.")
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option(help="Append a line for each request, without any of its text, to this JSONL."),
    ] = None,
    backend: BackendName = None,
    offline: Offline = False,
) -> None:
    """Serve a variant behind an OpenAI-compatible endpoint, until Ctrl-C."""
    from harness.flows.serve import ServeOptions
    from harness.flows.serve import serve as run
    from harness.scenario.load import find_scenario
    from harness.serving.limits import Limits

    limits = Limits(max_in_flight, max_queue, max_body, max_prompt, deadline)
    set_offline(offline)
    options = ServeOptions(
        variant, host, port, api_key_env, offline, limits, cache=not no_cache, backend=backend, log=log
    )
    progress = progress_of(as_json=False)

    def ready(url: str) -> None:
        typer.echo(f"serving {variant} on {url}")

    with progress:
        run(find_scenario(scenario, Path()), options, progress, ready)
