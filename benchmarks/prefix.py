"""What reading a shared start once saves on a CPU, against reading it in every prompt, in one run on this machine.

    .venv/bin/python -m benchmarks.prefix [--rows 34] [--rounds 3] [--new 1]

Prints a JSON object a line: prompts of the support-bot scenario for each kind of context in one batch, and a batch
whose prompts share examples, as where these are chosen once instead of for each question. ``prefill`` is the time to
the first token of all; both ways are timed in turn and the best of the rounds is taken. ``equal`` answers: of as many
with ``--new`` tokens.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import machine
from harness.backends import transformers as engine
from harness.backends.prefix import shared_start
from harness.engine import make_engine
from harness.progress import PlainProgress
from harness.scenario.inputs import Inputs, Options, load_inputs
from harness.store import cache_folder
from harness.types.answers import Generation, Request
from harness.types.settings import Decoding, FewShot
from harness.variants.compose import ComposedVariant
from harness.variants.material import Material
from harness.variants.prompt import lay_out

SCENARIO = Path("scenarios/support-bot")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rows", type=int, default=34)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--new", type=int, default=1)
    arguments.add_argument("--dtype", default="auto")
    given = arguments.parse_args()
    machine.keep_freed_memory()
    inputs = load_inputs(SCENARIO, Options())
    spec = inputs.scenario.backend.model_copy(update={"name": "transformers", "dtype": given.dtype})
    scenario = inputs.scenario.model_copy(update={"backend": spec})
    made = make_engine(scenario, cache_folder(), True, PlainProgress())
    material = Material(scenario, inputs.train, inputs.dev, inputs.articles, inputs.prompts, made)
    for name, requests in batches(inputs, material, given.rows, given.new).items():
        print(json.dumps({"what": name, **measured(made.backend(), requests, given.rounds)}), flush=True)


def batches(inputs: Inputs, material: Material, rows: int, new: int) -> dict[str, list[Request]]:
    decoding = Decoding(max_new_tokens=new)
    items = inputs.heldout[:rows]
    found = {}
    for spec in inputs.scenario.variants:
        if spec.weights == "base":
            variant = ComposedVariant(spec, material, None, lambda *_: None)
            asked = variant.requests(items)
            found[spec.name] = [r.model_copy(update={"decoding": decoding}) for r in asked]
    [few] = [s for s in inputs.scenario.variants if isinstance(s.context, FewShot)]
    assert isinstance(few.context, FewShot)
    shown = inputs.train[: few.context.examples]
    found["few-shot, the same examples"] = [
        Request(
            item=i.id, messages=lay_out(i.messages, material.system(few.system), shown), decoding=decoding
        )
        for i in items
    ]
    return found


def measured(backend: Any, requests: Sequence[Request], rounds: int) -> dict[str, Any]:
    prompts = [backend._render(r.messages) for r in requests]
    start, tokens = shared_start(prompts), sum(map(len, prompts))
    found = {"prompts": len(prompts), "tokens_each": round(tokens / len(prompts)), "shared": start}
    if not start:  # nothing is done otherwise
        return found
    times: dict[bool, list[float]] = {False: [], True: []}
    texts: dict[bool, list[str]] = {}
    for _ in range(rounds):
        for share in (False, True):
            engine.shared_start = shared_start if share else lambda _: 0
            done: dict[int, Generation] = {}
            began = time.perf_counter()
            backend.generate(requests, done.__setitem__)
            times[share].append(time.perf_counter() - began)
            texts[share] = [done[i].text for i in range(len(requests))]
    return {
        **found,
        "read": round(1 - start * (len(prompts) - 1) / tokens, 3),
        "apart_s": round(min(times[False]), 2),
        "shared_s": round(min(times[True]), 2),
        "ratio": round(min(times[False]) / min(times[True]), 2),
        "equal": f"{sum(a == b for a, b in zip(*texts.values(), strict=True))} of {len(prompts)}",
    }


if __name__ == "__main__":
    main()
