"""Composed variants: what changes their fingerprint, what they ask, and how failures and kills are borne."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BackendError
from harness.protocols import OnDone, TrainingJob
from harness.types.answers import Answer, Generation, Request, TrainingRecord
from harness.types.data import Message
from harness.types.settings import (
    BackendSpec,
    Choice,
    Decoding,
    FewShot,
    PassageTraining,
    Retrieval,
    Training,
    VariantSpec,
)
from harness.variants.adapter import Adapter
from harness.variants.compose import ComposedVariant
from harness.variants.material import Material

from .factories import (
    READING,
    REFUSAL,
    RETRIEVAL,
    articles,
    engine,
    heldout,
    ignore,
    item,
    material,
    scenario,
    thing_item,
    variant,
)

FEW_SHOT = FewShot(kind="few-shot", examples=2)
TRAINING = Training(epochs=2)


class Watched:
    """A backend that notes what it is asked and can be told to fail."""

    def __init__(self, inner: Any, fails: Callable[[Request], bool] = lambda _: False):
        self._inner, self._fails = inner, fails
        self.fingerprint = inner.fingerprint
        self.batched: list[list[str]] = []
        self.timed: list[Request] = []
        self.warmed: list[str] = []

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return self._inner.count_tokens(messages)

    def clock(self) -> float:
        return self._inner.clock()

    def batches(self, requests: Sequence[Request]) -> list[list[int]]:
        return self._inner.batches(requests)

    def generate(self, batch: Sequence[Request], on_done: OnDone) -> None:
        self.batched.append([r.item for r in batch])
        for place, request in enumerate(batch):
            if self._fails(request):
                raise BackendError(f"out of memory at {request.item}")
            self._inner.generate([request], lambda _, g, place=place: on_done(place, g))

    def time(self, request: Request) -> Generation:
        if self._fails(request):
            raise BackendError(f"out of memory at {request.item}")
        self.timed.append(request)
        return self._inner.time(request)

    def warm_up(self, request: Request) -> None:
        if self._fails(request):
            raise BackendError("out of memory while warming up")
        self.warmed.append(request.item)


def watched(cache: Path, fails: Callable[[Request], bool] = lambda _: False) -> tuple[Watched, Material]:
    plain = engine(cache)
    backend = Watched(plain.backend(), fails)
    return backend, material(cache, engine=replace(plain, backend=lambda: backend))


def reply(given: ComposedVariant, wanted: set[str] | None = None, phase: str = "quality") -> list[Answer]:
    told: list[Answer] = []
    items = heldout()
    given.reply(items, {i.id for i in items} if wanted is None else wanted, phase, told.append)  # type: ignore[arg-type]
    return told


# --- fingerprints: a change that can change an answer changes them, any other does not ------------


def plain(cache: Path, **spec: Any) -> str:
    return variant(material(cache), **spec).fingerprint


def changed(training: Training | None = None, spec: dict[str, Any] | None = None, **parts: Any) -> Any:
    """The fingerprint of a variant after a change of the material's parts."""

    def make(cache: Path) -> str:
        made = {n: p(cache) if callable(p) else p for n, p in parts.items()}
        return variant(material(cache, **made), training, **(spec or {})).fingerprint

    return make


def backend_of(**settings: Any) -> Callable[[Path], Any]:
    return lambda cache: engine(cache, BackendSpec(name="fake", **({"batch_size": 4} | settings)))


TRAIN = [thing_item(i, "train") for i in range(4)]
OTHER_ARTICLES = [articles()[0].model_copy(update={"body": "Changed."}), *articles()[1:]]
RAG = {"context": RETRIEVAL}
SHOTS = {"context": FEW_SHOT}
TUNED = {"training": TRAINING}
READS = {"training": READING}

