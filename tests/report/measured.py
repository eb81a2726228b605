"""A synthetic run whose comparison is computed from its rows, as a real one's is."""

from __future__ import annotations

import random
from functools import cache

from harness.comparison.build import build_comparison
from harness.types.results import Score

from .figures import METRICS, STRENGTHS
from .synthetic import Run, make_run


@cache
def computed(n_items: int = 60, *, seed: int = 7) -> Run:
    """The synthetic run with scores of cost and style, compared by the real functions."""
    run = make_run(n_items, seed=seed)
    rng = random.Random(seed)
    scores = [*run.scores]
    for name, (trained, _, seconds, _) in STRENGTHS.items():
        for item in run.items:
            style = rng.choice([0.5, 1.0]) if rng.random() < 0.3 + trained / 2 else 0.0
            scores.append(Score(variant=name, item=item.id, metric="style", value=style, scorer="s1"))
            cost = seconds * rng.lognormvariate(0, 0.2) * 5.5e-5 if seconds else None
            reason = None if seconds else "precomputed: its cost is not known"
            row = Score(variant=name, item=item.id, metric="cost", value=cost, reason=reason, scorer="s1")
            scores.append(row)
    comparison = build_comparison(run.scenario, run.items, scores, METRICS, run.trainings, preview=False)
    return run.but(scores=scores, comparison=comparison)
