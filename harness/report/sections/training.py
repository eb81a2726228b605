"""How each adapter was trained: losses, what it took and which epoch was kept."""

from __future__ import annotations

from typing import Any

from harness.figures import duration, size
from harness.report.charts import Canvas, Texts, losses
from harness.report.view import Inputs
from harness.types.answers import TrainingRecord

_CANVAS = Canvas("card", 460, 260, 48, 14, 28, 44)
MOST_STEPS = 240


def data(view: Inputs) -> dict[str, Any]:
    used: dict[str, list[str]] = {}
    for spec in view.scenario.variants:
        if spec.weights.startswith("adapter:") and spec.name in view.variants:
            used.setdefault(spec.weights.partition(":")[2], []).append(spec.name)
    return {"adapters": [_adapter(r, used.get(name, [])) for name, r in view.trainings.items()]}


def _adapter(record: TrainingRecord, variants: list[str]) -> dict[str, Any]:
    last = record.steps[-1][0] if record.steps else len(record.epochs)
    stride = max(1, -(-len(record.steps) // MOST_STEPS))
    steps = record.steps[::stride]
    ends = [last * number / len(record.epochs) for number in range(1, len(record.epochs) + 1)]
    dev = [(end, e.dev_loss) for end, e in zip(ends, record.epochs, strict=True)]
    best = next((i for i, e in enumerate(record.epochs, 1) if e.epoch == record.best_epoch), 0)
    texts = Texts(
        f"training-{record.adapter}",
        f"Loss while training {record.adapter}",
        "Training loss by step and dev loss by epoch; the table beside it holds the losses by epoch.",
    )
    facts = [
        ("Examples", f"{record.examples:,}"),
        ("Epochs run", f"{len(record.epochs)}; epoch {record.best_epoch} kept"),
        ("Time", duration(record.seconds)),
        (
            "Tokens",
            f"{record.tokens:,} ({record.tokens / record.seconds:,.0f} a second)"
            if record.seconds
            else "n/a",
        ),
        ("Peak memory", size(record.peak_memory_bytes)),
        ("Trainable", _share(record)),
        ("Hardware", record.hardware),
    ]
    if record.again:
        runs = (record, *record.again)
        kept = [f"{r.seed}: {min(e.dev_loss for e in r.epochs):.3f}" for r in runs if r.epochs]
        facts.append(
            ("Training seeds", f"{len(runs)}; the first is shown. Least dev loss by seed: {', '.join(kept)}")
        )
    return {
        "name": record.adapter,
        "variants": variants,
        "fingerprint": record.fingerprint,
        "facts": facts,
        "epochs": [(e.epoch, f"{e.train_loss:.3f}", f"{e.dev_loss:.3f}") for e in record.epochs],
        "best": record.best_epoch,
        "stride": stride,
        "svg": losses(_CANVAS, texts, steps, dev, best),
    }


def _share(record: TrainingRecord) -> str:
    share = record.trainable_parameters / record.total_parameters if record.total_parameters else 0.0
    return f"{record.trainable_parameters:,} of {record.total_parameters:,} parameters ({share:.2%})"
