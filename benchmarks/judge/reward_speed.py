"""How long the learnt reward takes for 1,000 pairs, embedder loaded and reward learnt, no text met before.

python -m benchmarks.judge.reward_speed scenarios/support-bot
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.judge.reward_models import linear
from harness.scenario.inputs import Options, load_inputs
from harness.types.judging import PreferencePair

PAIRS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenario", type=Path)
    inputs = load_inputs(parser.parse_args().scenario, Options(offline=True))
    items = [*inputs.train, *inputs.dev, *inputs.heldout]
    pairs = [
        PreferencePair(
            id=f"{item.id} {step}",
            input=f"{item.messages[-1].content} ({step})",
            a=f"{item.references[0]} {step}",
            b=f"{items[(i + step) % len(items)].references[0]} {step}",
            reference=f"{item.references[0]}",
        )
        for step in (1, 2)
        for i, item in enumerate(items)
    ][:PAIRS]
    judge = linear(inputs, True)
    print(f"learnt from {judge.fit.n_train} pairs; {len(pairs)} pairs to judge", flush=True)
    judge.pairs(pairs[:1], lambda n: None)
    start = time.perf_counter()
    judge.pairs(pairs, lambda n: None)
    print(f"{len(pairs)} pairs in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
