"""From the scores of a run to the snapshot of one variant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from harness.types.data import Item
from harness.types.manifest import Manifest
from harness.types.results import Comparison, Score
from harness.types.snapshot import ItemScores, Snapshot

_NOT_APPLICABLE = "not applicable"
_DIGITS = 6


def build_snapshot(
    variant: str,
    comparison: Comparison,
    manifest: Manifest,
    items: Sequence[Item],
    scores: Iterable[Score],
    scoring: Mapping[str, str],
    prompt: Mapping[str, str],
) -> Snapshot:
    """Scores of ``variant``, repeats averaged; ``scoring`` and ``prompt`` are fingerprints by name.

    Items come in order of their ids and numbers with six significant digits, so that the same run always
    gives the same file.
    """
    known = {metric.name for metric in comparison.metrics}  # a judge's scores alone are no metric
    found = _by_item(s for s in scores if s.variant == variant and s.metric in known)
    return Snapshot(
        scenario=comparison.scenario,
        variant=variant,
        candidate=manifest.hashes.get(f"variant {variant}", ""),
        run=manifest.run,
        finished=manifest.finished,
        harness=manifest.versions.get("harness", ""),
        hardware=", ".join(f"{k}: {v}" for k, v in manifest.hardware.items() if k != "system"),
        currency=comparison.currency,
        metrics=comparison.metrics,
        scoring=dict(scoring),
        prompt=dict(prompt),
        items=tuple(
            ItemScores(id=i.id, hash=content_hash(i), cluster=i.cluster, scores=found.get(i.id, {}))
            for i in sorted(items, key=lambda item: item.id)
        ),
    )


def content_hash(item: Item) -> str:
    """Eight hex digits over all of an item that can change an answer or its score."""
    kept = item.model_dump(mode="json", include={"messages", "references", "facts", "abstain", "sources"})
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:8]


def _by_item(scores: Iterable[Score]) -> dict[str, dict[str, float | None]]:
    """Mean over repeats; a failed repeat counts only where no other gave a value."""
    values: dict[tuple[str, str], list[float]] = {}
    for score in scores:
        if score.value is not None:
            values.setdefault((score.item, score.metric), []).append(score.value)
        elif not (score.reason or "").startswith(_NOT_APPLICABLE):
            values.setdefault((score.item, score.metric), [])
    found: dict[str, dict[str, float | None]] = {}
    for (item, metric), row in sorted(values.items()):
        mean = float(f"{sum(row) / len(row):.{_DIGITS}g}") if row else None
        found.setdefault(item, {})[metric] = mean
    return found
