"""What a part must offer to be joined to the pipeline. Small protocols; no implementation is inherited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness.errors import BackendError
from harness.types.answers import Answer, Generation, Phase, Request, TrainingRecord
from harness.types.data import Item, Message, Passage
from harness.types.judge_record import AnswerCase, AnswerJudgement, JudgedPair, JudgeReply
from harness.types.judging import PreferencePair
from harness.types.leak import Leak
from harness.types.results import Looks, MetricInfo
from harness.types.settings import Scenario, Training, VariantSpec

Embed = Callable[[Sequence[str]], Any]
"""Texts to a float32 array of shape (len(texts), dimensions) with rows of unit length."""

OnDone = Callable[[int, Generation | BackendError], None]
"""Called with the position in the batch as soon as that request has its last token, or has failed alone."""

OnAnswer = Callable[[Answer], None]

Tell = Callable[[int], None]
"""Called with the number of answers or judgements just finished."""

OnStep = Callable[[int, int, float], None]
"""Progress of training: step, steps in all, loss."""


class Backend(Protocol):
    """An engine that generates text. One is shared by all local variants of a comparison."""

    fingerprint: str
    """Engine, version, weights and dtype."""

    def count_tokens(self, messages: Sequence[Message]) -> int | None:
        """Length of the rendered prompt in tokens; raises BackendError where it does not fit the model.

        None where the tokenizer is not here: the server of an endpoint is then the one to refuse.
        """
        ...

    def clock(self) -> float:
        """Seconds, to time what happens beside the backend (retrieval) on the same footing."""
        ...

    def batches(self, requests: Sequence[Request]) -> list[list[int]]:
        """Positions of ``requests`` grouped into the batches that they are always run in.

        The plan depends on the requests alone, so that a resumed run repeats the very same batches.
        """
        ...

    def generate(self, batch: Sequence[Request], on_done: OnDone) -> None:
        """Answer a whole batch; ``on_done`` is called once for each position, by the caller's own thread."""
        ...

    def time(self, request: Request) -> Generation:
        """Answer one request alone, with times of its first and last token."""
        ...

    def stream(self, request: Request) -> Iterator[str | Generation]:
        """Answer one request as it is written: pieces of text as they come, then the Generation of the whole.

        May be called from several threads at once; how requests share the engine is the engine's affair. Closing
        the iterator drops the request. Raises BackendError.
        """
        ...

    def warm_up(self, request: Request) -> None:
        """Bring weights and adapter of ``request`` into the state of a running service."""
        ...


class Variant(Protocol):
    """One way of doing the task, ready to be asked."""

    spec: VariantSpec
    fingerprint: str
    """All that can change an answer; known without loading a model."""
    independent: bool
    """Whether asking fewer items, or one again, gives the same answers; failed ones were then repeated already."""
    again: Sequence[Variant]
    """The same with other training seeds or samples: the further repeats of each quality answer."""

    def prepare(self) -> None:
        """Train and index what is needed. Idempotent, cached by fingerprint."""
        ...

    def reply(self, items: Sequence[Item], wanted: set[str], phase: Phase, on_answer: OnAnswer) -> None:
        """Answer the ``wanted`` among ``items``; ``on_answer`` is called for each as soon as it is done.

        ``items`` are always all items of the phase, so that batches are the same in a resumed run. A failed
        request is an Answer with ``error``, never an exception.
        """
        ...


@dataclass(frozen=True)
class ScoringContext:
    """What a scorer may need besides item and answer."""

    scenario: Scenario
    passages: Mapping[str, Passage] = field(default_factory=dict)
    embed: Embed | None = None


@dataclass(frozen=True)
class Circumstances:
    """What the audit looks at beside scores: how the run was made and what went before it."""

    answers: Sequence[Answer]
    """Of both phases."""
    leaks: Sequence[Leak]
    looks: Looks
    dtype: str


class Scorer(Protocol):
    """A metric. ``score`` sees all answers of one variant at once, so that it can batch."""

    info: MetricInfo

    def score(
        self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext
    ) -> Sequence[tuple[float | None, str | None]]:
        """For each pair the value, or None and the reason.

        ``not applicable: ...`` as the reason leaves the item out by definition; anything else is missing.
        """
        ...


class Judge(Protocol):
    """Says how good an answer is, or which of two is better."""

    fingerprint: str
    """All that can change a judgement; known without loading a model."""

    @property
    def replies(self) -> Mapping[str, JudgeReply]:
        """What a model replied so far, by key; empty for a judge that asks none."""
        ...

    def answers(self, cases: Sequence[AnswerCase], tell: Tell) -> Sequence[AnswerJudgement]:
        """A judgement of each case, in their order. A failure is a judgement without a value, never an exception."""
        ...

    def pairs(self, pairs: Sequence[PreferencePair], tell: Tell) -> Sequence[JudgedPair]:
        """A judgement of each pair, in their order, in both orders of its sides."""
        ...


class Progress(Protocol):
    """How the pipeline tells what it is doing; the command line decides how that is shown."""

    def stage(self, title: str, total: int | None = None) -> None: ...

    def advance(self, done: int = 1, note: str = "") -> None: ...

    def note(self, text: str) -> None: ...


@dataclass(frozen=True)
class TrainingJob:
    """One adapter to train."""

    name: str
    training: Training
    base: Path
    """Folder of the base model."""
    examples: Sequence[Sequence[Message]]
    """Conversations that end with the target."""
    dev: Sequence[Sequence[Message]]
    folder: Path
    """Where checkpoint and adapter go; the adapter ends in ``folder/best``."""
    key: str
    """Fingerprint of all that can change the adapter."""
    seed: int
    dtype: str


Train = Callable[[TrainingJob, OnStep], TrainingRecord]


@dataclass(frozen=True)
class Engine:
    """What the pipeline hands to variants: loaded on first use, so that a finished run loads nothing."""

    fingerprint: str
    """Of backend and base weights."""
    embedder_fingerprint: str
    trainer_fingerprint: str
    """Of all that training takes from the engine; engines that answer may share one that trains."""
    backend: Callable[[], Backend]
    embed: Embed
    train: Train
    base: Callable[[], Path]
    dtype: str
    cache: Path
    """Where adapters and vectors are kept between runs."""
    independent: bool = False
    """Whether an answer does not depend on its batch, so that a resumed run asks no more than what is missing."""
