"""Rows on the CPU: the same admission, cache and shared starts as on a GPU, without CUDA graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import BackendError
from harness.types.settings import BackendSpec

from .test_contract import QUESTIONS, answers, ask

torch = pytest.importorskip("torch")

from harness.backends.rows import decoder as decoding  # noqa: E402
from harness.backends.rows.attention import use_rows  # noqa: E402
from harness.backends.rows.decoder import RowDecoder, Written, length_for, together, width  # noqa: E402
from harness.backends.rows.engine import RowLimits, row_engine  # noqa: E402
from harness.backends.rows.fuse import fuse  # noqa: E402
from harness.backends.transformers import TransformersBackend  # noqa: E402

pytestmark = pytest.mark.model

EOS = {2}


def load(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def prompts(start: int = 0, sizes: tuple[int, ...] = (5, 41, 12, 70, 33, 2, 64)) -> list[list[int]]:
    random = torch.Generator().manual_seed(start)

    def some(n: int) -> list[int]:
        found: list[int] = torch.randint(3, 300, (n,), generator=random).tolist()
        return found

    shared = some(start)
    return [shared + some(n) for n in sizes]


def plain(model: Any, prompt: list[int], limit: int) -> list[int]:
    """What transformers' own generation writes for one prompt."""
    made = model.generate(
        input_ids=torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
        max_new_tokens=limit,
        do_sample=False,
        pad_token_id=0,
        eos_token_id=sorted(EOS),
    )
    found: list[int] = made[0, len(prompt) :].tolist()
    return found


def written(model: Any, asked: list[list[int]], rows: int, limit: int) -> list[Written]:
    found: list[Written] = []
    RowDecoder(model, rows, length_for(asked, limit), EOS, graphs=False).run(asked, limit, found.append)
    assert sorted(w.place for w in found) == list(range(len(asked)))
    return sorted(found, key=lambda w: w.place)


@pytest.fixture
def served(tiny_model: Path) -> Any:
    model = load(tiny_model)
    use_rows(model)
    assert [f.__name__ for f in fuse(model)] == ["transformers.models.llama.modeling_llama"]
    return model


@pytest.mark.parametrize("rows", [1, 2, 3, 16])
@pytest.mark.parametrize("start", [0, 50])
def test_rows_write_what_plain_generation_writes(
    tiny_model: Path, served: Any, rows: int, start: int
) -> None:
    asked, own = prompts(start), load(tiny_model)
    expected = [plain(own, p, 40) for p in asked]
    found = written(served, asked, rows, 40)
    assert [w.tokens for w in found] == expected
    assert [w.stopped for w in found] == [t[-1] in EOS for t in expected]
    assert {w.stopped for w in found} == {True, False}


def test_the_fast_rotary_embedding_is_in_place_while_the_model_runs_and_no_longer(served: Any) -> None:
    from transformers.models.llama import modeling_llama as family

    before, seen, families = family.apply_rotary_pos_emb, [], fuse(served)
    served.model.norm.register_forward_hook(lambda *_: seen.append(family.apply_rotary_pos_emb))
    asked = prompts(0, (9, 4))
    one = RowDecoder(served, 2, length_for(asked, 4), EOS, graphs=False, families=families)
    found: dict[int, list[int]] = {}
    one.run(asked, 4, lambda w: found.__setitem__(w.place, w.tokens))
    assert before not in seen
    assert family.apply_rotary_pos_emb is before
    assert list(map(found.get, range(2))) == [w.tokens for w in written(served, asked, 2, 4)]


def test_what_others_ask_changes_nothing(served: Any) -> None:
    asked = prompts()
    together = [w.tokens for w in written(served, asked, 3, 20)]
    assert [w.tokens for w in written(served, asked[::-1], 3, 20)] == together[::-1]


