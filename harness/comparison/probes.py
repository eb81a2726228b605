"""Known ways in which a judge of pairs goes wrong: position, length, and what its own family wrote."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import log2

import numpy as np

from harness.comparison.estimate import MIN_CLUSTERS
from harness.comparison.intervals import t_value
from harness.comparison.raters import mean_of, numbered
from harness.comparison.table import Floats, Ints
from harness.types.agreement import LengthBias, Position, SelfPreference, Slope
from harness.types.judging import PairJudgement, PreferencePair, Side

FAVOUR: Mapping[Side | None, float] = {"a": 1.0, "b": 0.0, "tie": 0.5}
"""How far side a is preferred."""
WRITERS = ("writer_a", "writer_b")
"""Slices that say who wrote each side."""
_PRIOR_SD = 5.0
"""Of a normal prior on each log-odds ratio: a judge that always takes the longer answer has a finite slope."""


def position(judgements: Sequence[PairJudgement], clusters: Sequence[Hashable]) -> Position:
    both = [(j, c) for j, c in zip(judgements, clusters, strict=True) if j.forward and j.backward]
    groups = [c for _, c in both]
    none = "no pair was judged in both orders"
    first = [
        (float(choice == shown_first), c)
        for j, c in zip(judgements, clusters, strict=True)
        for choice, shown_first in ((j.forward, "a"), (j.backward, "b"))
        if choice in ("a", "b")
    ]
    share = mean_of([v for v, _ in first], [c for _, c in first], "the judge never chose a side")
    favours = None
    if share.low is not None and share.high is not None:
        favours = "first" if share.low > 0.5 else "second" if share.high < 0.5 else "neither"
    return Position(
        consistency=mean_of([float(j.forward == j.backward) for j, _ in both], groups, none),
        first=share,
        always_first=mean_of([float(j.forward == "a" and j.backward == "b") for j, _ in both], groups, none),
        favours=favours,  # type: ignore[arg-type]
    )


def length_bias(
    pairs: Sequence[PreferencePair], choices: Sequence[Side | None], clusters: Sequence[Hashable]
) -> LengthBias:
    """Logistic regressions on the log2 ratio of the sides' lengths in characters; a tie counts half."""
    longer = [log2((len(p.a) + 1) / (len(p.b) + 1)) for p in pairs]
    judged = [i for i, choice in enumerate(choices) if choice and pairs[i].label]
    labelled = [i for i, p in enumerate(pairs) if p.label]

    def slope(rows: Sequence[int], preferred: Sequence[Side | None], given_label: bool) -> Slope:
        if len(rows) < MIN_CLUSTERS:
            return Slope(value=None, low=None, high=None, n=len(rows), reason="too few labelled pairs")
        columns = [[1.0] * len(rows), [longer[i] for i in rows]]
        if given_label:
            columns.append([FAVOUR[pairs[i].label] - 0.5 for i in rows])
        outcome = np.array([FAVOUR[preferred[i]] for i in rows])
        return _slope(np.array(columns).T, outcome, numbered([clusters[i] for i in rows]))

    judge = slope(judged, choices, True)
    label = slope(labelled, [p.label for p in pairs], False)
    prefers = None
    if judge.low is not None and judge.high is not None:
        prefers = "longer" if judge.low > 0 else "shorter" if judge.high < 0 else "neither"
    return LengthBias(judge=judge, label=label, prefers=prefers)  # type: ignore[arg-type]


def _slope(design: Floats, outcome: Floats, cluster: Ints) -> Slope:
    """Of the second column, with its interval from the sandwich over clusters."""
    n, clusters = len(outcome), int(cluster.max()) + 1
    if np.ptp(design[:, 1]) == 0:
        return Slope(
            value=None, low=None, high=None, n=n, reason="all pairs have sides of the same length ratio"
        )
    if clusters < MIN_CLUSTERS:
        return Slope(value=None, low=None, high=None, n=n, reason=f"{clusters} clusters are too few")
    found, errors = logistic(design, outcome, cluster)
    half = t_value(clusters - 1) * float(errors[1])
    value = float(found[1])
    return Slope(value=value, low=value - half, high=value + half, n=n)


def logistic(
    design: Floats, outcome: Floats, cluster: Ints, prior_sd: float = _PRIOR_SD
) -> tuple[Floats, Floats]:
    """(P,) coefficients and their cluster-robust errors for (n, P) columns, the first of them the intercept."""
    penalty = np.full(design.shape[1], prior_sd**-2)
    penalty[0] = 0.0
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, design.T @ (outcome - chance) - penalty * beta)
        beta += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    scores = design * (outcome - chance)[:, None]
    width = int(cluster.max()) + 1
    summed = np.stack([np.bincount(cluster, weights=column, minlength=width) for column in scores.T])
    inverse = np.linalg.inv(curvature)
    covariance = inverse @ (summed @ summed.T) @ inverse * width / max(width - 1, 1)
    return beta, np.sqrt(np.diag(covariance))


def self_preference(
    pairs: Sequence[PreferencePair],
    choices: Sequence[Side | None],
    clusters: Sequence[Hashable],
    own: str | None,
) -> SelfPreference | None:
    """On labelled and judged pairs of which ``own`` wrote one side and another the other."""
    judged: list[float] = []
    labelled: list[float] = []
    kept: list[Hashable] = []
    for pair, choice, cluster in zip(pairs, choices, clusters, strict=True):
        one, other = (pair.slices.get(key) for key in WRITERS)
        if own is None or not one or not other or (one == own) == (other == own):
            continue
        if choice is None or pair.label is None:
            continue
        for preferred, found in ((choice, judged), (pair.label, labelled)):
            found.append(FAVOUR[preferred] if one == own else 1 - FAVOUR[preferred])
        kept.append(cluster)
    if own is None or not kept:
        return None
    apart = [a - b for a, b in zip(judged, labelled, strict=True)]
    return SelfPreference(
        own=own,
        judged=mean_of(judged, kept, ""),
        labelled=mean_of(labelled, kept, ""),
        difference=mean_of(apart, kept, "", signed=True),
    )
