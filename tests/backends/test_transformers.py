"""The transformers backend on a random model: what the contract cannot say for every engine."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from harness.errors import BackendError, ModelError
from harness.types.answers import Generation
from harness.types.data import Message
from harness.types.settings import BackendSpec

from .test_contract import QUESTIONS, REQUESTS, answers, ask

torch = pytest.importorskip("torch")

from harness.backends.transformers import TransformersBackend  # noqa: E402

pytestmark = pytest.mark.model


def backend(folder: Path, size: int = 8, seed: int = 0) -> TransformersBackend:
    return TransformersBackend(BackendSpec(dtype="float32", batch_size=size, threads=1), folder, "w", seed)


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter whose weights are far from zero."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(base, config)
    for name, p in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(p, std=0.3)
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(folder)
    return folder


def test_greedy_text_does_not_depend_on_the_batch(tiny_model: Path) -> None:
    """In float32 with one thread it is equal here. Padding changes the order of sums, so that a model with
    near ties may differ in a token between batch sizes: that is why the batch size is in the answers' key and
    why a resumed run repeats whole batches."""
    requests = [ask(q, tokens=24) for q in QUESTIONS]
    together = [g.text for g in answers(backend(tiny_model, 8), requests)]
    assert [g.text for g in answers(backend(tiny_model, 1), requests)] == together
    one = backend(tiny_model, 1)
    assert [one.time(r).text for r in requests] == together
    assert len(set(together)) == len(together)


def test_the_end_token_stops_and_is_not_in_the_text(tiny_model: Path) -> None:
    found = answers(backend(tiny_model), [ask(f"question number {i}", tokens=40) for i in range(12)])
    stopped = [g for g in found if g.finish == "stop"]
    assert stopped
    assert all(g.output_tokens <= 40 and "<|im_end|>" not in g.text for g in stopped)
    assert all(g.output_tokens == 40 for g in found if g.finish == "length")


def test_batched_and_single_agree_on_how_an_answer_ended(tiny_model: Path) -> None:
    b = backend(tiny_model)
    requests = [ask(f"question number {i}", tokens=30) for i in range(6)]
    for request, g in zip(requests, answers(b, requests), strict=True):
        alone = b.time(request)
        assert (alone.finish, alone.output_tokens) == (g.finish, g.output_tokens)


def test_the_tokenizers_end_token_stops_where_the_model_names_none(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "no-eos"
    shutil.copytree(tiny_model, folder)
    for name in ("config.json", "generation_config.json"):
        settings = json.loads((folder / name).read_text())
        settings.pop("eos_token_id")
        (folder / name).write_text(json.dumps(settings))
    requests = [ask(f"question number {i}", tokens=40) for i in range(12)]
    expected = answers(backend(tiny_model), requests)
    assert [(g.text, g.output_tokens) for g in answers(backend(folder), requests)] == [
        (g.text, g.output_tokens) for g in expected
    ]
    assert [backend(folder).time(requests[0]).output_tokens] == [expected[0].output_tokens]


def test_the_context_is_the_smaller_of_tokenizer_and_model(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "short"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 40}))
    with pytest.raises(BackendError, match="context 40"):
        backend(folder).count_tokens(REQUESTS[1].messages)


def test_a_conversation_that_the_template_refuses_is_a_backend_error(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "strict"
    shutil.copytree(tiny_model, folder)
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no system role here') }}")
    with pytest.raises(BackendError, match="no system role here"):
        backend(folder).count_tokens([Message(role="user", content="hello")])


def test_a_model_without_a_chat_template_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    shutil.copytree(tiny_model, folder)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="chat template"):
        backend(folder)


def test_compute_time_sums_to_the_wall_time_of_the_batch(tiny_model: Path) -> None:
    b = backend(tiny_model)
    requests = [ask(q, tokens=60) for q in QUESTIONS]
    b.warm_up(requests[0])
    done: dict[int, Generation] = {}
    start = time.perf_counter()
    b.generate(requests, done.__setitem__)
    wall = time.perf_counter() - start
    assert sum(g.compute_s for g in done.values()) == pytest.approx(wall, rel=0.15, abs=0.02)


def test_a_row_is_handed_out_before_its_batch_ends(tiny_model: Path) -> None:
    b = backend(tiny_model)
    requests = [ask(f"question number {i}", tokens=60) for i in range(12)]
    b.warm_up(requests[0])
    told: list[tuple[float, int]] = []
    b.generate(requests, lambda _, g: told.append((time.perf_counter(), g.output_tokens)))
    end = time.perf_counter()
    assert [n for _, n in told] == sorted(n for _, n in told)
    first, last = told[0], told[-1]
    assert first[1] < last[1]
    assert end - first[0] > 2 * (end - last[0])


def test_batches_are_of_one_adapter_and_one_decoding_and_longest_first(tiny_model: Path) -> None:
    b = backend(tiny_model, 3)
    requests = [ask(q, tokens=n, adapter=a) for q in QUESTIONS for n in (5, 6) for a in (None, "x")]
    for batch in b.batches(requests):
        assert len({(requests[i].adapter, requests[i].decoding) for i in batch}) == 1
        lengths = [b.count_tokens(requests[i].messages) for i in batch]
        assert lengths == sorted(lengths, reverse=True)


def test_a_merged_adapter_gives_the_logits_of_the_unmerged(tiny_model: Path, adapter: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    ids = torch.tensor([[5, 20, 40, 80, 160, 300]])
    with torch.no_grad():
        plain = base(ids).logits.clone()
        beside = PeftModel.from_pretrained(base, adapter).eval()(ids).logits
        merged = backend(tiny_model)._load(str(adapter))(ids).logits
    assert torch.allclose(merged, beside, atol=1e-4)
    assert not torch.allclose(plain, beside, atol=1e-2)


def test_the_base_is_the_same_again_after_an_adapter(tiny_model: Path, adapter: Path) -> None:
    b = backend(tiny_model)
    before = [g.text for g in answers(b, REQUESTS)]
    tuned = [g.text for g in answers(b, [ask(q, adapter=str(adapter)) for q in QUESTIONS])]
    assert [g.text for g in answers(b, REQUESTS)] == before != tuned


def test_sampling_repeats_with_the_seed_and_changes_with_it(tiny_model: Path) -> None:
    requests = [ask(q, temperature=1.0, tokens=16) for q in QUESTIONS]
    texts = [[g.text for g in answers(backend(tiny_model, seed=s), requests)] for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_an_engine_error_becomes_a_backend_error(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    b = backend(tiny_model)
    model = b._load(None)

    def out_of_memory(**_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: not enough memory\nstack ...")

    monkeypatch.setattr(model, "generate", out_of_memory)
    with pytest.raises(BackendError, match=r"generation failed: DefaultCPUAllocator: not enough memory$"):
        b.generate(REQUESTS, lambda *_: None)


def test_the_default_model_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """SmolLM2 from the user's cache; skipped where it was never fetched."""
    from harness.models.source import fetch, is_local
    from harness.scenario.load import load_scenario

    source = load_scenario(Path("scenarios/support-bot")).model
    if not is_local(source):
        pytest.skip("`harness models fetch support-bot` was never run here")
    b = backend(fetch(source, offline=True))
    g = b.time(ask("What is the capital of France? Answer in one word.", tokens=12))
    assert "Paris" in g.text
    assert g.finish == "stop"