def test_one_decoder_serves_batch_after_batch(served: Any) -> None:
    asked, again = prompts(50), prompts(40, (9, 3, 22, 30))
    one = RowDecoder(served, 2, 512, EOS, graphs=False)
    for batch in (asked, again, asked):
        found: list[Written] = []
        one.run(batch, 12, found.append)
        tokens = {w.place: w.tokens for w in found}
        assert [tokens[i] for i in range(len(batch))] == [w.tokens for w in written(served, batch, 2, 12)]


def test_a_shared_start_is_read_once(served: Any) -> None:
    asked = prompts(100, (10, 10, 10, 10))
    widths: list[int] = []
    inner = RowDecoder._read

    class Watched(RowDecoder):
        def _read(self, prompts: Any, rows: list[int], start: int) -> None:
            widths.extend(len(p) - start for p in prompts)
            inner(self, prompts, rows, start)

    Watched(served, 2, 512, EOS, graphs=False).run(asked, 3, lambda _: None)
    assert widths == [100, 10, 10, 10, 10]


def test_machine_time_adds_up_to_the_time_taken(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10_000))
    monkeypatch.setattr(decoding.time, "perf_counter", lambda: float(next(ticks)))
    asked = prompts()
    found = written(served, asked, 3, 8)
    assert sum(w.compute_s for w in found) == pytest.approx(next(ticks) - 1)
    assert all(w.compute_s > 0 for w in found)


def test_tokens_are_told_as_they_come(served: Any) -> None:
    asked, told, found = prompts(), {}, []  # type: ignore[var-annotated]
    one = RowDecoder(served, 3, length_for(asked, 9), EOS, graphs=False)
    one.run(asked, 9, found.append, lambda place, token: told.setdefault(place, []).append(token))
    assert told == {w.place: w.tokens for w in found}


@pytest.mark.parametrize("start", [0, 50])
def test_prompts_of_a_width_are_read_together(tiny_model: Path, served: Any, start: int) -> None:
    asked, own = prompts(start, (20, 25, 30, 12, 9, 8, 40, 50, 60, 20) * 3), load(tiny_model)
    assert written_tokens(served, asked, 24) == [plain(own, p, 24) for p in asked]


def written_tokens(model: Any, asked: list[list[int]], rows: int) -> list[list[int]]:
    sizes: list[int] = []
    inner = RowDecoder._read

    class Watched(RowDecoder):
        def _read(self, prompts: Any, rows: list[int], start: int) -> None:
            sizes.append(len(rows))
            inner(self, prompts, rows, start)

    found: dict[int, list[int]] = {}
    one = Watched(model, rows, length_for(asked, 24), EOS, graphs=False)
    one.run(asked, 24, lambda w: found.__setitem__(w.place, w.tokens))
    assert {1, 2} == set(sizes)
    return [found[i] for i in range(len(asked))]


def test_how_many_are_read_together() -> None:
    assert [together(32, n) for n in (1, 8, 16, 24, 32, 64, 1024)] == [1, 1, 2, 2, 4, 8, 16]
    assert [together(n, 64) for n in (128, 256, 384, 1024)] == [4, 2, 1, 1]


def test_widths_are_few_and_wide_enough() -> None:
    assert [width(n) for n in (1, 32, 33, 256, 257, 1024, 1025)] == [32, 32, 64, 256, 384, 1024, 1536]


