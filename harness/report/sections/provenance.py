"""Where the numbers come from and the command that makes them again."""

from __future__ import annotations

from typing import Any

from harness.figures import duration, size
from harness.report.drift import batch_drift_text, drift_text
from harness.report.view import Inputs


def data(view: Inputs) -> dict[str, Any]:
    manifest, scenario = view.manifest, view.scenario
    model = [
        ("Base model", scenario.model.source),
        ("Embedder", scenario.embedder.source),
        (
            "Backend",
            f"{scenario.backend.name}, {scenario.backend.dtype}, batches of {scenario.backend.batch_size}",
        ),
        ("Decoding", _decoding(view)),
    ]
    endpoints = sorted(scenario.endpoints.items())
    model += [(f"Endpoint {name}", f"{e.model} at {e.base_url}") for name, e in endpoints]
    run = [
        ("Run", manifest.run),
        ("Finished", manifest.finished),
        ("Seed", str(manifest.seed)),
        ("Items", f"{view.comparison.n_items:,} in {view.comparison.n_clusters:,} clusters"),
        (
            "Peak memory",
            size(manifest.peak_memory_bytes) if manifest.peak_memory_bytes else "n/a (not measured)",
        ),
    ]
    if manifest.drift:
        run.append(("Drift floor", drift_text(manifest.drift)))
    if manifest.batch_drift:
        run.append(("Alone against in batches", batch_drift_text(manifest.batch_drift)))
    stages = [(name, duration(seconds)) for name, seconds in manifest.stage_seconds.items()]
    if stages:
        stages.append(("Total", duration(sum(manifest.stage_seconds.values()))))
    return {
        "command": manifest.command,
        "tables": [
            ("Run", run),
            ("Models", model),
            ("Hardware", list(manifest.hardware.items())),
            ("Time by stage", stages),
            ("Versions", list(manifest.versions.items())),
            ("Hashes", list(manifest.hashes.items())),
        ],
    }


def _decoding(view: Inputs) -> str:
    decoding = view.scenario.decoding
    how = "greedy" if decoding.temperature == 0 else f"temperature {decoding.temperature:g}"
    return f"{how}, at most {decoding.max_new_tokens} new tokens"
