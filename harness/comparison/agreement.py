"""A judge's judgements held against labels: how often it is right, in what way it is wrong, and whether it counts.

A failure of the judge is wrong in every rate that says how good it is, since a judge that answers only what is easy is
no better for it; beside it stands the rate on what it answered.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import cast

import numpy as np

from harness.comparison import trust
from harness.comparison.probes import FAVOUR, length_bias, position, self_preference
from harness.comparison.raters import balanced_rate, cohen_kappa, human_agreement, mean_of, numbered
from harness.types.agreement import (
    ClassRate,
    Confusion,
    Disagreement,
    LabelsBy,
    PairValidation,
    SliceAccuracy,
)
from harness.types.estimate import Estimate
from harness.types.judging import AUTHOR, PairJudgement, PreferencePair, Side

SIDES: tuple[Side, ...] = ("a", "b", "tie")
NOTHING = "no pair is labelled"
FAILED = "failed"


def validate_pairs(
    judge: str,
    pairs: Sequence[PreferencePair],
    judgements: Sequence[PairJudgement],
    floor: float,
    rng: np.random.Generator,
    cluster: str | None = None,
    own: str | None = None,
) -> PairValidation:
    """Pairs without a label tell of position alone; a pair without a judgement counts as a failure.

    ``cluster`` is the slice key that says which pairs belong together (each alone without it). ``own`` is the judge's
    own family, as the slices ``writer_a`` and ``writer_b`` name it. ``rng`` draws for the interval of alpha.
    """
    said = {j.id: j for j in judgements}
    found = [said.get(p.id, _absent(p.id)) for p in pairs]
    groups: list[Hashable] = [_group(p, cluster) for p in pairs]
    rows = [i for i, p in enumerate(pairs) if p.label is not None]
    kept, labels = [pairs[i] for i in rows], [cast(Side, pairs[i].label) for i in rows]
    choices, of = [found[i].choice for i in rows], [groups[i] for i in rows]
    right = [float(c == label) for c, label in zip(choices, labels, strict=True)]
    answered = [i for i, choice in enumerate(choices) if choice is not None]
    decided = [i for i, label in enumerate(labels) if label != "tie"]
    accuracy = mean_of(right, of, NOTHING)
    failures = trust.failures_by_kind(found[i].failure for i in rows if found[i].choice is None)
    place = position(found, groups)
    length = length_bias(kept, choices, of)
    themselves = self_preference(kept, choices, of, own)
    slices = slice_accuracy([p.slices for p in kept], right, of, leave_out=cluster)
    kappa = _kappa(labels, choices, of)
    return PairValidation(
        judge=judge,
        n_pairs=len(pairs),
        n_labelled=len(rows),
        n_failed=len(rows) - len(answered),
        labels_by=labels_by(p.annotators for p in kept),
        accuracy=accuracy,
        answered=mean_of(
            [right[i] for i in answered], [of[i] for i in answered], "the judge answered nothing"
        ),
        decided=mean_of(
            [_credit(choices[i], labels[i]) for i in decided],
            [of[i] for i in decided],
            "no pair is labelled a or b",
        ),
        kappa=kappa,
        confusion=confusion(labels, choices, SIDES),
        classes=class_rates(labels, choices, of, SIDES),
        balanced=balanced_rate(
            np.array(right) > 0, np.array([SIDES.index(v) for v in labels], dtype=np.int64), numbered(of)
        ),
        position=place,
        length=length,
        self_preference=themselves,
        people=human_agreement([dict(p.annotators) for p in pairs], [j.choice for j in found], groups, rng),
        failures=failures,
        slices=slices,
        disagreements=_disagreements(kept, [found[i] for i in rows]),
        trust=trust.trust(accuracy, floor, "pairs"),
        diagnoses=tuple(
            trust.fails(failures, len(rows))
            + trust.of_position(place)
            + trust.of_length(length)
            + trust.of_self(themselves)
            + trust.of_chance(kappa)
            + trust.of_slices(slices, floor)
        ),
    )


def _disagreements(
    pairs: Sequence[PreferencePair], judgements: Sequence[PairJudgement]
) -> tuple[Disagreement, ...]:
    return tuple(
        Disagreement(id=p.id, label=p.label, judged=j.choice, reason=_why(j))
        for p, j in zip(pairs, judgements, strict=True)
        if p.label is not None and j.choice != p.label
    )


def _kappa(labels: Sequence[Side], choices: Sequence[Side | None], of: Sequence[Hashable]) -> Estimate:
    rows = [(label, choice, c) for label, choice, c in zip(labels, choices, of, strict=True) if choice]
    one, two = (np.array([SIDES.index(row[k]) for row in rows], dtype=np.int64) for k in (0, 1))
    return cohen_kappa(one, two, len(SIDES), numbered([c for _, _, c in rows]))


def _absent(pair: str) -> PairJudgement:
    return PairJudgement(id=pair, forward=None, backward=None, failure="not judged")


def _group(pair: PreferencePair, key: str | None) -> Hashable:
    return ("cluster", pair.slices[key]) if key and key in pair.slices else ("pair", pair.id)


def _credit(choice: Side | None, label: Side) -> float:
    """1 for the right side, half for a tie."""
    if choice is None:
        return 0.0
    return FAVOUR[choice] if label == "a" else 1 - FAVOUR[choice]


def _why(judgement: PairJudgement) -> str | None:
    if judgement.choice is None:
        return judgement.failure or "no reason given"
    return "the two orders disagree" if judgement.forward != judgement.backward else None


def labels_by(annotators: Iterable[Mapping[str, object]]) -> LabelsBy:
    names = {name for case in annotators for name in case}
    if not names:
        return "unnamed"
    if names == {AUTHOR}:
        return "author"
    return "author and people" if AUTHOR in names else "people"


def confusion(
    labels: Sequence[Hashable], judged: Sequence[Hashable | None], classes: Sequence[Hashable]
) -> Confusion:
    """Rows are labels, columns what was judged, with the failures (None) last."""
    columns = [*classes, None]
    counts = [
        [
            sum(1 for a, b in zip(labels, judged, strict=True) if a == row and b == column)
            for column in columns
        ]
        for row in classes
    ]
    return Confusion(
        labels=tuple(map(str, classes)),
        judged=(*map(str, classes), FAILED),
        counts=tuple(tuple(row) for row in counts),
    )


def class_rates(
    labels: Sequence[Hashable],
    judged: Sequence[Hashable | None],
    clusters: Sequence[Hashable],
    classes: Sequence[Hashable],
) -> tuple[ClassRate, ...]:
    cases = list(zip(labels, judged, clusters, strict=True))

    def rate(kept: list[tuple[Hashable, Hashable | None, Hashable]], why: str) -> object:
        return mean_of([float(a == b) for a, b, _ in kept], [c for _, _, c in kept], why)

    return tuple(
        ClassRate.model_validate(
            {
                "label": str(one),
                "recall": rate([case for case in cases if case[0] == one], f"nothing is labelled {one}"),
                "precision": rate([case for case in cases if case[1] == one], f"nothing is judged {one}"),
            }
        )
        for one in classes
    )


def slice_accuracy(
    slices: Sequence[Mapping[str, str]],
    right: Sequence[float],
    clusters: Sequence[Hashable],
    leave_out: str | None = None,
) -> tuple[SliceAccuracy, ...]:
    """By ``key=value``; a key that tells clusters apart is no slice."""
    names = sorted({(k, v) for case in slices for k, v in case.items() if k != leave_out})
    made = []
    for key, value in names:
        rows = [i for i, case in enumerate(slices) if case.get(key) == value]
        made.append(
            SliceAccuracy(
                slice=f"{key}={value}",
                accuracy=mean_of([right[i] for i in rows], [clusters[i] for i in rows], ""),
            )
        )
    return tuple(made)
