"""Many comparisons at once: p-values adjusted so that a family of them raises a false alarm in 5% at most."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given (Holm 1979, Scand. J. Statist. 6:65)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def family(metric: str, slice: str, choice_metric: str) -> Hashable:
    """Which questions are asked together.

    The primary family is the choice metric on all items, across variants. The other metrics on all items are
    the secondary one. Each slice key is an exploratory family of its own, over all its values and metrics: a
    finding there is a place to look, and it takes nothing from the primary answer.
    """
    if slice != "all":
        return ("exploratory", slice.partition("=")[0])
    return ("primary",) if metric == choice_metric else ("secondary",)


def adjust(p_values: Sequence[float | None], families: Sequence[Hashable]) -> list[float | None]:
    """Holm within each family; what was not tested has no p-value and does not count."""
    members: dict[Hashable, list[int]] = {}
    for i, (p, name) in enumerate(zip(p_values, families, strict=True)):
        if p is not None:
            members.setdefault(name, []).append(i)
    adjusted: list[float | None] = [None] * len(p_values)
    for places in members.values():
        found = holm([p for i in places if (p := p_values[i]) is not None])
        for i, p in zip(places, found, strict=True):
            adjusted[i] = p
    return adjusted
