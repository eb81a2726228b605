"""Generate with Hugging Face transformers, on the CPU or on one GPU.

One set of weights is in memory at a time. An adapter is merged into them (what a deployment would serve, and
about a quarter faster than leaving it beside them on a small model); changing adapter reloads the base from disk,
because un-merging would leave rounding behind.
"""

from __future__ import annotations

import gc
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, set_seed
from transformers.utils import logging

from harness.backends.attention import use_grouped_decoding
from harness.backends.streamed import TokenPipe
from harness.errors import BackendError, ModelError
from harness.machine import engine_fingerprint, release_freed_memory, resolve_dtype, threads
from harness.protocols import OnDone
from harness.store import fingerprint
from harness.types.answers import Generation, Request
from harness.types.data import Message
from harness.types.settings import BackendSpec, Decoding

logging.set_verbosity_error()
logging.disable_progress_bar()


class TransformersBackend:
    def __init__(self, spec: BackendSpec, folder: Path, weights: str, seed: int):
        self.fingerprint = engine_fingerprint(spec, weights)
        self._spec, self._folder, self._seed = spec, folder, seed
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._dtype = getattr(torch, resolve_dtype(spec.dtype))
        torch.set_num_threads(spec.threads or threads())
        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        if self._tokenizer.chat_template is None:
            raise ModelError(
                f"{folder}: the tokenizer has no chat template; choose an instruction-tuned model"
            )
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        positions = getattr(AutoConfig.from_pretrained(folder), "max_position_embeddings", None)
        self._context = min(self._tokenizer.model_max_length, positions or math.inf)
        self._model: Any = None
        self._adapter: str | None = None
        self._streaming = threading.Lock()
        self._rendering = threading.Lock()  # the tokenizer refuses a second thread

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return len(self._render(messages))

    def clock(self) -> float:
        return time.perf_counter()

    def batches(self, requests: Sequence[Request]) -> list[list[int]]:
        """By adapter and decoding, longest first, so that padding is small and memory peaks at the start."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for i, r in enumerate(requests):
            groups.setdefault(
                (r.adapter or "", r.decoding.temperature, r.decoding.max_new_tokens), []
            ).append(i)
        plan = []
        for key in sorted(groups):
            order = sorted(
                groups[key], key=lambda i: (-self.count_tokens(requests[i].messages), requests[i].item)
            )
            size = self._spec.batch_size
            plan += [order[i : i + size] for i in range(0, len(order), size)]
        return plan

    def generate(self, batch: Sequence[Request], on_done: OnDone) -> None:
        prompts = [self._render(r.messages) for r in batch]
        model = self._load(batch[0].adapter)
        inputs = self._tokenizer.pad({"input_ids": prompts}, return_tensors="pt").to(self._device)
        watch = _RowWatcher(
            prompts, inputs["input_ids"].shape[1], self._eos(), batch[0].decoding, self._tokenizer, on_done
        )
        self._run(model, inputs, batch[0], stopping_criteria=[watch])
        release_freed_memory()

    def time(self, request: Request) -> Generation:
        prompt = self._render(request.messages)
        model = self._load(request.adapter)
        clock = _TokenClock()
        sent = time.perf_counter()
        inputs = self._tokenizer.pad({"input_ids": [prompt]}, return_tensors="pt").to(self._device)
        output = self._run(model, inputs, request, streamer=clock)
        tokens = output[0, len(prompt) :].tolist()
        stopped = tokens[-1] in self._eos()
        text = self._tokenizer.decode(tokens, skip_special_tokens=True).strip()
        total = time.perf_counter() - sent
        return Generation(
            text=text,
            prompt_tokens=len(prompt),
            output_tokens=len(tokens),
            finish="stop" if stopped else "length",
            prompt_hash=fingerprint(prompt),
            compute_s=total,
            first_token_s=clock.first - sent,
            total_s=total,
        )

    def stream(self, request: Request) -> Iterator[str | Generation]:
        """One request at a time; others wait for their turn."""
        prompt = self._render(request.messages)
        with self._streaming:
            sent = time.perf_counter()
            model = self._load(request.adapter)
            inputs = self._tokenizer.pad({"input_ids": [prompt]}, return_tensors="pt").to(self._device)

            def generate(streamer: Any, dropped: StoppingCriteria) -> list[int]:
                output = self._run(model, inputs, request, streamer=streamer, stopping_criteria=[dropped])
                return list(output[0, len(prompt) :].tolist())

            pipe, first = TokenPipe(generate, self._tokenizer), None
            with closing(pipe.pieces()) as pieces:
                for piece in pieces:
                    first = first or time.perf_counter() - sent
                    yield piece
            total = time.perf_counter() - sent
            yield Generation(
                text=pipe.text(),
                prompt_tokens=len(prompt),
                output_tokens=len(pipe.all),
                finish="stop" if pipe.all[-1] in self._eos() else "length",
                prompt_hash=fingerprint(prompt),
                compute_s=total,
                first_token_s=first,
                total_s=total,
            )

    def warm_up(self, request: Request) -> None:
        short = request.model_copy(update={"decoding": Decoding(max_new_tokens=4)})
        self.time(short)

    def _run(self, model: Any, inputs: Any, request: Request, **extra: Any) -> Any:
        decoding = request.decoding
        sampling = {"do_sample": True, "temperature": decoding.temperature} if decoding.temperature else {}
        # Growing the cache token by token copies it token by token, a fifth of a decoding step. On a GPU a static
        # cache would start a compilation.
        cache = {"cache_implementation": "static"} if self._device == "cpu" else {}
        set_seed(self._seed)
        try:
            with torch.inference_mode():
                return model.generate(
                    **inputs,
                    max_new_tokens=decoding.max_new_tokens,
                    pad_token_id=self._tokenizer.pad_token_id,
                    eos_token_id=sorted(self._eos()),
                    **{"do_sample": False, **cache, **sampling, **extra},
                )
        except (RuntimeError, ValueError) as e:
            raise BackendError(f"generation failed: {str(e).splitlines()[0]}") from e

    def _render(self, messages: Sequence[Message]) -> list[int]:
        turns = [m.model_dump() for m in messages]
        try:
            with self._rendering:
                ids = self._tokenizer.apply_chat_template(
                    turns, add_generation_prompt=True, return_dict=False
                )
        except TemplateError as e:
            raise BackendError(f"the model's chat template refuses the conversation: {e}") from None
        if len(ids) > self._context:
            raise BackendError(f"the prompt has {len(ids)} tokens, the model's context {self._context}")
        return list(ids)

    def _eos(self) -> set[int]:
        configured = self._model.generation_config.eos_token_id if self._model is not None else None
        ids = configured if isinstance(configured, list) else [configured]
        return {i for i in ids if i is not None} | {self._tokenizer.eos_token_id}

    def _load(self, adapter: str | None) -> Any:
        if self._model is not None and adapter == self._adapter:
            return self._model
        self._model = None
        gc.collect()  # models refer to themselves: a dropped one, of a training too, would live on beside the next
        release_freed_memory()
        model = AutoModelForCausalLM.from_pretrained(
            self._folder, dtype=self._dtype, attn_implementation="sdpa"
        )
        if adapter is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
        if self._device == "cpu":
            use_grouped_decoding(model)
        model.get_output_embeddings().register_forward_pre_hook(_contiguous)
        self._model, self._adapter = model.to(self._device).eval(), adapter
        return self._model


def _contiguous(_: Any, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    """The last position of each prompt is a strided view, for which torch repeats frozen weights for every row: the
    output layer of a 135M model took 3.9 GB and 8 s for 68 rows.
    """
    return (inputs[0].contiguous(),)


class _RowWatcher(StoppingCriteria):
    """Hands out each row of a batch at the step of its last token, instead of at the end of the batch."""

    def __init__(
        self,
        prompts: list[list[int]],
        width: int,
        eos: set[int],
        decoding: Decoding,
        tokenizer: Any,
        on_done: OnDone,
    ):
        self._prompts, self._width, self._eos, self._limit = prompts, width, eos, decoding.max_new_tokens
        self._tokenizer, self._on_done = tokenizer, on_done
        self._open = set(range(len(prompts)))
        self._compute = [0.0] * len(prompts)
        self._clock = time.perf_counter()
        self._prompt_tokens = sum(map(len, prompts))

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        made = input_ids.shape[1] - self._width
        last = input_ids[:, -1].tolist()
        self._share_time(first=made == 1)
        for row in sorted(self._open):
            if last[row] in self._eos or made >= self._limit:
                self._open.discard(row)
                self._finish(row, input_ids[row, self._width :].tolist(), last[row] in self._eos)
        # generate() itself stops at eos and at the limit; this only watches.
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    def _share_time(self, first: bool) -> None:
        """Prefill is shared by prompt length, a decoding step equally by the rows still open."""
        now = time.perf_counter()
        spent, self._clock = now - self._clock, now
        for row in self._open:
            share = len(self._prompts[row]) / self._prompt_tokens if first else 1 / len(self._open)
            self._compute[row] += spent * share

    def _finish(self, row: int, tokens: list[int], stopped: bool) -> None:
        prompt = self._prompts[row]
        generation = Generation(
            text=self._tokenizer.decode(tokens, skip_special_tokens=True).strip(),
            prompt_tokens=len(prompt),
            output_tokens=len(tokens),
            finish="stop" if stopped else "length",
            prompt_hash=fingerprint(prompt),
            compute_s=self._compute[row],
        )
        self._on_done(row, generation)


class _TokenClock:
    """A streamer that notes when the first new token came."""

    def __init__(self) -> None:
        self.first = 0.0
        self._calls = 0

    def put(self, _: Any) -> None:
        self._calls += 1
        if self._calls == 2:  # the first call brings the prompt
            self.first = time.perf_counter()

    def end(self) -> None:
        pass
