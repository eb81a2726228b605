"""What the harness itself costs: ratios against bare loops over the same work, in one run on this machine.

    .venv/bin/python -m benchmarks.overhead [--items 68] [--steps 12]

Prints a JSON object a line. Work is interleaved (harness, bare, harness, bare) and the best of the rounds is taken, because
the neighbours on a rented machine come and go.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import machine
from harness.models.source import fetch, weights_fingerprint
from harness.protocols import TrainingJob
from harness.scenario.inputs import Inputs, Options, load_inputs
from harness.types.answers import Request
from harness.types.settings import Decoding, Training
from harness.variants.finetune.examples import conversations
from harness.variants.prompt import lay_out

SCENARIO = Path("scenarios/support-bot")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", type=int, default=68)
    arguments.add_argument("--steps", type=int, default=12)
    given = arguments.parse_args()
    machine.keep_freed_memory()
    inputs = load_inputs(SCENARIO, Options())
    parts: dict[str, Callable[[], Any]] = {
        "machine": lambda: machine.describe() | {"dtype": machine.resolve_dtype("auto")},
        "command line": command_line,
        "report": report,
        "training": lambda: training(inputs, given.steps),
        "generation": lambda: generation(inputs, given.items),
    }
    for name, measure in parts.items():
        print(json.dumps({name: measure()}), flush=True)


def command_line() -> dict[str, float]:
    """Seconds of whole commands, best of five."""

    def seconds(*command: str) -> float:
        return best(
            lambda: subprocess.run([sys.executable, "-m", "harness", *command], capture_output=True), 5
        )

    return {"help_s": seconds("--help"), "validate_s": seconds("validate", "support-bot")}


def best(work: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(min(times), 3)


def generation(inputs: Inputs, n: int) -> dict[str, float]:
    """Tokens a second of the engine, of a bare length-sorted batched loop, and one by one."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from harness.backends.transformers import TransformersBackend

    s = inputs.scenario
    folder = fetch(s.model)
    system = inputs.prompts["prompts/house-style.md"]
    decoding = Decoding(max_new_tokens=48)
    requests = [
        Request(item=i.id, messages=lay_out(i.messages, system), decoding=decoding)
        for i in inputs.heldout[:n]
    ]
    engine = TransformersBackend(s.backend, folder, weights_fingerprint(s.model), s.seed)
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=getattr(torch, machine.resolve_dtype("auto"))
    ).eval()
    prompts = [
        tokenizer.apply_chat_template(
            [m.model_dump() for m in r.messages], add_generation_prompt=True, return_dict=False
        )
        for r in requests
    ]

    def harness() -> int:
        made: list[int] = []
        for batch in engine.batches(requests):
            engine.generate([requests[i] for i in batch], lambda _, g: made.append(g.output_tokens))
        return sum(made)

    def bare(batch_size: int, limit: int | None = None) -> int:
        order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))[:limit]
        made = 0
        for a in range(0, len(order), batch_size):
            rows = [prompts[i] for i in order[a : a + batch_size]]
            inputs = tokenizer.pad({"input_ids": rows}, return_tensors="pt")
            with torch.inference_mode():
                out = model.generate(
                    **inputs, max_new_tokens=48, do_sample=False, pad_token_id=tokenizer.pad_token_id
                )
            made += sum(
                _until_end(row, tokenizer.eos_token_id)
                for row in out[:, inputs["input_ids"].shape[1] :].tolist()
            )
        return made

    rates: dict[str, list[float]] = {"harness": [], "bare batched": [], "bare one by one": []}
    few = max(4, n // 12)
    for _ in range(3):
        for name, work in (
            ("harness", harness),
            ("bare batched", lambda: bare(s.backend.batch_size)),
            ("bare one by one", lambda: bare(1, few)),
        ):
            start = time.perf_counter()
            made = work()
            rates[name].append(made / (time.perf_counter() - start))
    top = {name: max(values) for name, values in rates.items()}
    return {
        **{f"{name}, tokens/s": round(rate, 1) for name, rate in top.items()},
        "harness / bare batched": round(top["harness"] / top["bare batched"], 3),
        "harness / one by one": round(top["harness"] / top["bare one by one"], 2),
    }


def _until_end(row: list[int], eos: int) -> int:
    return row.index(eos) + 1 if eos in row else len(row)


def training(inputs: Inputs, steps: int) -> dict[str, float]:
    """Tokens a second of the harness' loop (with its checkpoints) and of a bare torch loop on the same batches."""
    import torch
    from torch.nn.functional import cross_entropy

    from harness.variants.finetune import train as ours
    from harness.variants.finetune.loss import encode_all

    s = inputs.scenario
    settings = Training.model_validate({**s.adapters["lora"].model_dump(), "epochs": 1, "system": None})
    size = settings.batch_size
    chats = conversations(inputs.train[: steps * size], settings, None, None, None, s.seed)
    with tempfile.TemporaryDirectory() as work:
        job = TrainingJob(
            "bench",
            settings,
            fetch(s.model),
            chats,
            [],
            Path(work),
            "bench",
            s.seed,
            machine.resolve_dtype("auto"),
        )
        record = ours.train_adapter(job, lambda *_: None)
        model = ours._adapted(job)
        tokenizer = ours.AutoTokenizer.from_pretrained(job.base)
        data = encode_all(tokenizer, chats, None)
        plan = ours._Run(model, job, data, [], lambda *_: None)._plan(0)
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=settings.learning_rate)
    start = time.perf_counter()
    for batch in plan:
        width = max(len(e.ids) for e in batch)
        ids = torch.tensor([e.ids + [0] * (width - len(e.ids)) for e in batch])
        mask = torch.tensor([[1] * len(e.ids) + [0] * (width - len(e.ids)) for e in batch])
        labels = torch.tensor(
            [[-100] * e.start + e.ids[e.start :] + [-100] * (width - len(e.ids)) for e in batch]
        )
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100).backward()
        optimizer.step()
        optimizer.zero_grad()
    bare = record.tokens / (time.perf_counter() - start)
    mine = record.tokens / record.seconds
    return {
        "harness, tokens/s": round(mine, 1),
        "bare loop, tokens/s": round(bare, 1),
        "harness / bare": round(mine / bare, 3),
        "peak_memory_gb": round(record.peak_memory_bytes / 1e9, 2),
    }


def report() -> dict[str, float]:
    """Seconds to build a report of 1,000 items and 7 variants, and its size."""
    sys.path.insert(0, "tests")
    from report.synthetic import make_run  # type: ignore[import-not-found]

    from harness.report.build import build_report

    run = make_run(1000, words=60).arguments()
    start = time.perf_counter()
    html = build_report(**run)
    return {"seconds": round(time.perf_counter() - start, 2), "megabytes": round(len(html.encode()) / 1e6, 2)}


if __name__ == "__main__":
    main()
