"""Weights in 4 and 8 bits on the CPU; an adapter stays beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.types.settings import BackendSpec

from .test_contract import QUESTIONS, answers, ask
from .test_transformers import adapter  # noqa: F401

torch = pytest.importorskip("torch")

from harness.backends.transformers import TransformersBackend  # noqa: E402

pytestmark = [pytest.mark.model, pytest.mark.slow]


def backend(folder: Path, quantization: Any) -> TransformersBackend:
    settings = {"dtype": "float32", "batch_size": 8, "threads": 1, "quantization": quantization}
    spec = BackendSpec(name="transformers", **settings)
    return TransformersBackend(spec, folder, "w", 0)


@pytest.mark.parametrize("kind", ["int8", "nf4"])
def test_weights_are_held_in_few_bits(tiny_model: Path, kind: str) -> None:
    b = backend(tiny_model, kind)
    found = answers(b, [ask(q) for q in QUESTIONS])
    assert all(g.output_tokens > 0 for g in found)
    layer = b._model.model.layers[0].mlp.down_proj
    assert layer.weight.dtype == (torch.int8 if kind == "int8" else torch.uint8)
    assert b._model.lm_head.weight.dtype == torch.float32  # the usual exception


@pytest.mark.parametrize("kind", ["int8", "nf4"])
def test_an_adapter_is_not_merged_into_rounded_weights(tiny_model: Path, adapter: Path, kind: str) -> None:  # noqa: F811
    b = backend(tiny_model, kind)
    plain = answers(b, [ask(q) for q in QUESTIONS])
    adapted = answers(b, [ask(q, adapter=str(adapter)) for q in QUESTIONS])
    assert [g.text for g in plain] != [g.text for g in adapted]
    layer = b._model.base_model.model.model.layers[0].mlp.down_proj
    assert layer.base_layer.weight.dtype in (torch.int8, torch.uint8)
    assert layer.lora_A["default"].weight.dtype == torch.float32
    assert b.time(ask(QUESTIONS[0], adapter=str(adapter))).text == adapted[0].text


def test_the_fingerprint_holds_the_quantization(tiny_model: Path) -> None:
    kinds = ("none", "int8", "nf4")
    assert len({backend(tiny_model, kind).fingerprint for kind in kinds}) == len(kinds)
