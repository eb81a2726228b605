"""Draw what people are asked to read: a random sample, or the answers on which scores disagree most.

A random sample is drawn without replacement from the different texts of a run, every one as likely as the others,
so that the labelled answers of each variant are a random sample of that variant's. One drawn by disagreement tells
where scores go wrong, and nothing of how often.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from harness.errors import InputError
from harness.runs import Run
from harness.store import fingerprint
from harness.types.data import Item
from harness.types.labelling import Entry, Kind, Order, Sample

MAX_ENTRIES = 2000
"""Of one page: what a browser keeps and a person reads."""


@dataclass(frozen=True)
class _Text:
    """A text that one or several variants gave to an item."""

    text: str
    variants: tuple[str, ...]


@dataclass(frozen=True)
class _Candidate:
    item: Item
    texts: tuple[_Text, ...]


def draw(run: Run, kind: Kind, order: Order, n: int, seed: int, guideline: str) -> Sample:
    """At most ``n`` entries of a finished run, the same for the same arguments; raises InputError without any."""
    if not 1 <= n <= MAX_ENTRIES:
        raise InputError(f"--n must be from 1 to {MAX_ENTRIES:,}, not {n:,}")
    pool = _answers(run) if kind == "answers" else _pairs(run)
    if not pool:
        wanted = "answers" if kind == "answers" else "items that two variants answered differently"
        raise InputError(f"{run.folder.path} holds no {wanted}")
    rng = random.Random(f"{seed} {kind} {order}")
    chosen = rng.sample(pool, min(n, len(pool)))
    if order == "disagreement":
        scores = _normal_scores(run)
        shuffled = rng.sample(pool, len(pool))  # so that equals come in no order of the run's
        chosen = sorted(shuffled, key=lambda c: _disagreement(c, scores), reverse=True)[:n]
    entries = tuple(_entry(c, rng) for c in chosen)
    about = {
        "scenario": run.scenario.name, "run": run.manifest.run, "kind": kind, "order": order, "seed": seed,
        "population": len(pool), "guideline": guideline,
    }  # fmt: skip
    return Sample.model_validate(
        {**about, "id": sample_id(about, entries), "entries": [e.model_dump() for e in entries]}
    )


def entry_id(item: str, texts: Sequence[str]) -> str:
    return fingerprint(item, list(texts))


def sample_id(about: Mapping[str, object], entries: Sequence[Entry]) -> str:
    """Of a sample with these fields beside its entries."""
    return fingerprint(dict(about), *entries)


def _texts(run: Run) -> list[tuple[Item, list[_Text]]]:
    """By item its different texts, each with the variants that gave it. Of several answers of one variant to an item
    the first: it is what a judge is corrected by."""
    found: dict[str, dict[str, list[str]]] = {}
    for a in run.answers:
        if a.phase == "quality" and not a.repeat and a.text is not None and a.text.strip():
            found.setdefault(a.item, {}).setdefault(a.text, []).append(a.variant)
    return [
        (item, [_Text(text, tuple(sorted(names))) for text, names in sorted(found[item.id].items())])
        for item in run.items
        if item.id in found
    ]


def _answers(run: Run) -> list[_Candidate]:
    return [_Candidate(item, (text,)) for item, texts in _texts(run) for text in texts]


def _pairs(run: Run) -> list[_Candidate]:
    return [
        _Candidate(item, (a, b))
        for item, texts in _texts(run)
        for a, b in combinations(texts, 2)
        if a.text.strip() != b.text.strip()
    ]


def _entry(candidate: _Candidate, rng: random.Random) -> Entry:
    item = candidate.item
    sides = rng.sample(candidate.texts, len(candidate.texts))
    texts = tuple(side.text for side in sides)
    return Entry(
        id=entry_id(item.id, texts),
        item=item.id,
        input=item.messages,
        texts=texts,
        variants=tuple(side.variants for side in sides),
        reference=item.references[0] if item.references else None,
        facts=item.facts,
        abstain=item.abstain,
        slices=item.slices,
    )


_Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
"""By item and variant: what each metric gives, from 0 to 1 with the better above."""


def _normal_scores(run: Run) -> _Scores:
    """Of the choice metric and of all judges, spread over the values that the run has."""
    choice = run.scenario.choice.metric
    higher = {m.name: m.higher_is_better for m in run.comparison.metrics}
    given = [*(s for s in run.scores if s.metric == choice), *run.judge_scores]
    known = [(s, s.value) for s in given if not s.repeat and s.value is not None]
    ends: dict[str, tuple[float, float]] = {}
    for s, value in known:
        low, high = ends.get(s.metric, (value, value))
        ends[s.metric] = min(low, value), max(high, value)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for s, value in known:
        low, high = ends[s.metric]
        part = (value - low) / (high - low) if high > low else 0.5
        part = part if higher.get(s.metric, True) else 1 - part
        found.setdefault(s.item, {}).setdefault(s.variant, {})[s.metric] = part
    return found


def _disagreement(candidate: _Candidate, scores: _Scores) -> tuple[float, float]:
    """How far the metrics are apart on it, and, where they agree, how far the variants are on this item."""
    by_variant = scores.get(candidate.item.id, {})
    sides = [by_variant.get(t.variants[0], {}) for t in candidate.texts]
    if len(sides) == 1:
        means = [sum(found.values()) / len(found) for found in by_variant.values()]
        return _spread(sides[0].values()), _spread(means)
    gains = [sides[0][metric] - sides[1][metric] for metric in sides[0] if metric in sides[1]]
    return _spread(gains), max(map(abs, gains), default=0.0)


def _spread(values: Iterable[float]) -> float:
    found = list(values)
    return max(found) - min(found) if found else 0.0
