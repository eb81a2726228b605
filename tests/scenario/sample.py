"""A scenario of nine short files, written out so that a test knows on which line everything stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SETTINGS = """\
name: small
description: a shop
seed: 3
model:
  source: "fake:"
embedder:
  source: "fake:"
backend:
  name: fake
  batch_size: 4
data:
  train: train.jsonl
  dev: dev.jsonl
  heldout: heldout.jsonl
  kb: kb
decoding:
  max_new_tokens: 12
  temperature: 0.0
system: system.md
style:
  closing: Bye
  max_words: 20
abstention:
  - don't have that
adapters:
  tuned:
    epochs: 2
    rank: 4
    learning_rate: 0.01
    dropout: 0.1
    max_length: 512
    system: reader.md
variants:
  - name: prompt
  - name: rag
    system: reader.md
    context:
      kind: retrieval
      k: 2
      threshold: 0.05
  - name: tuned
    weights: adapter:tuned
  - name: elsewhere
    weights: precomputed:elsewhere.jsonl
baseline: prompt
metrics: [success, latency, cost]
slices: [kind]
timing_items: 2
economics:
  utilisation: 0.5
  volume_range: [100, 100000]
  serving: &box
    name: box
    price_per_hour: 0.1
    as_of: 2026-11-01
    source: a test
  training: *box
  monthly_requests: 1000
choice:
  metric: success
"""
THINGS = ("lamp", "chair", "table")
QUESTIONS = {"train": "what does a {} cost", "dev": "price of the {}", "heldout": "how much is one {} please"}


def item(split: str, i: int, **changes: Any) -> dict[str, Any]:
    """The line of question ``i`` of a split; ``changes`` replaces fields, None drops one."""
    thing = THINGS[i]
    line = {
        "id": f"{split}-{i}",
        "messages": [
            {"role": "user", "content": QUESTIONS[split].format(thing)},
            {"role": "assistant", "content": f"A {thing} costs {10 + i} euros."},
        ],
        "facts": {"required": [[f"{10 + i} euros"]]},
        "sources": [thing],
        "slices": {"kind": "known"},
        "cluster": thing,
        **changes,
    }
    return {k: v for k, v in line.items() if v is not None}


def turns(*texts: str) -> list[dict[str, str]]:
    """Messages of user and assistant by turns."""
    return [{"role": ("user", "assistant")[i % 2], "content": t} for i, t in enumerate(texts)]


def article(i: int) -> str:
    return f"---\ntitle: {THINGS[i]}\nupdated: 2026-01-0{i + 1}\n---\nA {THINGS[i]} costs {10 + i} euros.\n"


def write_lines(file: Path, *lines: Mapping[str, Any] | str) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("".join(t + "\n" for t in texts), encoding="utf-8")
    return file


def write_sample(folder: Path) -> Path:
    (folder / "kb").mkdir(parents=True)
    (folder / "scenario.yaml").write_text(SETTINGS, encoding="utf-8")
    (folder / "system.md").write_text("You answer for a shop.\n", encoding="utf-8")
    (folder / "reader.md").write_text("Answer from the passages.\n", encoding="utf-8")
    for split in QUESTIONS:
        write_lines(folder / f"{split}.jsonl", *(item(split, i) for i in range(3)))
    for i, thing in enumerate(THINGS):
        (folder / "kb" / f"{thing}.md").write_text(article(i), encoding="utf-8")
    answers = [{"id": f"heldout-{i}", "text": f"{10 + i} euros", "total_s": 0.5} for i in range(3)]
    write_lines(folder / "elsewhere.jsonl", *answers)
    return folder


def line_of(text: str, start: str) -> int:
    """Number of the first line that begins with ``start`` after its indentation."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.strip().startswith(start))


def change(folder: Path, old: str, new: str, file: str = "scenario.yaml") -> int:
    """Replace the first ``old`` in a file; the line on which the replacement begins."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1