CHANGES: dict[str, tuple[Any, Any]] = {
    "system prompt of the scenario": (changed(), changed(prompts={"system.md": "Be rude."})),
    "system prompt of the variant": (changed(), changed(spec={"system": "other.md"})),
    "no system prompt": (changed(), changed(scenario=scenario(system=None))),
    "decoding length": (changed(), changed(scenario=scenario(decoding=Decoding(max_new_tokens=9)))),
    "temperature of the variant": (changed(), changed(spec={"decoding": Decoding(temperature=0.5)})),
    "seed": (changed(), changed(scenario=scenario(seed=2))),
    "batch size": (changed(), changed(engine=backend_of(batch_size=5))),
    "dtype": (changed(), changed(engine=backend_of(dtype="float16"))),
    "weights": (changed(), changed(engine=lambda c: engine(c, fingerprint="other weights"))),
    "context at all": (changed(), changed(spec=RAG)),
    "k": (changed(spec=RAG), changed(spec={"context": RETRIEVAL.model_copy(update={"k": 3})})),
    "threshold": (
        changed(spec=RAG),
        changed(spec={"context": RETRIEVAL.model_copy(update={"threshold": 0.2})}),
    ),
    "size of chunks": (
        changed(spec=RAG),
        changed(spec={"context": RETRIEVAL.model_copy(update={"chunk_words": 50})}),
    ),
    "knowledge base": (changed(spec=RAG), changed(spec=RAG, articles=OTHER_ARTICLES)),
    "embedder": (
        changed(spec=RAG),
        changed(spec=RAG, engine=lambda c: engine(c, embedder_fingerprint="other")),
    ),
    "number of examples": (
        changed(spec=SHOTS),
        changed(spec={"context": FewShot(kind="few-shot", examples=3)}),
    ),
    "training items as examples": (changed(spec=SHOTS), changed(spec=SHOTS, train=TRAIN)),
    "embedder of examples": (
        changed(spec=SHOTS),
        changed(spec=SHOTS, engine=lambda c: engine(c, embedder_fingerprint="other")),
    ),
    "an adapter": (changed(), changed(**TUNED)),
    "adapter's rank": (changed(**TUNED), changed(TRAINING.model_copy(update={"rank": 8}))),
    "adapter's system prompt": (
        changed(**TUNED),
        changed(TRAINING.model_copy(update={"system": "other.md"})),
    ),
    "text of the adapter's system prompt": (
        changed(TRAINING, {"system": "other.md"}),
        changed(TRAINING, {"system": "other.md"}, prompts={"system.md": "Rude.", "other.md": "Be brief."}),
    ),
    "training items": (changed(**TUNED), changed(**TUNED, train=TRAIN)),
    "dev items, which choose the epoch": (changed(**TUNED), changed(**TUNED, dev=TRAIN)),
    "distractors": (
        changed(**READS),
        changed(READING.model_copy(update={"passages": PassageTraining(distractors=1, without_source=0.5)})),
    ),
    "articles that an adapter reads": (changed(**READS), changed(**READS, articles=OTHER_ARTICLES)),
    "embedder that an adapter reads by": (
        changed(**READS),
        changed(**READS, engine=lambda c: engine(c, embedder_fingerprint="other")),
    ),
}

