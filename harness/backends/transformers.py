"""Generate with Hugging Face transformers, on the CPU or on one GPU.

One set of weights is in memory at a time. An adapter is merged into them (what a deployment would serve, and
about a quarter faster than leaving it beside them on a small model); changing adapter reloads the base from disk,
because un-merging would leave rounding behind. Over quantised weights it stays beside them: merging would round the
sum to the few levels of the weights, which is another model than the one that was trained.

On a GPU, greedy answers come from ``rows``; on a CPU, and for what rows do not serve, from transformers' generate.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    StoppingCriteria,
    set_seed,
)
from transformers.utils import logging

from harness.backends.attention import use_grouped_decoding
from harness.backends.plan import longest_first
from harness.backends.prefix import can_share, padded, read_once, shared_start
from harness.backends.prompts import ChatPrompts
from harness.backends.rows.attention import other_attention
from harness.backends.rows.engine import RowLimits, row_engine
from harness.backends.streamed import TokenPipe
from harness.backends.watched import RowWatcher, TokenClock
from harness.errors import BackendError
from harness.machine import engine_fingerprint, release_freed_memory, resolve_dtype, threads
from harness.protocols import OnDone
from harness.store import cache_folder, fingerprint
from harness.types.answers import Generation, Request
from harness.types.data import Message
from harness.types.settings import BackendSpec, Decoding

logging.set_verbosity_error()
logging.disable_progress_bar()


_WAVES = 8
"""On a GPU a batch holds so many times what is answered at once: a row that ends takes the next request."""


class TransformersBackend:
    def __init__(self, spec: BackendSpec, folder: Path, weights: str, seed: int):
        self.fingerprint = engine_fingerprint(spec, weights)
        self._spec, self._folder, self._seed = spec, folder, seed
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._dtype = getattr(torch, resolve_dtype(spec.dtype))
        torch.set_num_threads(spec.threads or threads())
        self._prompts = ChatPrompts(folder)
        self._tokenizer = self._prompts.tokenizer
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._model: Any = None
        self._adapter: str | None = None
        self._rows: Any = None
        self._streaming = threading.Lock()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return len(self._prompts.render(messages))

    def clock(self) -> float:
        return time.perf_counter()

    def batches(self, requests: Sequence[Request]) -> list[list[int]]:
        size = self._spec.batch_size * (_WAVES if self._device == "cuda" else 1)
        return longest_first(requests, self.count_tokens, size)

    def generate(self, batch: Sequence[Request], on_done: OnDone) -> None:
        prompts = [self._prompts.render(r.messages) for r in batch]
        model = self._load(batch[0].adapter)

        def done(w: Any) -> None:
            on_done(w.place, self._generation(prompts[w.place], w.tokens, w.stopped, w.compute_s))

        limit = batch[0].decoding.max_new_tokens
        if self._in_rows(batch[0]):
            with _reported():
                self._rows.generate(prompts, limit, done)
            return
        start = shared_start(prompts) if self._device == "cpu" and can_share(model.config) else 0
        ids, mask = padded(prompts, start, self._tokenizer.pad_token_id)
        watch = RowWatcher(prompts, ids.shape[1], self._eos(), limit, self._generation, on_done)
        self._run(model, ids, mask, batch[0], start, stopping_criteria=[watch])
        release_freed_memory()

    def time(self, request: Request) -> Generation:
        prompt = self._prompts.render(request.messages)
        model = self._load(request.adapter)
        if self._in_rows(request):
            return self._time_in_rows(prompt, request.decoding.max_new_tokens)
        clock = TokenClock()
        sent = time.perf_counter()
        ids, mask = padded([prompt], 0, self._tokenizer.pad_token_id)
        output = self._run(model, ids, mask, request, streamer=clock)
        tokens = output[0, len(prompt) :].tolist()
        g = self._generation(prompt, tokens, tokens[-1] in self._eos())
        return self._timed(g, sent, clock.first - sent)

    def _time_in_rows(self, prompt: list[int], limit: int) -> Generation:
        marks: list[float] = []

        def mark(*_: int) -> None:
            marks.append(time.perf_counter())

        with _reported():
            w = self._rows.alone(prompt, limit, mark, mark)
        g = self._generation(prompt, w.tokens, w.stopped)
        return self._timed(g, marks[0], marks[1] - marks[0])

    def stream(self, request: Request) -> Iterator[str | Generation]:
        """One request at a time; others wait for their turn."""
        prompt = self._prompts.render(request.messages)
        with self._streaming:
            sent = time.perf_counter()
            model = self._load(request.adapter)

            def generate(streamer: Any, dropped: StoppingCriteria) -> list[int]:
                if self._in_rows(request):
                    return self._stream_in_rows(prompt, request, streamer, dropped)
                ids, mask = padded([prompt], 0, self._tokenizer.pad_token_id)
                output = self._run(model, ids, mask, request, streamer=streamer, stopping_criteria=[dropped])
                return list(output[0, len(prompt) :].tolist())

            pipe, first = TokenPipe(generate, self._prompts), None
            with closing(pipe.pieces()) as pieces:
                for piece in pieces:
                    first = first or time.perf_counter() - sent
                    yield piece
            stopped = pipe.all[-1] in self._eos()
            yield self._timed(self._generation(prompt, pipe.all, stopped), sent, first)

    def _stream_in_rows(self, prompt: list[int], request: Request, streamer: Any, dropped: Any) -> list[int]:
        def told(_: int, token: int) -> None:
            if dropped.told:
                raise BackendError("nobody waits for the answer any more")
            streamer.put(torch.tensor(token))

        streamer.put(None)  # where generate would bring the prompt
        with _reported():
            written = self._rows.alone(prompt, request.decoding.max_new_tokens, told)
        return list(written.tokens)

    def _timed(self, g: Generation, sent: float, first: float | None) -> Generation:
        total = time.perf_counter() - sent
        return g.model_copy(update={"compute_s": total, "first_token_s": first, "total_s": total})

    def warm_up(self, request: Request) -> None:
        short = request.model_copy(update={"decoding": Decoding(max_new_tokens=4)})
        self.time(short)

    def _in_rows(self, request: Request) -> bool:
        return self._rows is not None and not request.decoding.temperature

    def _run(self, model: Any, ids: Any, mask: Any, request: Request, start: int = 0, **extra: Any) -> Any:
        """``start``: tokens that all rows begin with, and that are read once."""
        decoding = request.decoding
        sampling = {"do_sample": True, "temperature": decoding.temperature} if decoding.temperature else {}
        set_seed((self._seed + request.sample) % 2**32)
        attention = other_attention(model) if self._rows else nullcontext()
        with _reported(), torch.inference_mode(), attention:
            cache: dict[str, Any] = {}
            if start:
                room = ids.shape[1] + decoding.max_new_tokens
                cache = {"past_key_values": read_once(model, ids[0, :start], len(ids), room)}
            elif self._device == "cpu":
                # Growing the cache token by token copies it token by token, a fifth of a decoding step. On a GPU a
                # static cache would start a compilation.
                cache = {"cache_implementation": "static"}
            return model.generate(
                input_ids=ids.to(self._device),
                attention_mask=mask.to(self._device),
                max_new_tokens=decoding.max_new_tokens,
                pad_token_id=self._tokenizer.pad_token_id,
                eos_token_id=sorted(self._eos()),
                **{"do_sample": False, **cache, **sampling, **extra},
            )

    def _generation(
        self, prompt: list[int], tokens: list[int], stopped: bool, compute_s: float = 0.0
    ) -> Generation:
        return Generation(
            text=self._prompts.text(tokens),
            prompt_tokens=len(prompt),
            output_tokens=len(tokens),
            finish="stop" if stopped else "length",
            prompt_hash=fingerprint(prompt),
            compute_s=compute_s,
        )

    def _eos(self) -> set[int]:
        configured = self._model.generation_config.eos_token_id if self._model is not None else None
        ids = configured if isinstance(configured, list) else [configured]
        return {i for i in ids if i is not None} | {self._tokenizer.eos_token_id}

    def _load(self, adapter: str | None) -> Any:
        if self._model is not None and adapter == self._adapter:
            return self._model
        self._model = self._rows = None
        gc.collect()  # models refer to themselves: a dropped one, of a training too, would live on beside the next
        release_freed_memory()
        model = AutoModelForCausalLM.from_pretrained(
            self._folder, dtype=self._dtype, attn_implementation="sdpa", **self._quantized()
        )
        if adapter is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, adapter)
            model = model.merge_and_unload() if self._spec.quantization == "none" else model
        if self._spec.quantization == "none":
            model = model.to(self._device)
        self._model, self._adapter = model.eval(), adapter
        model.get_output_embeddings().register_forward_pre_hook(_contiguous)
        if self._device == "cpu":
            use_grouped_decoding(model)
        else:
            # The 8-bit product asks the GPU for its outliers and waits, which a CUDA graph cannot hold.
            graphs = self._spec.quantization != "int8"
            limits = RowLimits(cache_folder() / "rows" / f"{self.fingerprint}.json")
            self._rows = row_engine(model, self._eos(), self._spec.batch_size, limits, graphs)
        return self._model

    def _quantized(self) -> dict[str, Any]:
        kind = self._spec.quantization
        if kind == "none":
            return {}
        config = BitsAndBytesConfig(
            load_in_8bit=kind == "int8",
            load_in_4bit=kind == "nf4",
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=self._dtype,
        )
        return {"quantization_config": config, "device_map": {"": self._device}}


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError) as e:
        raise BackendError(f"generation failed: {str(e).splitlines()[0]}") from e


def _contiguous(_: Any, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    """The last position of each prompt is a strided view, for which torch repeats frozen weights for every row: the
    output layer of a 135M model took 3.9 GB and 8 s for 68 rows.
    """
    return (inputs[0].contiguous(),)
