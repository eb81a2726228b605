"""Where the recommendation changes as one term alone moves: over volume, serving price, and what quality is worth."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from harness.comparison.sentences import sweep_sentence
from harness.comparison.utility import rank
from harness.types.decision import DecisionModel, DecisionTerms, Sweep

POINTS = 120
"""At which the recommendation is looked up; between two that differ, the switch is found by bisection."""
REACH = 100.0
"""A price or a value is moved up and down by this factor."""
HALVINGS = 40

Move = Callable[[float], DecisionTerms]


def sweeps(model: DecisionModel) -> tuple[Sweep, ...]:
    """One for each term that the recommendation rests on."""
    terms = model.terms
    found = [_sweep(model, "monthly_requests", terms.volume_range)]
    if terms.serving_price_per_hour > 0:
        found.append(_sweep(model, "serving_price_per_hour", _around(terms.serving_price_per_hour)))
    if terms.value_of_success:
        found.append(_sweep(model, "value_of_success", _around(terms.value_of_success)))
    elif terms.weights is not None:
        found.append(_sweep(model, "quality_weight", _around(terms.weights.quality.weight)))
    return tuple(found)


def _around(stated: float) -> tuple[float, float]:
    return stated / REACH, stated * REACH


def moved(terms: DecisionTerms, term: str, to: float) -> DecisionTerms:
    """``terms`` with one of them at another value."""
    if term != "quality_weight":
        return terms.model_copy(update={term: to})
    assert terms.weights is not None
    quality = terms.weights.quality.model_copy(update={"weight": to})
    return terms.model_copy(update={"weights": terms.weights.model_copy(update={"quality": quality})})


def _sweep(model: DecisionModel, term: str, ends: tuple[float, float]) -> Sweep:
    def choice(at: float) -> str | None:
        ranking = rank(model, moved(model.terms, term, at))[1]
        return ranking[0] if ranking else None

    points = [float(at) for at in np.geomspace(*ends, POINTS)]
    choices, switches = [choice(points[0])], []
    for low, high in pairwise(points):
        if (after := choice(high)) != choices[-1]:
            switches.append(_boundary(choice, low, high))
            choices.append(after)
    return Sweep.model_validate({
        "term": term, "low": ends[0], "high": ends[1], "choices": choices, "switches": switches,
        "sentence": sweep_sentence(term, choices, switches, ends, model.currency),
    })  # fmt: skip


def _boundary(choice: Callable[[float], str | None], low: float, high: float) -> float:
    """Where the choice at ``low`` ends; halved in the logarithm, to a relative 1e-12."""
    before = choice(low)
    for _ in range(HALVINGS):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if choice(middle) == before else (low, middle)
    return float(np.sqrt(low * high))
