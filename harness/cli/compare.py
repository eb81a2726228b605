"""``harness compare``: its options and what it prints."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import AsJson, BackendName, Offline, ScenarioArgument, progress_of, set_offline

if TYPE_CHECKING:
    from harness.figures import Figure
    from harness.runs import Run
    from harness.types.results import Comparison, Estimate, Unit


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
    backend: BackendName = None,
    load: Annotated[
        bool, typer.Option("--load", help="Also serve each local variant and measure what it sustains.")
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
        load=load,
        offline=offline,
        run_dir=run_dir,
        backend=backend,
        command=shlex.join(["harness", *sys.argv[1:]]),
    )
    set_offline(offline)
    progress = progress_of(as_json)
    with progress:
        run = run_comparison(find_scenario(scenario, Path()), options, progress)
    _print_summary(run, as_json)


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
    """Headline figures of each variant: success with its 95% interval, the others to what theirs supports."""
    from harness.figures import figure

    units = {m.name: m.unit for m in c.metrics}
    cells = {(e.variant, e.metric): e.estimate for e in c.estimates if e.slice == "all"}
    costs = {cost.variant: cost for cost in c.costs}
    lines = [
        f"{'':14}{'success':>22}{'style':>8}{'latency p50':>13}{'per 1,000':>12}{'per 1,000 successes':>21}"
    ]

    def shown(estimate: Estimate | None, unit: Unit) -> Figure:
        return figure(estimate, unit, c.currency, c.confidence)

    for name in c.variants:
        success, style, latency = (
            shown(cells.get((name, metric)), units.get(metric, "score"))
            for metric in ("success", "style", "latency")
        )
        cost = costs.get(name)
        per_1000, per_1000_successes = (
            shown(e, "money").text
            for e in ((cost.per_1000, cost.per_1000_successes) if cost else (None, None))
        )
        lines.append(
            f"{name:14}{success.full:>22}{style.text:>8}{latency.text:>13}{per_1000:>12}{per_1000_successes:>21}"
        )
    return "\n".join(
        [*lines, f"(95% intervals, costs in {c.currency}, {c.n_items} items, {c.n_clusters} clusters)"]
    )
