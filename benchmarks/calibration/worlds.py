"""Simulated scenarios whose truth is known, and the samples that the harness sees of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from harness.comparison.table import Matrix, Table
from harness.types.answers import TrainingRecord
from harness.types.economics import Economics, Hardware
from harness.types.settings import DataFiles, ModelSource, Scenario, VariantSpec

Floats = NDArray[np.float64]
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
PRICE = 3600.0
"""Of an hour, so that a machine second at full use costs 1."""


@dataclass(frozen=True)
class World:
    """One scenario: what is true, and the sample that the harness sees."""

    scenario: Scenario
    trainings: dict[str, TrainingRecord]
    table: Table
    seconds: Floats
    """True machine time of a request, in which a second costs 1."""
    once: Floats
    """Money of a training."""
    cost: Floats
    """True money of a request with its share of the training."""
    worth: Floats
    """True money a month of each variant."""
    success: Floats
    value: float
    """Money a month that the successes of the truly best variant are worth."""


def logistic(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)), dtype=np.float64)


def world(seed: int) -> World:
    rng = np.random.default_rng(seed)
    v, size = int(rng.integers(2, 7)), int(rng.integers(1, 5))
    clusters = max(20, int(np.exp(rng.uniform(np.log(60), np.log(1000)))) // size)
    ability = rng.normal(0, 1) + np.exp(rng.uniform(np.log(0.05), np.log(1.5))) * rng.standard_normal(v)
    spread, alike = rng.uniform(0.3, 2), rng.uniform(0, 0.7)
    harmful = rng.uniform(0, 0.4, v)
    success = logistic(ability[:, None] + spread * NODES) @ WEIGHTS / WEIGHTS.sum()

    shared = np.repeat(rng.standard_normal(clusters), size)
    difficulty = spread * (
        np.sqrt(alike) * shared + np.sqrt(1 - alike) * rng.standard_normal(clusters * size)
    )
    wins = (rng.random((v, clusters * size)) < logistic(ability[:, None] + difficulty)).astype(float)
    harms = (1 - wins) * (rng.random(wins.shape) < harmful[:, None])
    seconds = np.exp(rng.normal(0, 1, v))
    used = seconds[:, None] * rng.lognormal(-0.125, 0.5, wins.shape)

    worth_of_one, volume = float(np.exp(rng.uniform(np.log(3), np.log(300)))), int(np.exp(rng.uniform(7, 14)))
    once = np.where(rng.random(v) < 0.5, 0.0, volume * 3 * rng.uniform(0, 0.05, v) * worth_of_one)
    cost_of_harm = rng.uniform(0, 1) * worth_of_one
    gain = success * worth_of_one - (1 - success) * harmful * cost_of_harm
    worth = volume * (gain - seconds) - once / 3
    return World(
        scenario=_scenario(once, volume, worth_of_one, cost_of_harm),
        trainings={f"a{k}": _training(f"a{k}", money) for k, money in enumerate(once)},
        table=_table({"success": wins, "harm": harms, "cost": used}, np.repeat(np.arange(clusters), size)),
        seconds=seconds,
        once=once,
        cost=seconds + once / 3 / volume,
        worth=worth,
        success=success,
        value=volume * worth_of_one * float(success[worth.argmax()]),
    )


def _scenario(once: Floats, volume: int, worth: float, harm: float) -> Scenario:
    machine = Hardware(name="m", price_per_hour=PRICE, as_of=date(2026, 1, 1), source="s")
    specs = tuple(
        VariantSpec(name=f"v{k}", weights=f"adapter:a{k}" if m else "base") for k, m in enumerate(once)
    )
    return Scenario(
        name="simulated", model=ModelSource(source="fake:"), embedder=ModelSource(source="fake:"),
        data=DataFiles(train="t", dev="d", heldout="h"), variants=specs, baseline="v0", metrics=("success",),
        economics=Economics(
            serving=machine, training=machine, utilisation=1.0, monthly_requests=volume, value_of_success=worth,
            cost_of_harm=harm,
        ),
    )  # fmt: skip


def _training(name: str, money: float) -> TrainingRecord:
    return TrainingRecord(
        adapter=name, fingerprint="f", examples=1, epochs=(), best_epoch=1, steps=(), seconds=float(money), tokens=1,
        peak_memory_bytes=1, trainable_parameters=1, total_parameters=2, hardware="m",
    )  # fmt: skip


def _table(values: dict[str, Floats], cluster: NDArray[np.int64]) -> Table:
    shape = values["success"].shape
    nothing, reason = np.zeros(shape, dtype=np.bool_), np.full(shape, -1, dtype=np.int32)
    matrices = {name: Matrix(array, nothing, reason, (), cluster) for name, array in values.items()}
    names = tuple(f"v{k}" for k in range(shape[0]))
    ids = tuple(f"i{k}" for k in range(shape[1]))
    return Table(names, ids, int(cluster.max()) + 1, {"all": np.ones(shape[1], dtype=np.bool_)}, matrices)
