"""A variant put together from its parts: weights x context x flow. Nothing is loaded before it is needed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.errors import BackendError
from harness.protocols import Engine, OnAnswer, OnStep, TrainingJob
from harness.store import canonical_json, fingerprint, write_atomic
from harness.types.answers import Answer, Generation, Phase, Request, Retrieved, TrainingRecord
from harness.types.data import Article, Item, Message, Passage
from harness.types.settings import Decoding, FewShot, Retrieval, Scenario, Training, VariantSpec
from harness.variants.finetune.examples import conversations
from harness.variants.prompt import lay_out, query
from harness.variants.rag.chunk import chunk_articles
from harness.variants.rag.index import VectorIndex, build_seconds
from harness.variants.rag.retrieve import Retriever, indexed_texts


@dataclass(frozen=True)
class Material:
    """What all variants of a scenario share."""

    scenario: Scenario
    train: Sequence[Item]
    dev: Sequence[Item]
    articles: Sequence[Article]
    prompts: Mapping[str, str]
    """Contents of the prompt files by the names used in the settings."""
    engine: Engine
    _retrievers: dict[str, Retriever] = field(default_factory=dict)
    _examples: list[VectorIndex] = field(default_factory=list)
    _passages: dict[int, dict[str, Passage]] = field(default_factory=dict)

    def system(self, name: str | None) -> str | None:
        name = name or self.scenario.system
        return self.prompts[name] if name else None

    @cached_property
    def articles_fingerprint(self) -> str:
        return fingerprint(*self.articles)

    def passages(self, settings: Retrieval) -> dict[str, Passage]:
        """All passages that a retrieval could return, by id."""
        size = settings.chunk_words
        if size not in self._passages:
            self._passages[size] = {p.id: p for p in chunk_articles(self.articles, size)}
        return self._passages[size]

    def retriever(self, settings: Retrieval) -> Retriever:
        key = fingerprint(settings)
        if key not in self._retrievers:
            e = self.engine
            args = (settings, e.embed, e.embedder_fingerprint, e.cache / "vectors")
            self._retrievers[key] = Retriever(self.passages(settings), *args)
        return self._retrievers[key]

    def index_seconds(self, settings: Retrieval) -> float | None:
        """What embedding the passages of a retrieval took; None where it was not timed."""
        e = self.engine
        return build_seconds(
            indexed_texts(self.passages(settings)), e.embedder_fingerprint, e.cache / "vectors"
        )

    def nearest_examples(self, queries: Sequence[str], n: int) -> list[list[Item]]:
        """For each query the ``n`` training items with the most similar questions, the nearest last."""
        e = self.engine
        if not self._examples:
            texts = [query(i) for i in self.train]
            self._examples.append(VectorIndex(texts, e.embed, e.embedder_fingerprint, e.cache / "vectors"))
        return [[self.train[p] for p, _ in reversed(hits)] for hits in self._examples[0].search(queries, n)]


class Adapter:
    """A fine-tuned adapter, trained once and cached by the fingerprint of all that went into it."""

    def __init__(self, name: str, training: Training, material: Material):
        self._name, self._training, self._material = name, training, material
        parts: list[object] = [name, training, material.scenario.seed, material.system(training.system)]
        parts += [material.engine.trainer_fingerprint, *material.train, *material.dev]
        if training.passages:
            parts += [material.articles_fingerprint, material.engine.embedder_fingerprint]
        self.fingerprint = fingerprint("adapter", 4, *parts)
        self._folder = material.engine.cache / "adapters" / f"{name}-{self.fingerprint}"

    @property
    def weights(self) -> Path:
        return self._folder / "best"

    def record(self) -> TrainingRecord | None:
        """How it was trained, or None if it is not."""
        file = self._folder / "training.json"
        return TrainingRecord.model_validate_json(file.read_bytes()) if file.exists() else None

    def train(self, on_step: OnStep) -> TrainingRecord:
        if found := self.record():
            return found
        m, t = self._material, self._training
        retriever = m.retriever(t.retrieval) if t.passages and t.retrieval else None
        system, seed = m.system(t.system), m.scenario.seed
        measured = t.model_copy(update={"examples": t.dev_examples})
        refusal = next((i.references[0] for i in m.train if i.abstain), None)
        job = TrainingJob(
            name=self._name,
            training=t,
            base=m.engine.base(),
            examples=conversations(m.train, t, system, retriever, refusal, seed),
            dev=conversations(
                [i for i in m.dev if _matches(i, t.dev_where)], measured, system, retriever, refusal, seed
            ),
            folder=self._folder,
            key=self.fingerprint,
            seed=seed,
            dtype=m.engine.dtype,
        )
        record = m.engine.train(job, on_step)
        write_atomic(self._folder / "training.json", canonical_json(record))
        shutil.rmtree(self._folder / "checkpoint", ignore_errors=True)
        return record


class ComposedVariant:
    """Base or adapter weights, no context, examples or passages, asked once an item."""

    def __init__(self, spec: VariantSpec, material: Material, adapter: Adapter | None, on_step: OnStep):
        self.spec, self.independent = spec, material.engine.independent
        self._material, self._adapter, self._on_step = material, adapter, on_step
        self._decoding: Decoding = spec.decoding or material.scenario.decoding
        self._system = material.system(spec.system)
        parts: list[object] = [self._system, self._decoding, spec.context, spec.flow, material.scenario.seed]
        parts += [material.engine.fingerprint, adapter.fingerprint if adapter else None]
        if isinstance(spec.context, Retrieval):
            parts += [material.articles_fingerprint, material.engine.embedder_fingerprint]
        if isinstance(spec.context, FewShot):
            parts += [*material.train, material.engine.embedder_fingerprint]
        self.fingerprint = fingerprint("composed", 3, *parts)

    @property
    def adapter(self) -> Adapter | None:
        return self._adapter

    def prepare(self) -> None:
        if self._adapter:
            self._adapter.train(self._on_step)

    def passages(self) -> dict[str, Passage]:
        """All that this variant could show its model, by id."""
        context = self.spec.context
        return self._material.passages(context) if isinstance(context, Retrieval) else {}

    def index_seconds(self) -> float | None:
        """What building its index took; None without retrieval."""
        context = self.spec.context
        return self._material.index_seconds(context) if isinstance(context, Retrieval) else None

    def reply(self, items: Sequence[Item], wanted: set[str], phase: Phase, on_answer: OnAnswer) -> None:
        if phase == "timing":
            self._one_by_one([i for i in items if i.id in wanted], on_answer)
        else:
            self._batched(items, wanted, on_answer)

    def _batched(self, items: Sequence[Item], wanted: set[str], on_answer: OnAnswer) -> None:
        backend = self._material.engine.backend()
        fits: list[Request] = []
        for request in self.requests(items):  # what cannot be rendered must not spoil its batch
            try:
                backend.count_tokens(request.messages)
                fits.append(request)
            except BackendError as e:
                if request.item in wanted:
                    on_answer(self._failure(request, "quality", e))
        if self.independent:
            fits = [r for r in fits if r.item in wanted]
        for batch in backend.batches(fits):
            asked = [fits[i] for i in batch]
            if not wanted.isdisjoint(r.item for r in asked):
                self._batch(asked, wanted, on_answer)

    def _batch(self, asked: list[Request], wanted: set[str], on_answer: OnAnswer) -> None:
        """The whole batch is run even when a part is wanted: the same batch gives the same tokens."""
        finished: set[str] = set()

        def keep(place: int, result: Generation | BackendError) -> None:
            request = asked[place]
            finished.add(request.item)
            if request.item not in wanted:
                return
            if isinstance(result, BackendError):
                on_answer(self._failure(request, "quality", result))
            else:
                on_answer(self._answer(request, "quality", result))

        try:
            self._material.engine.backend().generate(asked, keep)
        except BackendError as e:
            for request in asked:
                if request.item in wanted - finished:
                    on_answer(self._failure(request, "quality", e))

    def _one_by_one(self, items: Sequence[Item], on_answer: OnAnswer) -> None:
        backend = self._material.engine.backend()
        if items:
            with suppress(BackendError):  # it comes again below, where it is recorded
                backend.warm_up(self.requests(items[:1])[0])
        for item in items:
            start = backend.clock()
            [request] = self.requests([item])
            spent = backend.clock() - start if self.spec.context else 0.0
            request = request.model_copy(update={"retrieval_s": spent})
            try:
                on_answer(self._answer(request, "timing", backend.time(request)))
            except BackendError as e:
                on_answer(self._failure(request, "timing", e))

    def requests(self, items: Sequence[Item]) -> list[Request]:
        """What the backend is asked for each item: searched, laid out, with adapter and decoding."""
        context = self.spec.context
        clock = self._material.engine.backend().clock
        if isinstance(context, Retrieval):
            self._material.retriever(
                context
            )  # built before the clock starts: it is paid once, not by a request
        searching = clock()
        found: list[list[Retrieved]] = [[] for _ in items]
        shown: list[list[Item]] = [[] for _ in items]
        if isinstance(context, Retrieval):
            found = self._material.retriever(context).find([query(i) for i in items])
        elif isinstance(context, FewShot):
            shown = self._material.nearest_examples([query(i) for i in items], context.examples)
        share = (clock() - searching) / max(1, len(items)) if context else 0.0
        adapter = str(self._adapter.weights) if self._adapter else None
        known = self.passages()

        def messages(item: Item, hits: Sequence[Retrieved], examples: Sequence[Item]) -> tuple[Message, ...]:
            if not isinstance(context, Retrieval):
                return lay_out(item.messages, self._system, examples)
            passages = [known[h.passage] for h in hits]
            return lay_out(item.messages, self._system, examples, passages, context.layout)

        return [
            Request(
                item=item.id,
                messages=messages(item, hits, examples),
                adapter=adapter,
                decoding=self._decoding,
                retrieved=tuple(hits),
                retrieval_s=share,
            )
            for item, hits, examples in zip(items, found, shown, strict=True)
        ]

    def _answer(self, request: Request, phase: Phase, g: Generation) -> Answer:
        def with_retrieval(seconds: float | None) -> float | None:
            return None if seconds is None else round(seconds + request.retrieval_s, 6)

        return Answer(
            variant=self.spec.name,
            item=request.item,
            phase=phase,
            key=self.fingerprint,
            text=g.text,
            attempts=g.attempts,
            refused=g.refused,
            prompt_tokens=g.prompt_tokens,
            output_tokens=g.output_tokens,
            cached_tokens=g.cached_tokens,
            finish=g.finish,
            logprob=g.logprob,
            tool_calls=g.tool_calls,
            prompt_hash=g.prompt_hash,
            compute_s=with_retrieval(g.compute_s),
            retrieval_s=round(request.retrieval_s, 6),
            first_token_s=with_retrieval(g.first_token_s),
            total_s=with_retrieval(g.total_s),
            retrieved=request.retrieved,
        )

    def _failure(self, request: Request, phase: Phase, error: BackendError) -> Answer:
        return Answer(
            variant=self.spec.name,
            item=request.item,
            phase=phase,
            key=self.fingerprint,
            text=None,
            error=str(error),
            attempts=error.attempts,
            refused=error.refused,
            retrieved=request.retrieved,
        )


def _matches(item: Item, where: Mapping[str, tuple[str, ...]]) -> bool:
    return all(item.slices.get(key) in values for key, values in where.items())
