"""Generate with OpenVINO on a CPU: continuous batching, shared beginnings computed once, LoRA.

``generate`` and ``time`` have the engine to themselves and share keys and values with no other call, so that the
same batch gives the same tokens in a resumed run and no latency profits from an earlier question. Streams share
both: one thread steps the engine for all of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from harness.backends.admission import Admission
from harness.backends.paged import STEP_TOKENS, PagedPipeline, Running
from harness.backends.plan import longest_first
from harness.backends.prompts import ChatPrompts
from harness.backends.sharing import Streams
from harness.errors import BackendError
from harness.machine import engine_fingerprint
from harness.protocols import OnDone
from harness.store import fingerprint
from harness.types.answers import Generation, Request
from harness.types.data import Message
from harness.types.settings import BackendSpec, Decoding


class OpenVinoBackend:
    def __init__(self, spec: BackendSpec, folder: Path, weights: str, seed: int):
        """``folder`` is what ``models.openvino_ir.export`` made."""
        self.fingerprint = engine_fingerprint(spec, weights)
        self._spec = spec
        self._prompts = ChatPrompts(folder)
        self._pipeline = PagedPipeline(spec, folder, self._prompts.ends, seed)
        self._turn = threading.Lock()
        self._streams = Streams(self._pipeline, self._turn)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return len(self._prompts.render(messages))

    def clock(self) -> float:
        return time.perf_counter()

    def batches(self, requests: Sequence[Request]) -> list[list[int]]:
        return longest_first(requests, self.count_tokens, self._spec.batch_size)

    def generate(self, batch: Sequence[Request], on_done: OnDone) -> None:
        prompts = [self._prompts.render(r.messages) for r in batch]
        admission = Admission(prompts, STEP_TOKENS, self._spec.batch_size)
        spent = [0.0] * len(batch)
        with self._alone(batch[0].adapter) as space:
            running: dict[int, Running] = {}
            start = time.perf_counter()
            while running or admission.waiting:
                for i in admission.next():
                    running[i] = self._add(prompts[i], batch[i], space)
                self._pipeline.step(running.values())
                now = time.perf_counter()
                for i, share in admission.shares().items():
                    spent[i] += share * (now - start)
                start = now
                for i, r in list(running.items()):
                    if r.tokens:
                        admission.computed(i)
                    if r.done:
                        del running[i]
                        admission.finished(i)
                        failed = self._no_room(prompts[i]) if r.failed else None
                        on_done(i, failed or self._generation(prompts[i], r, spent[i]))

    def time(self, request: Request) -> Generation:
        prompt = self._prompts.render(request.messages)
        with self._alone(request.adapter) as space:
            sent = time.perf_counter()
            running = self._add(prompt, request, space)
            while not running.done:
                self._pipeline.step([running])
            generation = self._generation(prompt, running, 0.0)
            total = time.perf_counter() - sent
        if running.failed:
            raise self._no_room(prompt)
        times = {"compute_s": total, "first_token_s": running.times[0] - sent, "total_s": total}
        return generation.model_copy(update=times)

    def stream(self, request: Request) -> Iterator[str | Generation]:
        prompt = self._prompts.render(request.messages)
        pieces = self._prompts.pieces()
        sent = time.perf_counter()
        asked: Running | None = None
        with closing(self._streams.ask(request.adapter, prompt, request.decoding)) as tokens:
            for token, asked in tokens:  # noqa: B007
                if piece := pieces.put(token):
                    yield piece
        if asked is None:
            raise BackendError("generation failed: no token came")
        total = time.perf_counter() - sent
        generation = self._generation(prompt, asked, total)
        if rest := pieces.rest(generation.text):
            yield rest
        yield generation.model_copy(
            update={"first_token_s": asked.times[0] - sent, "total_s": total},
        )

    def warm_up(self, request: Request) -> None:
        self.time(request.model_copy(update={"decoding": Decoding(max_new_tokens=4)}))

    @contextmanager
    def _alone(self, adapter: str | None) -> Iterator[int]:
        """The engine with ``adapter`` for this call alone; gives a space that no other call shares."""
        with self._turn:
            self._pipeline.use(adapter)
            try:
                yield self._pipeline.space()
            except BaseException:
                self._pipeline.drop()  # with what still runs in it
                raise

    def _add(self, prompt: Sequence[int], request: Request, space: int) -> Running:
        return self._pipeline.add(prompt, request.decoding, space, request.json_schema, request.sample)

    def _no_room(self, prompt: Sequence[int]) -> BackendError:
        return BackendError(
            f"the key/value cache of {self._spec.kv_cache_gb:g} GB has no room for a prompt of {len(prompt)} "
            "tokens and its answer; raise backend.kv_cache_gb in scenario.yaml"
        )

    def _generation(self, prompt: Sequence[int], running: Running, spent: float) -> Generation:
        return Generation(
            text=self._prompts.text(running.tokens),
            prompt_tokens=len(prompt),
            output_tokens=len(running.tokens),
            finish="stop" if running.finish == "stop" else "length",
            prompt_hash=fingerprint(prompt),
            compute_s=spent,
        )