def test_the_backend_answers_in_rows_as_without(tiny_model: Path, tmp_path: Path) -> None:
    requests = [ask(q, tokens=24) for q in QUESTIONS]

    def make() -> TransformersBackend:
        return TransformersBackend(BackendSpec(dtype="float32", batch_size=2, threads=1), tiny_model, "w", 0)

    expected, backend = answers(make(), requests), make()
    model = backend._load(None)
    backend._rows = row_engine(model, backend._eos(), 2, RowLimits(tmp_path / "rows.json"), graphs=False)
    same = ("text", "output_tokens", "finish", "prompt_tokens", "prompt_hash")

    def told(g: Any) -> list[Any]:
        return [getattr(g, name) for name in same]

    assert [told(g) for g in answers(backend, requests)] == [told(g) for g in expected]
    alone = [backend.time(r) for r in requests]
    assert [told(g) for g in alone] == [told(g) for g in expected]
    assert all(0 < g.first_token_s <= g.total_s for g in alone)  # type: ignore[operator]
    *pieces, whole = backend.stream(requests[0])
    assert "".join(pieces) == expected[0].text  # type: ignore[arg-type]
    assert told(whole) == told(expected[0])
    dropped = backend.stream(requests[1])
    next(dropped)
    dropped.close()  # type: ignore[attr-defined]
    assert told(backend.time(requests[1])) == told(expected[1])
    sampled = [ask(q, tokens=24, temperature=0.9) for q in QUESTIONS]
    assert [g.text for g in answers(backend, sampled)] == [g.text for g in answers(make(), sampled)]


class _Scarce(RowDecoder):
    """Memory for two rows."""

    def __init__(self, model: Any, rows: int, *more: Any, **named: Any):
        super().__init__(model, rows, *more, **named)
        self.steps = 0

    def _read(self, prompts: Any, rows: list[int], start: int) -> None:
        self.steps += 1
        if self.rows > 2 and self.steps > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        super()._read(prompts, rows, start)


def test_out_of_memory_halves_the_rows_and_is_remembered(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.backends.rows.engine.RowDecoder", _Scarce)
    asked, file = prompts(), tmp_path / "rows.json"

    def run() -> list[Written]:
        engine = row_engine(load(tiny_model), EOS, 8, RowLimits(file), graphs=False)
        assert engine is not None
        found: list[Written] = []
        engine.generate(asked, 30, found.append)
        return found

    found = run()
    assert sorted(w.place for w in found) == list(range(len(asked)))
    assert RowLimits(file).of(length_for(asked, 30)) == 2
    assert {w.place: w.tokens for w in run()} == {w.place: w.tokens for w in found}


def test_memory_too_small_for_one_request_is_an_error(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = row_engine(load(tiny_model), EOS, 2, RowLimits(tmp_path / "rows.json"), graphs=False)
    assert engine is not None

    def scarce(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(RowDecoder, "run", scarce)
    with pytest.raises(BackendError, match="does not fit the memory"):
        engine.generate(prompts(), 4, lambda _: None)


def test_a_model_that_chooses_otherwise_is_left_alone(tiny_model: Path, tmp_path: Path) -> None:
    model = load(tiny_model)
    model.generation_config.repetition_penalty = 1.1
    assert row_engine(model, EOS, 2, RowLimits(tmp_path / "rows.json"), graphs=False) is None
    assert model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("family", ["Qwen3", "Mistral", "Gemma2", "Gemma3Text", "Phi3", "Qwen2"])
def test_other_families_are_served_or_left_alone(family: str, tmp_path: Path) -> None:
    """Windows, norms of queries, joined projections, biases; Gemma 2's capped attention is not served."""
    import transformers

    kind = getattr(transformers, f"{family}Config")
    config = kind(
        vocab_size=300,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=256,
        initializer_range=0.15,
        sliding_window=24 if "Gemma" in family or family == "Mistral" else None,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    torch.manual_seed(3)
    name = family.removesuffix("Text")
    model = getattr(transformers, f"{name}ForCausalLM")(config).eval()
    asked = prompts(40)
    expected = [plain(model, p, 20) for p in asked]
    engine = row_engine(model, EOS, 4, RowLimits(tmp_path / "rows.json"), graphs=False)
    if family == "Gemma2":
        assert engine is None
        return
    assert engine is not None
    found: dict[int, list[int]] = {}
    engine.generate(asked, 20, lambda w: found.__setitem__(w.place, w.tokens))
    assert [found[i] for i in range(len(asked))] == expected
