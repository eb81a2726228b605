"""A variant asked several times an item: by adapters of other training seeds, and again where answers are sampled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.protocols import OnStep, Variant
from harness.types.answers import TrainingRecord
from harness.types.settings import VariantSpec
from harness.variants.adapter import Adapter
from harness.variants.compose import ComposedVariant
from harness.variants.material import Material


def repeated(
    spec: VariantSpec, material: Material, adapters: Sequence[Adapter | None], on_step: OnStep
) -> ComposedVariant:
    """The variant with its first adapter (None is the base), all further passes in its ``again``.

    Repeat r is answered by adapter r modulo their number, so the first repeats are one of each training seed.
    """
    n = len(adapters)
    first, *more = (
        ComposedVariant(spec, material, adapters[r % n], on_step, repeat=r, sample=r // n)
        for r in range(n * spec.repeats)
    )
    first.again = tuple(more)
    return first


def training_records(variants: Iterable[Variant]) -> dict[str, TrainingRecord]:
    """By adapter: the record of its first training seed, those of the others within."""
    passes = [one for v in variants for one in (v, *v.again)]
    adapters = [v.adapter for v in passes if isinstance(v, ComposedVariant) and v.adapter]
    seeds: dict[str, dict[str, TrainingRecord]] = {}
    for record in [r for a in adapters if (r := a.record())]:
        seeds.setdefault(record.adapter, {})[record.fingerprint] = record
    found: dict[str, TrainingRecord] = {}
    for name, records in seeds.items():
        first, *more = records.values()
        found[name] = first.model_copy(update={"again": tuple(more)})
    return found
