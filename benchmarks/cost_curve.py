"""Is the cost that a sweep predicts the cost that is measured, at rates that it has not seen?

    python -m benchmarks.cost_curve [--seconds 20]

A stub with a real queue (two servers, exponential service of 50 ms) is swept once. For rates that need two, three
and five replicas, the predicted number is held against the measured one: the smallest number N for which a replica
sustains an N-th of the rate. Prints a JSON object a line. Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.load_generator import endpoint, stub
from benchmarks.stub_server import Shape
from harness.comparison.capacity import capacity, cost_at
from harness.load.measure import Bench, Schedule
from harness.load.prompts import made_up
from harness.load.sweep import judge
from harness.progress import PlainProgress
from harness.store import RunFolder
from harness.types.load import Limits, LoadTerms

QUEUE = Shape(servers=2, service=0.05, tokens=3)
UNSEEN = (1.45, 2.5, 4.4)
"""Rates by what one replica sustains: they need 2, 3 and 5."""
PRICE = 1.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=20)
    given = arguments.parse_args()
    terms = LoadTerms(limits=Limits(e2e=0.3), seconds=given.seconds, start_rate=12)
    with tempfile.TemporaryDirectory() as folder, stub(QUEUE) as url:

        def bench(seed: int) -> Bench:
            """Another seed is other arrivals, so that no rate is judged by those it was predicted from."""
            place = RunFolder(Path(folder, str(seed)))
            schedule = Schedule("poisson", terms.seconds, seed)
            prompts = made_up(4096, 30, 1)
            return Bench(place, endpoint(url), prompts, schedule, terms.limits, None, PlainProgress())

        levels, end = bench(1).sweep(terms.start_rate, terms.max_rate, terms.attainment, "cold")
        found = capacity(levels, end.judgements, terms, "stub")
        assert found.rate is not None
        print(
            json.dumps({"sustained": found.rate, "low": found.low, "high": found.high, "levels": len(levels)})
        )
        idle = levels[0].e2e.percentiles[0].value
        other = bench(2)

        def sustained(rate: float) -> bool:
            return judge(other.level(rate, "cold"), terms.seconds, idle, terms.attainment).sustained

        for times in UNSEEN:
            rate = times * found.rate
            predicted = cost_at(rate, found, PRICE, None)
            assert predicted is not None
            needed = predicted.replicas
            while not sustained(rate / needed):
                needed += 1
            while needed > 1 and sustained(rate / (needed - 1)):
                needed -= 1
            measured = 1000 * needed * PRICE / 3600 / rate
            print(
                json.dumps(
                    {
                        "rate": round(rate, 2),
                        "predicted_replicas": predicted.replicas,
                        "measured_replicas": needed,
                        "predicted_per_1000": round(predicted.per_1000, 6),
                        "measured_per_1000": round(measured, 6),
                        "off_by": round(predicted.per_1000 / measured - 1, 4),
                    }
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
