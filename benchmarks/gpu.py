"""How near the transformers engine comes to a GPU's limits, beside transformers' plain ``generate`` in the same run.

    python -m benchmarks.gpu [--rows 1 16 64] [--prompt 128] [--new 128] [--out FILE]

The model has the shape of Llama 2 7B and random weights in bfloat16. Prints a JSON object a line. Needs an NVIDIA GPU.

- ``limits``: bandwidth of a large copy (bytes read and written) and rate of a large matrix product, as measured here.
- ``batch``: tokens per second from the prompts' first token read to the last one written, for as many prompts as rows,
  best of the rounds, plain and engine in turn; shares of what the memory and the matrix units would allow. A step
  reads all weights but the embedding's and, for each row, its keys and values so far; a token costs two operations a
  weight.
- ``admission``: four times as many prompts as rows, answers of unequal length; plain takes them batch by batch.
- ``agreement``: of the greedy tokens. With random weights the two likeliest tokens are often a rounding to bfloat16
  apart, so where an answer parts from plain's the distance of the two tokens in plain's logits is given, and beside
  it the same of plain's answers one by one against plain's in the batch. ``exact`` is in float32, on a model of 12
  layers, where rounding hardly matters.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from harness.backends.rows.engine import RowEngine, RowLimits, row_engine

_VOCABULARY = 32_000
_END = range(2, _VOCABULARY, 97)
"""Tokens that end an answer, where answers are to be of unequal length: about one in a hundred."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rows", type=int, nargs="+", default=[1, 4, 16, 64])
    arguments.add_argument("--prompt", type=int, default=128)
    arguments.add_argument("--new", type=int, default=128)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--speed-alone", action="store_true", help="leave out agreement and admission")
    arguments.add_argument("--out", type=Path)
    given = arguments.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    lines: list[dict[str, Any]] = []

    def tell(what: str, **found: Any) -> None:
        lines.append({"what": what, **found})
        print(json.dumps(lines[-1]), flush=True)
        if given.out:
            given.out.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    limits = measured_limits()
    tell("limits", gpu=torch.cuda.get_device_name(), torch=torch.__version__, **limits)
    if not given.speed_alone:
        tell("exact", **exactness())
    gc.collect()  # models refer to themselves
    torch.cuda.empty_cache()
    model = llama(torch.bfloat16, layers=32)
    plain_model = llama(torch.bfloat16, layers=32)
    began = time.perf_counter()
    engine = served(model, max(given.rows))
    tell("ready", seconds=round(time.perf_counter() - began, 2))
    alone: list[list[int]] = []
    for rows in given.rows:
        asked = prompts(rows, given.prompt)
        ours: list[list[int]] = []
        began = time.perf_counter()
        written(engine, asked, 2)
        capture = time.perf_counter() - began
        times: dict[str, list[float]] = {"plain": [], "engine": []}
        theirs: list[list[int]] = []
        plain(plain_model, asked, 4)
        for _ in range(given.rounds):
            seconds, theirs = timed(lambda a=asked: plain(plain_model, a, given.new))  # type: ignore[misc]
            times["plain"].append(seconds)
            seconds, ours = timed(lambda a=asked: written(engine, a, given.new))  # type: ignore[misc]
            times["engine"].append(seconds)
        rate = {k: rows * given.new / min(v) for k, v in times.items()}
        tell(
            "batch",
            rows=rows,
            plain=round(rate["plain"], 1),
            engine=round(rate["engine"], 1),
            ratio=round(rate["engine"] / rate["plain"], 2),
            step_ms=round(1000 * rows / rate["engine"], 2),
            capture_s=round(capture, 2),
            **shares(model, rows, given, rate["engine"], limits),
        )
        if given.speed_alone:
            continue
        alone = alone or [plain(plain_model, [p], given.new)[0] for p in prompts(4, given.prompt)]
        tell(
            "agreement",
            rows=rows,
            engine=agreement(plain_model, asked, theirs, ours),
            plain_alone=agreement(plain_model, asked[:4], theirs[:4], alone[: len(asked)]),
        )
    if not given.speed_alone:
        admission(model, plain_model, given, tell)


def llama(dtype: torch.dtype, layers: int) -> Any:
    """The shape of Llama 2 7B (32 layers), made on the GPU."""
    config = LlamaConfig(
        vocab_size=_VOCABULARY,
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=layers,
        num_attention_heads=32,
        num_key_value_heads=32,
        max_position_embeddings=4096,
        attn_implementation="sdpa",
    )
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    with torch.device("cuda"):
        model = LlamaForCausalLM(config)
    torch.set_default_dtype(before)
    model.generation_config.eos_token_id = None
    return model.eval()


def served(model: Any, rows: int, eos: set[int] | None = None) -> RowEngine:
    engine = row_engine(
        model, eos or set(), rows, RowLimits(Path("/tmp/rows-of-the-benchmark.json")), graphs=True
    )
    assert engine is not None
    return engine


def prompts(n: int, tokens: int) -> list[list[int]]:
    random = torch.Generator().manual_seed(1)
    found: list[list[int]] = torch.randint(3, _VOCABULARY, (n, tokens), generator=random).tolist()
    return found


