"""GGUF files: what cannot be converted is refused with the next step, before torch is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ModelError
from harness.models.convert import _tokenizer, convert_gguf
from harness.models.source import fetch, is_local
from harness.scenario.load import load_scenario

ROOT = Path(__file__).parents[2]
BYTES = [chr(c) for c in range(33, 127)]
TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *BYTES, "Ġ", "Ċ", "he", "hel", "lo", "hello"]
MERGES = ["h e", "he l", "l o", "hel lo"]


def write_gguf(file: Path, *, model: str = "gpt2", pre: str = "smollm", vocabulary: bool = True) -> Path:
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(512)
    writer.add_tokenizer_model(model)
    writer.add_tokenizer_pre(pre)
    if vocabulary:
        writer.add_token_list(TOKENS)
        writer.add_token_types([3, 3, 3] + [1] * (len(TOKENS) - 3))
        writer.add_token_merges(MERGES)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_chat_template("{{ messages }}")
    writer.add_tensor("x", np.zeros((2, 2), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_the_tokenizer_comes_from_the_files_own_vocabulary(tmp_path: Path) -> None:
    tokenizer, settings = _tokenizer(write_gguf(tmp_path / "a.gguf"))
    encoded = tokenizer.encode("<|im_start|>hello 12\n<|im_end|>")
    assert encoded.tokens == ["<|im_start|>", "hello", "Ġ", "1", "2", "Ċ", "<|im_end|>"]
    assert tokenizer.decode(encoded.ids) == "hello 12\n"
    assert settings["bos_token"] == "<|im_start|>"
    assert settings["eos_token"] == "<|im_end|>"
    assert settings["model_max_length"] == 512
    assert "pad_token" not in settings


@pytest.mark.parametrize(("model", "pre"), [("llama", "smollm"), ("gpt2", "qwen2"), ("bert", "jina")])
def test_another_vocabulary_is_refused_with_a_way_out(tmp_path: Path, model: str, pre: str) -> None:
    file = write_gguf(tmp_path / "a.gguf", model=model, pre=pre)
    with pytest.raises(ModelError, match=rf"has a {model}/{pre} vocabulary.*path:.*hub:"):
        convert_gguf(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no vocabulary"):
        convert_gguf(write_gguf(tmp_path / "a.gguf", vocabulary=False), tmp_path / "out")


@pytest.mark.parametrize("size", [0, 3, 4, 20, 200, 900])
def test_a_truncated_file_is_refused(tmp_path: Path, size: int) -> None:
    whole = write_gguf(tmp_path / "a.gguf").read_bytes()
    part = tmp_path / "part.gguf"
    part.write_bytes(whole[:size])
    with pytest.raises(ModelError, match="is not a sound GGUF file"):
        convert_gguf(part, tmp_path / "out")


@pytest.mark.model
def test_the_default_model_is_converted() -> None:
    source = load_scenario(ROOT / "scenarios" / "support-bot").model
    if not is_local(source):
        pytest.skip("not fetched: harness models fetch support-bot")
    from transformers import AutoConfig, AutoTokenizer

    folder = fetch(source, offline=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    turn = [{"role": "user", "content": "What time?\nNow: 12:30"}]
    ids = tokenizer.apply_chat_template(turn, add_generation_prompt=True, return_dict=False)
    assert tokenizer.unk_token_id is None or tokenizer.unk_token_id not in ids[1:-1]
    assert "What time?\nNow: 12:30" in tokenizer.decode(ids)
    assert AutoConfig.from_pretrained(folder).vocab_size >= len(tokenizer)
