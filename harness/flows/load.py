"""The flow of ``harness load``: target -> prompts -> levels or sweep -> load.json and requests/*.jsonl."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from harness import machine
from harness.errors import InputError
from harness.load.arrivals import read_trace
from harness.load.client import Endpoint, served_model
from harness.load.formats import read_results
from harness.load.formats.found import ImportedRun
from harness.load.measure import Bench, Schedule
from harness.load.metrics import level
from harness.load.prompts import made_up, of_items, read_prompts
from harness.load.server import serve_command, serving
from harness.load.success import success_of
from harness.protocols import Progress
from harness.registry import nearest
from harness.scenario.inputs import Inputs, Options, load_inputs
from harness.scenario.load import find_scenario
from harness.store import RunFolder, fingerprint
from harness.types.load import Cache, Level, Limits, LoadResult, Prompt, Saturation

NO_LIMITS = Limits()
MADE_UP = 4096
"""Distinct prompts that are made up where none are given."""


@dataclass(frozen=True)
class LoadOptions:
    """What the command line asks for."""

    target: str
    variant: str | None = None
    items: str | None = None
    """Scenario whose held-out items are asked; with a scenario as the target, that one."""
    prompts: Path | None = None
    prompt_words: int = 64
    model: str | None = None
    key: str | None = None
    """Name of an environment variable."""
    arrivals: Literal["poisson", "constant"] = "poisson"
    trace: Path | None = None
    rate: float | None = None
    seconds: float = 30.0
    sweep: bool = False
    max_rate: float = 512.0
    caches: tuple[Cache, ...] = ("cold",)
    limits: Limits = NO_LIMITS
    attainment: float = 0.95
    max_tokens: int | None = None
    temperature: float = 0.0
    timeout_s: float = 120.0
    seed: int = 0
    out: Path | None = None
    fresh: bool = False
    offline: bool = False


def load_test(options: LoadOptions, progress: Progress) -> tuple[LoadResult, Path]:
    """The result and the file that holds it; a second run with the same options goes on or returns at once."""
    is_url = re.match(r"https?://", options.target) is not None
    inputs, folder = _scenario(options, is_url)
    prompts = _prompts(options, inputs)
    schedule = _schedule(options)
    secret = _secret(options.key)
    key = fingerprint(
        replace(options, out=None, fresh=False, offline=False).__dict__
        | {"prompts": None, "trace": None, "items": None, "limits": options.limits.model_dump(), "key": None},
        *prompts,
        schedule.trace,
        inputs.hashes() if inputs else None,
    )
    place = options.out or Path("reports", "load", f"{_slug(options)}-{key[:10]}")
    run = RunFolder(place)
    with run.lock():
        if options.fresh:
            run.clear()
            run.path.mkdir(parents=True)
        stored = run.read("load.json", LoadResult)
        if (known := _key_of(run)) not in (None, key):
            raise InputError(
                f"{place} holds another load test; choose another folder, or --fresh to replace it"
            )
        if stored:
            progress.note("measured before; --fresh measures again")
            return stored, place / "load.json"
        if known is None:
            run.write("key", key)
        more = ["--offline"] if options.offline else []
        command = serve_command(folder, options.variant or "", more) if folder and not is_url else None
        with serving(command, place / "serve.log") if command else nullcontext(options.target) as url:
            endpoint = _endpoint(options, url.rstrip("/"), inputs, secret)
            correct = success_of(inputs.scenario, inputs.heldout) if inputs else None
            bench = Bench(run, endpoint, prompts, schedule, options.limits, correct, progress)
            result = _measured(bench, options, key)
        return result, run.write("load.json", result)


def _measured(bench: Bench, options: LoadOptions, key: str) -> LoadResult:
    levels: list[Level] = []
    ends: dict[Cache, Saturation] = {}
    for cache in options.caches:
        if options.sweep:
            more, ends[cache] = bench.sweep(options.rate or 1.0, options.max_rate, options.attainment, cache)
            levels += more
        else:
            levels.append(bench.level(options.rate, cache))
    return LoadResult(
        target=options.target if options.variant is None else f"{options.target}:{options.variant}",
        model=bench.endpoint.model,
        seed=options.seed,
        key=key,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        hardware=machine.describe(),
        levels=tuple(levels),
        saturation=ends,
    )


def import_results(file: Path, limits: Limits) -> LoadResult:
    """A result file of another load generator in this one's terms; raises InputError for any other file."""
    found = read_results(file)
    try:
        levels = tuple(_imported(run, limits) for run in found.runs)
    except ValueError:  # times so far apart that their difference is no number
        raise InputError(f"{file}: holds times that cannot be") from None
    return LoadResult(
        target=str(file),
        source=found.source,
        model=None if found.model is None else str(found.model),
        seed=None,
        key=fingerprint(found.source, *(r for run in found.runs for r in run.records)),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        hardware={},
        levels=levels,
    )


def _imported(run: ImportedRun, limits: Limits) -> Level:
    return level(
        run.records,
        arrivals=run.arrivals,
        cache=None,
        offered_rate=run.offered_rate,
        limits=limits,
        correct=None,
        loop_lag=None,
        timed_from=run.timed_from,
    )


def _key_of(run: RunFolder) -> str | None:
    try:
        return (run.path / "key").read_text(encoding="utf-8")
    except OSError:
        return None


def _scenario(options: LoadOptions, is_url: bool) -> tuple[Inputs | None, Path | None]:
    name = options.items if is_url else options.target
    if is_url and options.variant:
        raise InputError("--variant goes with a scenario as the target, not with a URL")
    if not is_url and options.items:
        raise InputError("--items goes with a URL as the target; a scenario is asked its own items")
    if name is None:
        return None, None
    folder = find_scenario(name, Path())
    inputs = load_inputs(folder, Options())
    if not is_url:
        names = [v.name for v in inputs.scenario.variants]
        if options.variant is None:
            raise InputError(f"name the variant to serve with --variant: {', '.join(names)}")
        if options.variant not in names:
            raise InputError(f"--variant: no variant {options.variant!r}; {nearest(options.variant, names)}")
    return inputs, folder


def _prompts(options: LoadOptions, inputs: Inputs | None) -> list[Prompt]:
    if options.prompts:
        if inputs:
            raise InputError("--prompts and a scenario's items exclude each other")
        return read_prompts(options.prompts)
    return of_items(inputs.heldout) if inputs else made_up(MADE_UP, options.prompt_words, options.seed)


def _schedule(options: LoadOptions) -> Schedule:
    if options.trace:
        return Schedule("trace", options.seconds, options.seed, tuple(read_trace(options.trace)))
    if options.rate is None and not options.sweep:
        raise InputError("name the request rate with --rate, or search for it with --sweep")
    return Schedule(options.arrivals, options.seconds, options.seed)


def _secret(name: str | None) -> str | None:
    if name is None:
        return None
    if not (secret := os.environ.get(name)):
        raise InputError(f"--key: the environment variable {name} is not set")
    return secret


def _endpoint(options: LoadOptions, url: str, inputs: Inputs | None, secret: str | None) -> Endpoint:
    model = options.model or asyncio.run(served_model(url, secret))
    decoding = inputs.scenario.decoding if inputs else None
    longest = options.max_tokens or (decoding.max_new_tokens if decoding else 64)
    return Endpoint(url, model, longest, options.temperature, options.timeout_s, secret)


def _slug(options: LoadOptions) -> str:
    name = options.target if options.variant is None else f"{Path(options.target).name}-{options.variant}"
    return re.sub(r"[^a-z0-9.]+", "-", re.sub(r"^https?://|/v1/?$", "", name.lower())).strip("-")[:60]