def plain(model: Any, asked: list[list[int]], new: int, eos: list[int] | None = None) -> list[list[int]]:
    ids = torch.tensor(asked, device="cuda")
    made = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=new,
        do_sample=False,
        pad_token_id=0,
        eos_token_id=eos,
    )
    found: list[list[int]] = made[:, ids.shape[1] :].tolist()
    return found


def written(engine: RowEngine, asked: list[list[int]], new: int) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    engine.generate(asked, new, lambda w: found.__setitem__(w.place, w.tokens))
    return [found[i] for i in range(len(asked))]


def timed(work: Callable[[], list[list[int]]]) -> tuple[float, list[list[int]]]:
    torch.cuda.synchronize()
    began = time.perf_counter()
    found = work()
    torch.cuda.synchronize()
    return time.perf_counter() - began, found


def measured_limits() -> dict[str, float]:
    from triton.testing import do_bench

    a = torch.randn(2**30, device="cuda", dtype=torch.bfloat16)
    b = torch.empty_like(a)
    copy = do_bench(lambda: b.copy_(a), return_mode="median")
    x, y = torch.randn(2, 8192, 8192, device="cuda", dtype=torch.bfloat16)
    product = do_bench(lambda: x @ y, return_mode="median")
    read = do_bench(lambda: torch.mv(x, y[0]), return_mode="median")
    return {
        "copy_tb_s": round(2 * a.nbytes / copy / 1e9, 3),
        "matrix_vector_tb_s": round(x.nbytes / read / 1e9, 3),
        "matmul_tflop_s": round(2 * 8192**3 / product / 1e9, 1),
    }


def shares(model: Any, rows: int, given: Any, rate: float, limits: dict[str, float]) -> dict[str, float]:
    """Of the whole call: its least time by bytes (decoding) and operations (reading), and what it took."""
    weights = sum(p.numel() for p in model.parameters()) - model.get_input_embeddings().weight.numel()
    config = model.config
    per_token = 2 * 2 * config.num_hidden_layers * config.hidden_size  # keys and values of two bytes
    held = given.prompt + given.new / 2
    step = (2 * weights + rows * held * per_token) / (limits["copy_tb_s"] * 1e12)
    products = 2 * weights * rows / (limits["matmul_tflop_s"] * 1e12)
    reading = products * given.prompt
    least = reading + given.new * max(step, products)
    return {
        "limit": round(rows * given.new / least, 1),
        "share": round(rate * least / (rows * given.new), 3),
        "bandwidth_share": round(given.new * step / (rows * given.new / rate), 3),
        "matmul_share": round((reading + given.new * products) / (rows * given.new / rate), 3),
    }


def parting(a: list[int], b: list[int]) -> int:
    """Tokens before the first that differs."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


@torch.inference_mode()
def agreement(
    model: Any, asked: list[list[int]], theirs: list[list[int]], ours: list[list[int]]
) -> dict[str, Any]:
    """How far ``ours`` go with ``theirs``; where they part, the lead of their token in logits of the plain model."""
    leads: list[float] = []
    same = [parting(a, b) for a, b in zip(theirs, ours, strict=True)]
    for prompt, a, b, at in zip(asked, theirs, ours, same, strict=True):
        if at < len(a):
            ids = torch.tensor([prompt + a[:at]], device="cuda")
            logits = model(ids, logits_to_keep=1).logits[0, -1].float()
            leads.append(float(logits[a[at]] - logits[b[at]]))
    return {
        "answers": len(asked),
        "equal": len(asked) - len(leads),
        "tokens_before_parting": round(sum(same) / len(same), 1),
        "largest_lead": round(max(map(abs, leads)), 4) if leads else None,
    }


def exactness() -> dict[str, Any]:
    """Greedy tokens in float32, with and without a start that the prompts share."""
    model, own = llama(torch.float32, layers=12), llama(torch.float32, layers=12)
    engine = served(model, 8)
    found = {}
    for name, start in (("apart", []), ("shared", prompts(1, 70)[0])):
        asked = [start + p for p in prompts(24, 60)]
        theirs, ours = plain(own, asked, 64), written(engine, asked, 64)
        found[name] = agreement(own, asked, theirs, ours)
    return found


def admission(model: Any, own: Any, given: Any, tell: Callable[..., None]) -> None:
    eos = list(_END)
    for rows in [r for r in given.rows if 1 < r <= 64]:  # beyond, `generate` does not fit beside the engine
        engine = served(model, rows, set(eos))
        asked = prompts(4 * rows, given.prompt)
        written(engine, asked[:rows], 2)
        batches = [asked[i : i + rows] for i in range(0, len(asked), rows)]
        before, _ = timed(lambda b=batches: [t for a in b for t in plain(own, a, given.new, eos)])  # type: ignore[misc]
        after, ours = timed(lambda e=engine, a=asked: written(e, a, given.new))  # type: ignore[misc]
        tokens = sum(map(len, ours))
        tell(
            "admission",
            rows=rows,
            prompts=len(asked),
            tokens=tokens,
            engine=round(tokens / after, 1),
            plain_s=round(before, 2),
            engine_s=round(after, 2),
            ratio=round(before / after, 2),
        )


if __name__ == "__main__":
    main()
