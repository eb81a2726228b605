"""Put questions to a judging model and journal every reply at once, so that none is paid twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import BackendError, HarnessError, LateError
from harness.protocols import Backend
from harness.store import Journal
from harness.types.answers import Generation, Request
from harness.types.judge_record import JudgeReply


@dataclass(frozen=True)
class Question:
    """A request to a judge."""

    key: str
    """Hash of all that can change the reply."""
    request: Request


class Bench:
    """Where a judge's questions are put: its engine, and the journal of what it has said already."""

    def __init__(
        self,
        engine: str,
        backend: Callable[[], Backend],
        independent: bool,
        journal: Journal[JudgeReply],
        others: Iterable[Journal[JudgeReply]] = (),
    ):
        """``engine``: fingerprint. ``others``: journals of other runs, whose replies are as good where
        a reply does not depend on its batch (``independent``)."""
        self.engine = engine
        self._backend, self._independent, self._journal = backend, independent, journal
        self._others = tuple(others) if independent else ()

    def put(self, questions: Sequence[Question], tell: Callable[[int], None]) -> Mapping[str, JudgeReply]:
        """A reply to each question, by key. ``tell`` hears how many more are done.

        A failure that was let in is kept; one that never was is asked again. Batches are planned over all
        questions, so that a resumed run repeats the very same.
        """
        known = self._known()
        wanted = list({q.key: q for q in questions}.values())
        missing = {q.key for q in wanted if not _stands(known.get(q.key))}
        tell(len(wanted) - len(missing))
        if missing:
            backend = self._backend()
            asked = [q for q in wanted if q.key in missing] if self._independent else wanted
            for places in backend.batches([q.request for q in asked]):
                batch = [asked[i] for i in places]
                if any(q.key in missing for q in batch):
                    self._run(backend, batch, missing, known, tell)
        return {q.key: known[q.key] for q in wanted}

    def _run(
        self,
        backend: Backend,
        batch: Sequence[Question],
        missing: set[str],
        known: dict[str, JudgeReply],
        tell: Callable[[int], None],
    ) -> None:
        last = backend.clock()

        def keep(place: int, result: Generation | BackendError) -> None:
            nonlocal last
            now = backend.clock()
            reply = _reply(batch[place].key, result, round(now - last, 6))
            last = now
            if reply.key in missing:
                self._journal.append(reply)
                known[reply.key] = reply
                tell(1)

        backend.generate([q.request for q in batch], keep)

    def _known(self) -> dict[str, JudgeReply]:
        known: dict[str, JudgeReply] = {}
        for other in self._others:
            try:
                known |= {r.key: r for r in other if r.failure is None}
            except HarnessError:  # of another version: nothing to reuse, and nothing that stops this run
                continue
        own = {r.key: r for r in self._journal}
        return known | own


def _stands(reply: JudgeReply | None) -> bool:
    return reply is not None and (reply.failure is None or reply.attempts > 0)


def _reply(key: str, result: Generation | BackendError, seconds: float) -> JudgeReply:
    if isinstance(result, BackendError):
        return JudgeReply(
            key=key,
            text=None,
            failure="timeout" if isinstance(result, LateError) else "endpoint",
            detail=str(result),
            attempts=result.attempts,
            seconds=seconds,
        )
    cut = {"length": "cut off", "content_filter": "refusal"}.get(result.finish)
    return JudgeReply(
        key=key,
        text=result.text,
        failure=cut,  # type: ignore[arg-type]
        detail={
            "cut off": "the reply reached max_new_tokens",
            "refusal": "the content filter stopped it",
        }.get(cut or ""),
        attempts=result.attempts,
        prompt_tokens=result.prompt_tokens,
        output_tokens=result.output_tokens,
        cached_tokens=result.cached_tokens,
        seconds=seconds,
    )
