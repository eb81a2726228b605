"""Ask a variant everything, journal every answer at once, retry what failed within the cap."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from harness.errors import HarnessError
from harness.protocols import Tell, Variant
from harness.store import Journal
from harness.types.answers import Answer, Phase
from harness.types.data import Item


def collect(
    variant: Variant, items: Sequence[Item], phase: Phase, journal: Journal[Answer], retries: int, tell: Tell
) -> list[Answer]:
    """Answers to ``items`` in their order; those already in the journal under the variant's key are kept.

    A failed answer is asked again, alone, up to ``retries`` times; what still fails stays a recorded failure. A
    variant whose answers are independent has repeated them itself: of its failures those that were never let in
    are asked again when a run is resumed.
    """
    answers = stored(variant, phase, journal)
    tell(sum(i.id in answers for i in items))

    def keep(answer: Answer) -> None:
        before = answers.get(answer.item)
        if before and not before.attempts and not answer.attempts and before.error == answer.error:
            return  # turned away as before: nothing new
        if before:
            so_far = {
                "attempts": before.attempts + answer.attempts,
                "refused": before.refused + answer.refused,
            }
            answer = answer.model_copy(update=so_far)
        journal.append(answer)
        answers[answer.item] = answer
        if before is None:
            tell(1)

    missing = {i.id for i in items} - {name for name, a in answers.items() if a.error is None or a.attempts}
    if missing:
        variant.reply(items, missing, phase, keep)
    for _ in range(0 if variant.independent else retries):
        for item in items:
            answer = answers[item.id]
            if answer.error is not None and answer.attempts <= retries:
                variant.reply([item], {item.id}, phase, keep)
    return [answers[i.id] for i in items]


def stored(variant: Variant, phase: Phase, journal: Journal[Answer]) -> dict[str, Answer]:
    """Answers in the journal that this variant, as it is now, would give again; the last line of an item counts."""
    return {a.item: a for a in journal if a.key == variant.fingerprint and a.phase == phase}


def reuse(variant: Variant, journal: Journal[Answer], others: Iterable[Journal[Answer]]) -> int:
    """Copy quality answers that another run of the scenario has under the same key; returns how many.

    Times are not copied: latencies of different sessions are not on one footing.
    """
    have = stored(variant, "quality", journal)
    copied = 0
    for other in others:
        try:
            found = stored(variant, "quality", other)
        except HarnessError:  # of another version: nothing to reuse, and nothing that stops this run
            continue
        for answer in found.values():
            if answer.item not in have and answer.error is None:
                have[answer.item] = answer
                journal.append(answer.model_copy(update={"variant": variant.spec.name}))
                copied += 1
    return copied


def timing_sample(items: Sequence[Item], size: int, seed: int) -> list[Item]:
    """The fixed items of the timing pass, the same for every variant."""
    return random.Random(seed).sample(list(items), min(size, len(items)))
