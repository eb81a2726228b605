"""Rows on a GPU: kernels against plain torch, CUDA graphs against plain generation, quantised weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.types.settings import BackendSpec

from .test_contract import QUESTIONS, answers, ask
from .test_rows import EOS, load, plain, prompts

torch = pytest.importorskip("torch")
if not torch.cuda.is_available():
    pytest.skip("no GPU", allow_module_level=True)

from harness.backends.rows import compiled  # noqa: E402
from harness.backends.rows import kernels as both  # noqa: E402
from harness.backends.rows.engine import RowLimits, row_engine  # noqa: E402
from harness.backends.transformers import TransformersBackend  # noqa: E402

pytestmark = [pytest.mark.model, pytest.mark.slow]

CLOSE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}


def near(found: Any, reference: Any) -> bool:
    return bool((found.double() - reference).norm() <= CLOSE[found.dtype] * reference.norm())


def random(*shape: int, dtype: Any) -> Any:
    return torch.randn(*shape, device="cuda", dtype=torch.float32).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("heads", "shared", "size"), [(8, 8, 128), (8, 2, 64), (9, 3, 64), (4, 1, 80)])
@pytest.mark.parametrize("window", [None, 100])
def test_attention(dtype: Any, heads: int, shared: int, size: int, window: int | None) -> None:
    query = random(5, 1, heads, size, dtype=dtype).transpose(1, 2)
    keys, values = (random(5, shared, 768, size, dtype=dtype) for _ in range(2))
    lengths = torch.tensor([0, 63, 64, 500, 767], device="cuda")
    found = compiled.attend(query, keys, values, lengths, size**-0.5, window)
    wide = [t.double().cpu() for t in (query, keys, values)]
    assert near(found.cpu(), both.attend(*wide, lengths.cpu(), size**-0.5, window))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_small_kernels(dtype: Any) -> None:
    x, weight = random(3, 5, 1000, dtype=dtype), random(1000, dtype=dtype)
    cpu = x.double().cpu()
    assert near(compiled.rms_norm(x, weight, 1e-5).cpu(), both.rms_norm(cpu, weight.double().cpu(), 1e-5))
    assert near(compiled.silu_times(x).cpu(), both.silu_times(cpu))
    q, k = (random(3, 7, n, 64, dtype=dtype).transpose(1, 2) for n in (6, 2))
    for rows in (1, 3):
        cos, sin = random(rows, 7, 64, dtype=dtype), random(rows, 7, 64, dtype=dtype)
        expected = both.rotate(*(t.double().cpu() for t in (q, k, cos, sin)))
        assert all(near(f.cpu(), e) for f, e in zip(compiled.rotate(q, k, cos, sin), expected, strict=True))


@pytest.mark.parametrize("start", [0, 50])
def test_graphs_write_what_plain_generation_writes(tiny_model: Path, tmp_path: Path, start: int) -> None:
    own, asked = load(tiny_model), prompts(start, (20, 25, 30, 12, 9, 8, 40, 50, 60, 2) * 2)
    expected = [plain(own, p, 24) for p in asked]
    for rows in (1, 3, 32):
        limits = RowLimits(tmp_path / "rows.json")
        engine = row_engine(load(tiny_model).cuda(), EOS, rows, limits, graphs=True)
        assert engine is not None
        for batch, wanted in ((asked, expected), (asked[::-1], expected[::-1])):
            found: dict[int, list[int]] = {}
            engine.generate(batch, 24, lambda w, f=found: f.__setitem__(w.place, w.tokens))  # type: ignore[misc]
            assert [found[i] for i in range(len(batch))] == wanted


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("quantization", ["none", "nf4", "int8"])
def test_the_backend_answers_alike_in_batches_and_alone(tiny_model: Path, quantization: Any) -> None:
    """Of a random model with near ties a few answers may differ in 8 bits, whose scales depend on the batch."""
    spec = BackendSpec(dtype="float32", batch_size=2, quantization=quantization)
    backend = TransformersBackend(spec, tiny_model, "w", 0)
    requests = [ask(q, tokens=24) for q in QUESTIONS]
    together = [g.text for g in answers(backend, requests)]
    assert backend._rows is not None
    alone = [backend.time(r) for r in requests]
    assert all(0 < g.first_token_s <= g.total_s for g in alone)  # type: ignore[operator]
    equal = sum(a.text == b for a, b in zip(alone, together, strict=True))
    assert equal == len(requests) if quantization != "int8" else equal > 0
    *pieces, whole = backend.stream(requests[0])
    assert "".join(pieces) == whole.text == alone[0].text  # type: ignore[arg-type, union-attr]


@pytest.mark.usefixtures("own_cache")
def test_rows_are_as_many_as_fit(tiny_model: Path, tmp_path: Path) -> None:
    limits = RowLimits(tmp_path / "rows.json")
    engine = row_engine(load(tiny_model).cuda(), EOS, 1024, limits, graphs=False)
    assert engine is not None
    free, total = torch.cuda.mem_get_info()
    full = torch.empty(int(free - 0.1 * total - 256 * 2**20), dtype=torch.uint8, device="cuda")
    asked = prompts() * 147
    found: list[int] = []
    engine.generate(asked, 300, lambda w: found.append(w.place))
    del full
    assert sorted(found) == list(range(len(asked)))
