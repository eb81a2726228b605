"""A variant put together from its parts: weights x context x flow. Nothing is loaded before it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from harness.errors import BackendError
from harness.protocols import OnAnswer, OnStep, Variant
from harness.store import fingerprint
from harness.types.answers import Answer, Generation, Phase, Request, Retrieved
from harness.types.data import Item, Message, Passage
from harness.types.settings import Decoding, FewShot, Retrieval, VariantSpec
from harness.variants.adapter import Adapter
from harness.variants.material import Material
from harness.variants.prompt import lay_out, query


class ComposedVariant:
    """Base or adapter weights, no context, examples or passages, asked once an item.

    ``repeat`` numbers its answers among those of the same variant (``variants.repeated``), ``sample`` those of
    one adapter.
    """

    again: Sequence[Variant] = ()

    def __init__(
        self,
        spec: VariantSpec,
        material: Material,
        adapter: Adapter | None,
        on_step: OnStep,
        repeat: int = 0,
        sample: int = 0,
    ):
        self._repeat, self._sample = repeat, sample
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
        parts += [{"repeat": repeat, "sample": sample}] if repeat else []
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
                sample=self._sample,
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
            repeat=self._repeat,
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
            repeat=self._repeat,
            phase=phase,
            key=self.fingerprint,
            text=None,
            error=str(error),
            attempts=error.attempts,
            refused=error.refused,
            retrieved=request.retrieved,
        )
