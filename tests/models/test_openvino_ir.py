"""Conversion to OpenVINO's format: once, safe beside another process, refused where it would be wrong."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import ModelError

pytestmark = pytest.mark.model
pytest.importorskip("torch")

from harness.models.openvino_ir import export  # noqa: E402


def test_it_is_done_once_for_the_same_weights(tiny_model: Path, own_cache: Path) -> None:
    first = export(tiny_model, "a", "float16")
    written = (first / "openvino_model.xml").stat().st_mtime_ns
    assert export(tiny_model, "a", "float16") == first
    assert (first / "openvino_model.xml").stat().st_mtime_ns == written
    assert export(tiny_model, "b", "float16") != first
    assert {p.name for p in first.parent.iterdir() if p.name.startswith(".part-")} == set()


def test_two_at_once_end_with_one(tiny_model: Path, own_cache: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: export(tiny_model, "a", "float16"), range(2))
    assert one == two
    assert (one / "openvino_model.bin").exists()


def test_the_linear_layers_are_named_as_in_the_model(tiny_openvino: Path) -> None:
    layers = json.loads((tiny_openvino / "linear.json").read_text())
    assert len(layers) == 14
    assert layers["model.layers.1.mlp.down_proj"] == [64, 128]


def test_8_bit_weights_are_close_and_smaller(tiny_model: Path, own_cache: Path) -> None:
    sizes = [
        (export(tiny_model, "a", kind) / "openvino_model.bin").stat().st_size for kind in ("float16", "int8")
    ]
    assert sizes[1] < 0.6 * sizes[0]


def test_a_model_with_a_sliding_window_is_refused(tiny_model: Path, own_cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sliding"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text())
    changed = config | {
        "model_type": "mistral",
        "architectures": ["MistralForCausalLM"],
        "sliding_window": 64,
    }
    (folder / "config.json").write_text(json.dumps(changed))
    with pytest.raises(ModelError, match=r"slides over a window.*--backend transformers"):
        export(folder, "a", "float16")
    assert list((own_cache / "models").glob("*")) == []