NO_CHANGES: dict[str, tuple[Any, Any]] = {
    "name": (changed(spec={"name": "a"}), changed(spec={"name": "b"})),
    "metrics": (changed(), changed(scenario=scenario(metrics=("success", "bleu")))),
    "slices": (changed(), changed(scenario=scenario(slices=("topic",)))),
    "prices": (
        changed(),
        changed(scenario=scenario(economics=scenario().economics.model_copy(update={"monthly_requests": 5}))),
    ),
    "terms of the choice": (changed(), changed(scenario=scenario(choice=Choice(max_latency_s=1.0)))),
    "retries": (changed(), changed(scenario=scenario(retries=3))),
    "threads": (changed(), changed(engine=backend_of(threads=1))),
    "name of the prompt file": (
        changed(spec={"system": "other.md"}),
        changed(spec={"system": "new.md"}, prompts={"system.md": "Be kind.", "new.md": "Be brief."}),
    ),
    "decoding written out": (changed(), changed(spec={"decoding": Decoding()})),
    "another variant's prompt": (changed(), changed(prompts={"system.md": "Be kind.", "other.md": "New."})),
    "knowledge base without retrieval": (changed(), changed(articles=OTHER_ARTICLES)),
    "embedder without retrieval": (
        changed(),
        changed(engine=lambda c: engine(c, embedder_fingerprint="other")),
    ),
    "training items without examples": (changed(spec=RAG), changed(spec=RAG, train=TRAIN)),
    "articles beside an adapter that reads none": (
        changed(**TUNED),
        changed(**TUNED, articles=OTHER_ARTICLES),
    ),
    "place of the cache": (changed(**TUNED), changed(**TUNED, engine=lambda c: engine(c / "elsewhere"))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_can_change_an_answer_changes_the_fingerprint(change: str, tmp_path: Path) -> None:
    before, after = CHANGES[change]
    assert before(tmp_path) != after(tmp_path)


@pytest.mark.parametrize("change", NO_CHANGES)
def test_what_cannot_does_not(change: str, tmp_path: Path) -> None:
    before, after = NO_CHANGES[change]
    assert before(tmp_path) == after(tmp_path)


def test_no_two_changes_meet_in_one_fingerprint(tmp_path: Path) -> None:
    after = [make(tmp_path) for _, make in CHANGES.values()]
    doubled = {f for f in after if after.count(f) > 1}
    assert doubled == set()


def test_the_fingerprint_is_known_without_a_model(tmp_path: Path) -> None:
    def never() -> Any:
        raise AssertionError("loaded")

    heavy = engine(tmp_path, backend=never, embed=never, train=never, base=never)
    assert variant(material(tmp_path, engine=heavy), READING, context=RETRIEVAL).fingerprint


# --- what is asked ------------------------------------------------------------------------------


def test_a_prompt_variant_asks_with_its_system_prompt(tmp_path: Path) -> None:
    backend, given = watched(tmp_path)
    reply(variant(given, system="other.md"), phase="timing")
    assert [m.content for m in backend.timed[0].messages] == ["Be brief.", "what does the lamp cost"]
    assert backend.timed[0].retrieved == ()
    assert backend.timed[0].adapter is None


def test_few_shot_shows_the_nearest_training_items_the_nearest_last(tmp_path: Path) -> None:
    train = [
        item("far", "where is the toilet", "train", references=("Left.",)),
        item("near", "what does the lamp cost then", "train", references=("Ten.",)),
        item("nearer", "what does the lamp cost", "train", references=("10.",)),
    ]
    held = [item("dev", "what does the lamp cost", "dev", references=("DEV",))]
    plain_engine = engine(tmp_path)
    backend = Watched(plain_engine.backend())
    given = material(tmp_path, train=train, dev=held, engine=replace(plain_engine, backend=lambda: backend))
    reply(variant(given, context=FEW_SHOT), phase="timing")
    assert [m.content for m in backend.timed[0].messages] == [
        "Be kind.",
        "what does the lamp cost then",
        "Ten.",
        "what does the lamp cost",
        "10.",
        "what does the lamp cost",
    ]


def test_examples_come_from_the_training_items_alone(tmp_path: Path) -> None:
    given = material(tmp_path)
    found = given.nearest_examples([i.messages[0].content for i in [*heldout(), *given.dev]], 3)
    assert {e.split for examples in found for e in examples} == {"train"}


def test_more_examples_than_there_are_is_all_of_them(tmp_path: Path) -> None:
    given = material(tmp_path, train=TRAIN)
    assert len(given.nearest_examples(["lamp"], 30)[0]) == 4


def test_retrieved_passages_are_in_the_prompt_and_in_the_answer(tmp_path: Path) -> None:
    backend, given = watched(tmp_path)
    told = reply(variant(given, context=RETRIEVAL), phase="timing")
    for request, answer in zip(backend.timed, told, strict=True):
        texts = [given.passages(RETRIEVAL)[h.passage].text for h in answer.retrieved]
        assert 1 <= len(texts) <= 2
        assert all(t in request.messages[-1].content for t in texts)


def test_the_same_passages_are_cut_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting the knowledge base again for each request would count as retrieval time."""
    from harness.variants import material as shared

    calls: list[int] = []
    cut = shared.chunk_articles
    monkeypatch.setattr(shared, "chunk_articles", lambda a, n: calls.append(n) or cut(a, n))
    given = variant(material(tmp_path), context=RETRIEVAL)
    reply(given, phase="timing")
    reply(given)
    assert calls == [RETRIEVAL.chunk_words]


def test_a_tuned_variant_is_asked_with_its_adapter(tmp_path: Path) -> None:
    backend, given = watched(tmp_path)
    tuned = variant(given, TRAINING)
    tuned.prepare()
    reply(tuned, phase="timing")
    assert tuned.adapter is not None
    assert {r.adapter for r in backend.timed} == {str(tuned.adapter.weights)}


# --- batches, failures, kills ---------------------------------------------------------------------


def test_only_the_wanted_are_told_but_their_batches_are_whole(tmp_path: Path) -> None:
    """A resumed run repeats the batch in which an answer is missing, so that it gets the same tokens."""
    backend, given = watched(tmp_path)
    told = reply(variant(given), {"heldout-1"})
    assert [a.item for a in told] == ["heldout-1"]
    assert backend.batched == [["heldout-0", "heldout-1", "heldout-2", "heldout-3"]]


def test_nothing_wanted_asks_nothing(tmp_path: Path) -> None:
    backend, given = watched(tmp_path)
    assert reply(variant(given), set()) == []
    assert backend.batched == []
    assert reply(variant(given), set(), "timing") == []
    assert (backend.warmed, backend.timed) == ([], [])


def test_an_answer_is_told_before_its_batch_ends(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(request: Request) -> bool:
        if request.item == "heldout-2":
            raise Killed
        return False

    _, given = watched(tmp_path, kill)
    told: list[Answer] = []
    items = heldout()
    with pytest.raises(Killed):
        variant(given).reply(items, {i.id for i in items}, "quality", told.append)
    assert [a.item for a in told] == ["heldout-0", "heldout-1"]


def test_a_failed_batch_is_recorded_for_those_without_an_answer(tmp_path: Path) -> None:
    _, given = watched(tmp_path, lambda r: r.item == "heldout-2")
    told = {a.item: a for a in reply(variant(given))}
    assert len(told) == 6
    assert {i for i, a in told.items() if a.error} == {"heldout-2", "heldout-3"}
    assert told["heldout-3"].error == "out of memory at heldout-2"
    assert told["heldout-3"].text is None


def test_a_prompt_that_cannot_be_rendered_does_not_spoil_its_batch(tmp_path: Path) -> None:
    backend, given = watched(tmp_path)
    items = [*heldout(3), item("long", "word " * 5000)]
    told: list[Answer] = []
    variant(given).reply(items, {i.id for i in items}, "quality", told.append)
    assert {a.item: bool(a.error) for a in told} == {
        "long": True, "heldout-0": False, "heldout-1": False, "heldout-2": False,
    }  # fmt: skip
    assert backend.batched == [["heldout-0", "heldout-1", "heldout-2"]]


def test_a_failure_in_the_timing_pass_is_recorded_also_in_the_warm_up(tmp_path: Path) -> None:
    _, given = watched(tmp_path, lambda r: r.item == "heldout-0")
    told = reply(variant(given), phase="timing")
    assert [(a.item, a.error is None) for a in told] == [(f"heldout-{i}", i > 0) for i in range(6)]
    assert told[0].error == "out of memory at heldout-0"
    assert told[0].total_s is None


def test_the_timing_pass_warms_up_once_and_asks_in_order(tmp_path: Path) -> None:
    backend, given = watched(tmp_path)
    reply(variant(given), {"heldout-1", "heldout-4"}, "timing")
    assert backend.warmed == ["heldout-1"]
    assert [r.item for r in backend.timed] == ["heldout-1", "heldout-4"]


def test_latency_includes_retrieval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, given = watched(tmp_path)
    ticks = iter(range(1000))
    monkeypatch.setattr(backend, "clock", lambda: float(next(ticks)))
    told = reply(variant(given, context=RETRIEVAL), phase="timing")
    for answer, request in zip(told, backend.timed, strict=True):
        alone = backend._inner.time(request)
        assert answer.retrieval_s == request.retrieval_s > 0
        assert answer.total_s == pytest.approx(alone.total_s + request.retrieval_s)
        assert answer.first_token_s == pytest.approx(alone.first_token_s + request.retrieval_s)
    without = reply(variant(given), phase="timing")
    assert {a.retrieval_s for a in without} == {0.0}


def test_answers_carry_the_key_and_the_phase(tmp_path: Path) -> None:
    given = variant(material(tmp_path))
    assert {(a.variant, a.key, a.phase) for a in reply(given)} == {("v", given.fingerprint, "quality")}


# --- adapters -----------------------------------------------------------------------------------


def test_an_adapter_is_trained_once(tmp_path: Path) -> None:
    jobs: list[TrainingJob] = []
    plain_engine = engine(tmp_path)

    def train(job: TrainingJob, on_step: Any) -> TrainingRecord:
        jobs.append(job)
        return plain_engine.train(job, on_step)

    given = material(tmp_path, engine=replace(plain_engine, train=train))
    first, second = Adapter("tuned", TRAINING, given), Adapter("tuned", TRAINING, given)
    assert first.record() is None
    record = first.train(ignore)
    assert second.train(ignore) == record == second.record()
    assert len(jobs) == 1
    other = Adapter("tuned", TRAINING.model_copy(update={"epochs": 1}), given)
    other.train(ignore)
    assert len(jobs) == 2
    assert other.weights != first.weights


def test_the_checkpoint_goes_once_the_record_is_on_disk(tmp_path: Path) -> None:
    plain_engine = engine(tmp_path)

    def train(job: TrainingJob, on_step: Any) -> TrainingRecord:
        (job.folder / "checkpoint").mkdir(parents=True)
        return plain_engine.train(job, on_step)

    adapter = Adapter("tuned", TRAINING, material(tmp_path, engine=replace(plain_engine, train=train)))
    adapter.train(ignore)
    assert sorted(p.name for p in adapter.weights.parent.iterdir()) == ["best", "training.json"]


def test_dev_is_whole_where_training_is_a_sample_and_refuses_as_training_does(tmp_path: Path) -> None:
    """The dev items hold none that abstains: the words to refuse with come from the training items."""
    jobs: list[TrainingJob] = []
    plain_engine = engine(tmp_path)

    def train(job: TrainingJob, on_step: Any) -> TrainingRecord:
        jobs.append(job)
        return plain_engine.train(job, on_step)

    training = READING.model_copy(
        update={"examples": 4, "passages": PassageTraining(distractors=1, without_source=1.0)}
    )
    Adapter("tuned", training, material(tmp_path, engine=replace(plain_engine, train=train))).train(ignore)
    assert (len(jobs[0].examples), len(jobs[0].dev)) == (4, 3)
    assert {c[-1].content for c in jobs[0].dev} == {REFUSAL}


def test_the_retriever_is_shared_by_variants_with_the_same_settings(tmp_path: Path) -> None:
    given = material(tmp_path)
    assert given.retriever(RETRIEVAL) is given.retriever(Retrieval(**RETRIEVAL.model_dump()))
    assert given.retriever(RETRIEVAL) is not given.retriever(RETRIEVAL.model_copy(update={"k": 1}))


def test_a_specification_is_kept_as_given(tmp_path: Path) -> None:
    spec = VariantSpec(name="x", context=RETRIEVAL)
    assert ComposedVariant(spec, material(tmp_path), None, ignore).spec == spec
