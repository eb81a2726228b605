"""Which test items a variant may have learnt from: among train, dev, held-out, prompts and knowledge base.

Four checks, each on the pairs that the earlier ones left: the same words, a long run of the same words (Brown et al.
2020), nearly the same words (MinHash), the same question and answer in other words (embeddings confirmed by numbers
and names; Yang et al. 2023, arXiv:2311.04850, show that such items pass the first three). What counts and what does
not: ``docs/decisions/0005-leakage.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness import __version__
from harness.anchors import Anchors, names_of
from harness.protocols import Embed
from harness.scenario.inputs import Inputs
from harness.scenario.near import Near
from harness.scenario.rephrased import Asked, rephrasings
from harness.scenario.shingles import words
from harness.store import RunFolder, fingerprint
from harness.types.data import Article, Item, Split
from harness.types.leak import Leak, Leaks, Place, Stage

_ORDER: tuple[Stage, ...] = ("exact", "n-gram", "minhash", "rephrased")
_HELD_FIRST: tuple[Split, ...] = ("heldout", "dev", "train")


@dataclass(frozen=True)
class Corpus:
    """All texts of a scenario in which a question can stand."""

    train: Sequence[Item]
    dev: Sequence[Item]
    heldout: Sequence[Item]
    articles: Sequence[Article] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)


def find_leaks(corpus: Corpus, embed: Embed | None = None) -> list[Leak]:
    """For each held-out and dev item the strongest leak in each place, declared overlaps apart.

    Without ``embed`` rephrasings are not looked for. Held-out items are held against train, dev, articles and
    prompts, dev items against all but dev.
    """
    best: dict[tuple[str, str, bool], Leak] = {}
    anchors = Anchors(names_of(_written(corpus)))
    for leak in [*_in_items(corpus, anchors, embed), *_in_texts(corpus, anchors)]:
        key = (leak.item, leak.where, leak.declared)
        if key not in best or _strength(leak) > _strength(best[key]):
            best[key] = leak
    return sorted(best.values(), key=lambda k: (_HELD_FIRST.index(k.split), k.item, k.where, k.declared))


def stored_leaks(run: RunFolder, inputs: Inputs, embedder: str, embed: Embed) -> Sequence[Leak]:
    """The leaks among ``inputs``; looked for once for the same texts and embedder, and kept in ``leaks.json``."""
    texts = {name: found for name, found in inputs.hashes().items() if name != "settings"}
    key = fingerprint(__version__, embedder, texts)
    stored = run.read("leaks.json", Leaks)
    if stored is None or stored.key != key:
        corpus = Corpus(inputs.train, inputs.dev, inputs.heldout, inputs.articles, inputs.prompts)
        stored = Leaks(key=key, leaks=tuple(find_leaks(corpus, embed)))
        run.write("leaks.json", stored)
    return stored.leaks


def question(item: Item) -> str:
    """The user's turns: a follow-up means nothing without what it follows."""
    return "\n".join(m.content for m in item.messages if m.role == "user")


def asked(item: Item) -> Asked:
    return Asked(question(item), item.references[0], item.facts.required)


def _written(corpus: Corpus) -> Iterator[str]:
    """All that tells names from other words."""
    yield from (a.body for a in corpus.articles)
    for item in (*corpus.train, *corpus.dev, *corpus.heldout):
        yield question(item)
        yield item.references[0]


def _strength(leak: Leak) -> tuple[int, float, str]:
    return -_ORDER.index(leak.stage), leak.similarity, leak.other


def _in_items(corpus: Corpus, anchors: Anchors, embed: Embed | None) -> Iterator[Leak]:
    tested, known = [*corpus.heldout, *corpus.dev], [*corpus.train, *corpus.dev]
    if not tested or not known:
        return
    seen: set[tuple[int, int]] = set()
    for stage, one, other, similarity, text in _pairs(tested, known, anchors, embed):
        item, source = tested[one], known[other]
        if (one, other) in seen or item.split == source.split == "dev":
            continue
        seen.add((one, other))
        yield Leak(
            item=item.id, split=item.split, other=source.id, where="train" if source.split == "train" else "dev",
            stage=stage, similarity=round(similarity, 4), text=text,
            declared=stage == "rephrased" and item.cluster == source.cluster,
        )  # fmt: skip


def _pairs(
    tested: Sequence[Item], known: Sequence[Item], anchors: Anchors, embed: Embed | None
) -> Iterator[tuple[Stage, int, int, float, str]]:
    """Pairs by position, from the strongest stage to the weakest; a pair may come in several."""
    mine, theirs = [question(i) for i in tested], [question(i) for i in known]
    same: dict[tuple[str, ...], list[int]] = {}
    for place, text in enumerate(theirs):
        same.setdefault(tuple(words(text)), []).append(place)
    for one, text in enumerate(mine):
        for other in same.get(tuple(words(text)), ()):
            yield "exact", one, other, 1.0, text
    near = Near(mine, theirs, anchors)
    for pair in near.sharing_runs():
        yield "n-gram", pair.one, pair.other, pair.similarity, pair.text
    for pair in near.nearly_equal():
        yield "minhash", pair.one, pair.other, pair.similarity, pair.text
    if embed is not None:
        for pair in rephrasings(list(map(asked, tested)), list(map(asked, known)), embed, anchors):
            yield "rephrased", pair.one, pair.other, pair.similarity, pair.text


def _in_texts(corpus: Corpus, anchors: Anchors) -> Iterator[Leak]:
    """Last questions that stand word for word in an article or a prompt; answers stand there by design."""
    tested = [*corpus.heldout, *corpus.dev]
    articles: list[tuple[Place, str, str]] = [("kb", a.id, f"{a.title}\n{a.body}") for a in corpus.articles]
    prompts: list[tuple[Place, str, str]] = [("prompt", f, t) for f, t in corpus.prompts.items()]
    texts = articles + prompts
    near = Near([i.messages[-1].content for i in tested], [text for _, _, text in texts], anchors)
    for pair in near.held_whole():
        item, (where, name, _) = tested[pair.one], texts[pair.other]
        yield Leak(
            item=item.id,
            split=item.split,
            other=name,
            where=where,
            stage="exact",
            similarity=1.0,
            text=pair.text,
        )
