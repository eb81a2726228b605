"""The load stage of a comparison: serve each local variant, sweep it, and read off what one replica sustains."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from harness import machine
from harness.comparison.capacity import capacity
from harness.errors import InputError
from harness.load.client import Endpoint, served_model
from harness.load.measure import Bench, Schedule
from harness.load.prompts import of_items
from harness.load.server import serve_command, serving
from harness.load.success import success_of
from harness.protocols import Progress, Variant
from harness.scenario.inputs import Inputs, Options
from harness.store import RunFolder, fingerprint
from harness.types.capacity import Capacity, VariantLoad
from harness.variants.compose import ComposedVariant

TIMEOUT_S = 120.0

Clock = Callable[[str], AbstractContextManager[None]]


def check_load(options: Options) -> None:
    """Raises InputError where the served variants would not be those that are compared."""
    if not options.load:
        return
    for name, given in (
        ("--quick", options.quick),
        ("--a-a", options.a_a),
        ("--seed", options.seed is not None),
    ):
        if given:
            raise InputError(f"--load serves the variants as scenario.yaml has them; leave out {name}")


def capacities(
    inputs: Inputs,
    folder: Path,
    variants: Sequence[Variant],
    run: RunFolder,
    options: Options,
    clock: Clock,
    progress: Progress,
) -> Mapping[str, Capacity]:
    """By variant; with ``--load`` all local ones are measured, without it those are used that are stored.

    A stored sweep counts as long as variant, terms and machine are the same.
    """
    found = {}
    for variant in variants:
        name = variant.spec.name
        if not isinstance(variant, ComposedVariant) or variant.spec.endpoint:
            continue
        terms, hardware = inputs.scenario.load, machine.describe()
        key = fingerprint(variant.fingerprint, terms, hardware, inputs.scenario.seed, *inputs.heldout)
        stored = run.read(f"load/{name}.json", VariantLoad)
        if stored is None or stored.key != key:
            if not options.load:
                continue
            with clock(f"load {name}"):
                stored = _measured(inputs, folder, name, key, run, options, progress)
            run.write(f"load/{name}.json", stored)
        found[name] = stored.capacity
    return found


def _measured(
    inputs: Inputs, folder: Path, name: str, key: str, run: RunFolder, options: Options, progress: Progress
) -> VariantLoad:
    s, terms = inputs.scenario, inputs.scenario.load
    place = RunFolder(run.path / "load" / f"{name}-{key}")
    more = ["--backend", s.backend.name, *(["--offline"] if options.offline else [])]
    command = serve_command(folder, name, more)
    progress.stage(f"serving {name}")
    with serving(command, place.path / "serve.log") as url:
        decoding = next(v for v in s.variants if v.name == name).decoding or s.decoding
        model = asyncio.run(served_model(url, None))
        where = Endpoint(url, model, decoding.max_new_tokens, decoding.temperature, TIMEOUT_S)
        schedule = Schedule("poisson", terms.seconds, s.seed)
        correct = success_of(s, inputs.heldout)
        bench = Bench(place, where, of_items(inputs.heldout), schedule, terms.limits, correct, progress)
        levels, end = bench.sweep(terms.start_rate, terms.max_rate, terms.attainment, "cold")
    hardware = machine.describe()
    told = f"{hardware['processor']}, {hardware['cores']} cores"
    return VariantLoad(
        variant=name,
        key=key,
        terms=terms,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        levels=tuple(levels),
        saturation=end,
        capacity=capacity(levels, end.judgements, terms, told),
    )
