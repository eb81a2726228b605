"""The engine of a run: everything heavy, behind functions that load on first use."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from harness import machine
from harness.backends.halved import HalvedBatches, halved_fingerprint
from harness.backends.process.client import EngineProcess
from harness.models.source import fetch, is_local, weights_fingerprint
from harness.protocols import Backend, Engine, Progress
from harness.registry import BACKENDS, EMBEDDERS, EXPORTERS, REMOTE_BACKENDS, TRAINERS, lookup, same_part
from harness.store import fingerprint
from harness.types.settings import ModelSource, Scenario


def make_engine(
    scenario: Scenario, cache_in: Path, offline: bool, progress: Progress, *, apart: bool = False
) -> Engine:
    """Of the scenario's model and embedder; adapters and vectors are kept in ``cache_in``.

    With ``apart`` the backend gets a process of its own (an ``EngineProcess``), for servers.
    """
    spec = scenario.backend
    name = machine.resolve_backend(spec.name)
    weights = weights_fingerprint(scenario.model)
    trainer = spec.model_copy(update={"name": same_part(TRAINERS, name)})

    def local(source: ModelSource) -> Path:
        if not is_local(source):
            progress.note(f"fetching {source.source} (once)")
        return fetch(source, offline)

    @cache
    def base() -> Path:
        return local(scenario.model)

    @cache
    def backend():  # type: ignore[no-untyped-def]
        folder = base()
        if name in EXPORTERS:
            folder = lookup(EXPORTERS, name)(folder, weights, spec.weights)
        if apart:
            return EngineProcess(name, spec, folder, weights, scenario.seed)
        return lookup(BACKENDS, name)(spec, folder, weights, scenario.seed)

    @cache
    def embedder():  # type: ignore[no-untyped-def]
        return lookup(EMBEDDERS, name)(local(scenario.embedder))

    return Engine(
        fingerprint=machine.engine_fingerprint(spec, weights),
        embedder_fingerprint=fingerprint(same_part(EMBEDDERS, name), weights_fingerprint(scenario.embedder)),
        trainer_fingerprint=machine.engine_fingerprint(trainer, weights),
        backend=backend,
        embed=lambda texts: embedder()(texts),
        train=lambda job, on_step: lookup(TRAINERS, name)(job, on_step),
        base=base,
        dtype=machine.resolve_dtype(spec.dtype),
        cache=cache_in,
    )


def endpoint_engine(local: Engine, scenario: Scenario, name: str, progress: Progress) -> Engine:
    """Of a model behind a server; embedder, passages and caches are those of the local engine."""
    endpoint = scenario.endpoints[name]
    key = fingerprint("endpoint", 1, endpoint.asked())

    @cache
    def backend() -> Backend:
        make = lookup(REMOTE_BACKENDS, "http")
        remote: Backend = make(name, endpoint, key, scenario.seed, progress.note)
        return remote

    return replace(local, fingerprint=key, backend=backend, independent=True)


def halved(engine: Engine) -> Engine:
    """The same engine in other batches, for an A/A run; weights are shared."""

    @cache
    def backend() -> Backend:
        return HalvedBatches(engine.backend())

    return replace(engine, fingerprint=halved_fingerprint(engine.fingerprint), backend=backend)
