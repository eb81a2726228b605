"""Variants' answers held against each other, item by item, by a judge of pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from harness.protocols import Judge
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.judge_record import DuelRecord
from harness.types.judging import PreferencePair

Share = tuple[float | None, str | None]
"""Of duels won, or None and the reason."""


def reference_of(item: Item) -> str | None:
    """The answer that judges are shown as the right one."""
    return item.references[0] if item.references else None


def fight(
    judge: Judge,
    items: Mapping[str, Item],
    answers: Mapping[str, Sequence[Answer]],
    baseline: str | None,
    tell: Callable[[int], None],
) -> list[DuelRecord]:
    """Each variant against the baseline, or every two where that is None, on every item that both answered.

    The same text twice is a tie that nobody is asked about.
    """
    texts = {
        (v, a.item): a.text or ""
        for v, given in answers.items()
        for a in given
        if a.error is None and a.repeat == 0
    }
    met = [(a, b) for a, b in combinations(answers, 2) if baseline is None or baseline in (a, b)]
    duels = [(i, a, b) for i in items.values() for a, b in met if (a, i.id) in texts and (b, i.id) in texts]
    pairs = [
        PreferencePair(
            id=f"{i.id} {a} {b}",
            input=i.messages,
            a=texts[a, i.id],
            b=texts[b, i.id],
            reference=reference_of(i),
        )
        for i, a, b in duels
    ]
    differ = [p for p in pairs if p.a.strip() != p.b.strip()]
    said = {j.judgement.id: j for j in judge.pairs(differ, tell)}
    found = []
    for pair, (item, a, b) in zip(pairs, duels, strict=True):
        judged = said.get(pair.id)
        found.append(
            DuelRecord(
                item=item.id,
                cluster=item.cluster,
                a=a,
                b=b,
                outcome=judged.judgement.choice if judged else "tie",
                failure=judged.judgement.failure if judged else None,
                reasons=judged.reasons if judged else ("the same text",),
            )
        )
    return found


def shares_won(
    duels: Sequence[DuelRecord], variants: Sequence[str] | Mapping[str, object], items: Mapping[str, Item]
) -> dict[tuple[str, str], Share]:
    """For each variant and item the share of its duels won, a tie being half."""
    won: dict[tuple[str, str], list[float]] = {}
    failed: dict[tuple[str, str], str] = {}
    for d in duels:
        for side, variant in (("a", d.a), ("b", d.b)):
            if d.outcome is None:
                failed[variant, d.item] = d.failure or "no choice"
            else:
                won.setdefault((variant, d.item), []).append(
                    0.5 if d.outcome == "tie" else float(d.outcome == side)
                )
    found: dict[tuple[str, str], Share] = {}
    for at in ((v, i) for v in variants for i in items):
        values = won.get(at)
        found[at] = (
            (sum(values) / len(values), None) if values else (None, failed.get(at, "no answer to compare"))
        )
    return found
