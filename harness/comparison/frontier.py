"""The Pareto frontier over quality, latency and cost: which variants nobody should choose."""

from __future__ import annotations

from collections.abc import Sequence

from harness.types.results import FrontierPoint

Figures = tuple[float | None, float | None, float | None]
"""Quality, median latency in seconds, cost of 1,000 requests."""


def build_frontier(figures: dict[str, Figures], higher_is_better: bool = True) -> tuple[FrontierPoint, ...]:
    """Points in the order of ``figures``.

    A figure that no variant has is left out of the question. Where only some have it, a variant without it
    neither dominates nor is dominated: what is not known is neither good nor bad.
    """
    measured = [axis for axis in range(3) if any(point[axis] is not None for point in figures.values())]
    signs = (1.0 if higher_is_better else -1.0, -1.0, -1.0)

    def goodness(point: Figures) -> list[float] | None:
        pairs = zip(signs, point, strict=True)
        known = [sign * value for sign, value in pairs if value is not None]
        return known if len(known) == len(measured) else None

    good = {variant: goodness(point) for variant, point in figures.items()}
    return tuple(
        FrontierPoint(
            variant=variant,
            quality=point[0],
            latency_s=point[1],
            cost_per_1000=point[2],
            dominated_by=tuple(other for other in figures if _dominates(good[other], good[variant])),
        )
        for variant, point in figures.items()
    )


def _dominates(one: Sequence[float] | None, other: Sequence[float] | None) -> bool:
    """At least as good on all and better on one."""
    if not one or not other:
        return False
    return all(a >= b for a, b in zip(one, other, strict=True)) and list(one) != list(other)
