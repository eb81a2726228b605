"""Convert a model in Hugging Face layout to OpenVINO's format, once, into the user's cache.

The model is traced with its keys and values as inputs and outputs, which are then made states: the shape that
OpenVINO GenAI turns into paged attention. docs/decisions/0008-openvino-engine.md says why no exporter is used.
"""

from __future__ import annotations

import gc
import json
import re
import shutil
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.errors import ModelError
from harness.machine import release_freed_memory, silence_telemetry
from harness.store import cache_folder, fingerprint, new_folder, write_atomic

silence_telemetry()
import openvino as ov  # noqa: E402
from openvino import opset13 as op  # noqa: E402

Stored = Literal["float16", "int8"]

_VERSION = 1
"""Raise it when the files of the same model change."""
_BESIDE = (
    *("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json"),
    *("tokenizer.model", "vocab.json", "merges.txt", "config.json", "generation_config.json"),
)
"""Files of the model that the engine reads beside the weights."""
_TOLERANCE = {"float16": 0.01, "int8": 0.2}
"""Largest root mean square error of the logits against torch in float32, as a share of their spread."""


def export(folder: Path, weights: str, stored: Stored) -> Path:
    """The folder with ``openvino_model.xml``, tokenizer and ``linear.json`` for the model in ``folder``.

    ``weights`` identifies the weights, ``stored`` says how they are kept. ``linear.json`` maps the name of each
    linear layer to [outputs, inputs]. Two processes may do this at once. Raises ModelError.
    """
    made_with = [version(p) for p in ("openvino", "transformers", "torch")]
    key = fingerprint("openvino", _VERSION, weights, stored, made_with)
    ready = cache_folder() / "models" / f"{folder.name[:60]}-openvino-{key}"
    if ready.is_dir():
        return ready
    with new_folder(ready) as part:
        part.mkdir()
        _write(folder, part, stored)
        for name in _BESIDE:
            if (folder / name).exists():
                shutil.copy(folder / name, part / name)
    return ready


def _write(folder: Path, part: Path, stored: Stored) -> None:
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()
    _refuse(model.config, folder)
    try:
        graph = _convert(model)
        if stored == "int8":
            _quantise(graph)
        linear = _linear_layers(graph)
        ov.save_model(graph, part / "openvino_model.xml", compress_to_fp16=True)
        write_atomic(part / "linear.json", json.dumps(linear, indent=1) + "\n")
        _verify(model, part / "openvino_model.xml", _TOLERANCE[stored])
    except (RuntimeError, TypeError, IndexError) as e:
        first = str(e).strip().splitlines()[0]
        raise _unfit(folder, f"it cannot be converted ({first})") from e
    finally:
        logging.enable_progress_bar()
        model = graph = None
        gc.collect()
        release_freed_memory()


def _unfit(folder: Path, why: str) -> ModelError:
    return ModelError(
        f"{folder.name}: the openvino engine does not run this model: {why}. Use --backend transformers"
    )


def _refuse(config: Any, folder: Path) -> None:
    """Models whose attention is not plain and causal over everything before."""
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    window = getattr(config, "sliding_window", None)
    if kinds != {"full_attention"} or (window and getattr(config, "use_sliding_window", True)):
        raise _unfit(folder, "its attention slides over a window or is not attention in all layers")


def _convert(model: Any) -> ov.Model:
    """Graph with inputs input_ids, attention_mask, position_ids, beam_idx, output logits and a state for each key
    and value.
    """
    import torch
    from openvino._offline_transformations import (
        apply_make_stateful_transformation,
        apply_moc_transformations,
    )
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    config = model.config
    layers, heads = config.num_hidden_layers, config.num_key_value_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    rows, new, past = 2, 5, 3
    example = [
        torch.zeros(rows, new, dtype=torch.long),
        torch.ones(rows, past + new, dtype=torch.long),
        torch.arange(past, past + new).expand(rows, new),
        *(torch.zeros(rows, heads, past, size) for _ in range(2 * layers)),
    ]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing says that it traces
        traced = torch.jit.trace(_with_flat_cache(model), tuple(example), check_trace=False, strict=False)
    # The front end itself, not openvino.convert_model, which would import what reports home.
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced, example_input=tuple(example))  # must outlive the conversion
    graph = frontend.convert(frontend.load(decoder))
    states = [f"{i}.{part}" for i in range(layers) for part in ("key", "value")]
    for parameter, kind in zip(graph.get_parameters(), ["i64"] * 3 + ["f32"] * len(states), strict=True):
        shape = [-1, -1] if kind == "i64" else [-1, heads, -1, size]
        parameter.set_partial_shape(ov.PartialShape(shape))
        parameter.set_element_type(ov.Type.i64 if kind == "i64" else ov.Type.f32)
    graph.validate_nodes_and_infer_types()
    apply_moc_transformations(graph, cf=False)
    names_in = ["input_ids", "attention_mask", "position_ids", *(f"past.{s}" for s in states)]
    names_out = ["logits", *(f"present.{s}" for s in states)]
    for port, name in (
        *zip(graph.inputs, names_in, strict=True),
        *zip(graph.outputs, names_out, strict=True),
    ):
        port.get_tensor().set_names({name})
    for port in graph.inputs:  # the change to paged attention finds some by this name
        port.get_node().set_friendly_name(port.get_any_name())
    for node in graph.get_ops():  # LoRA finds a layer by its name in the model
        node.set_friendly_name(node.get_friendly_name().replace("__module.model.", "__module.", 1))
    _fold_ids(graph, config.get_text_config().vocab_size)
    _reorder(graph, len(states))
    apply_make_stateful_transformation(graph, {f"past.{s}": f"present.{s}" for s in states})
    _start_empty(graph, heads, size)
    return graph


def _with_flat_cache(model: Any) -> Any:
    """``model`` as a module of tensors alone: ids, mask and positions, then keys and values of each layer."""
    import torch
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    class FlatCache(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Any, mask: Any, positions: Any, *past: Any) -> Any:
            cache = DynamicCache()
            for key, value in zip(past[::2], past[1::2], strict=True):
                layer = DynamicLayer()
                layer.keys, layer.values, layer.is_initialized = key, value, True
                layer.dtype, layer.device = key.dtype, key.device
                cache.layers.append(layer)
            new, total = ids.shape[1], mask.shape[1]
            seen = torch.arange(total)[None, :] <= (torch.arange(new) + total - new)[:, None]
            found = self.model(
                input_ids=ids,
                attention_mask=seen[None, None] & (mask[:, None, None, :] != 0),
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            )
            states = [t for layer in found.past_key_values.layers for t in (layer.keys, layer.values)]
            return (found.logits, *states)

    return FlatCache()


def _fold_ids(graph: ov.Model, vocabulary: int) -> None:
    """Token ``i`` may be written as ``i + n * vocabulary``: the same to the model, another prefix to a cache."""
    [parameter] = [p for p in graph.get_parameters() if "input_ids" in p.output(0).get_names()]
    consumers = parameter.output(0).get_target_inputs()
    folded = op.floor_mod(parameter, op.constant(np.int64(vocabulary)))
    for consumer in consumers:
        consumer.replace_source_output(folded.output(0))


def _reorder(graph: ov.Model, states: int) -> None:
    """Rows of the states by ``beam_idx``, as paged attention expects to find them."""
    rows = op.parameter([-1], dtype=np.int32, name="beam_idx")
    rows.output(0).get_tensor().set_names({"beam_idx"})
    for parameter in graph.get_parameters()[-states:]:
        consumers = parameter.output(0).get_target_inputs()
        gathered = op.gather(parameter, rows, op.constant(np.int64(0)))
        for consumer in consumers:
            consumer.replace_source_output(gathered.output(0))
    graph.add_parameters([rows])
    graph.validate_nodes_and_infer_types()


def _start_empty(graph: ov.Model, heads: int, size: int) -> None:
    """Each state begins with as many rows as there are prompts and no position."""
    shape = op.shape_of(graph.input("input_ids"), output_type="i64")
    rows = op.gather(shape, op.constant(np.array([0])), op.constant(np.int64(0)))
    rest = op.constant(np.array([heads, 0, size]))
    empty = op.broadcast(op.constant(np.float32(0)), op.concat([rows, rest], axis=0))
    for node in graph.get_ops():
        if node.get_type_name() == "ReadValue":
            node.set_arguments([empty.output(0)])
    graph.validate_nodes_and_infer_types()


def _linear_layers(graph: ov.Model) -> dict[str, list[int]]:
    """[outputs, inputs] of each linear layer of the blocks by its name in the model."""
    found = {}
    for node in graph.get_ops():
        match = re.fullmatch(r"__module\.(.*\.\d+\..*)/aten::linear/MatMul", node.get_friendly_name())
        if match:
            found[match[1]] = list(node.input(1).get_partial_shape().to_shape())
    return dict(sorted(found.items()))


def _quantise(graph: ov.Model) -> None:
    """Weight matrices as 8-bit integers with a scale for each row (symmetric, nearest)."""
    for node in graph.get_ops():
        if node.get_type_name() != "Constant" or node.get_element_type() != ov.Type.f32:
            continue
        consumers = node.output(0).get_target_inputs()
        uses = {c.get_node().get_type_name() for c in consumers}
        if len(node.shape) != 2 or min(node.shape) < 32 or not uses <= {"MatMul", "Gather"}:
            continue
        values = node.data
        scale = np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-8) / 127
        rounded = op.constant(np.round(values / scale).astype(np.int8))
        restored = op.multiply(op.convert(rounded, "f16"), op.constant(scale.astype(np.float16)))
        weights = op.convert(restored, "f32")
        for consumer in consumers:
            consumer.replace_source_output(weights.output(0))
    graph.validate_nodes_and_infer_types()


def _verify(model: Any, file: Path, tolerance: float) -> None:
    """Logits of the written model against torch's, over a prompt and one more token; raises RuntimeError."""
    import torch

    vocabulary = model.config.get_text_config().vocab_size
    ids = np.random.default_rng(0).integers(0, vocabulary, (1, 40))
    with torch.no_grad():
        expected = model(input_ids=torch.from_numpy(ids)).logits[0].numpy()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}
    settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = "0"
    request = ov.Core().compile_model(file, "CPU", settings).create_infer_request()
    found = []
    for start, end in ((0, 39), (39, 40)):
        ones = np.ones((1, end), dtype=np.int64)
        positions = np.arange(start, end)[None]
        feed = {"input_ids": ids[:, start:end], "attention_mask": ones, "position_ids": positions}
        outputs = request.infer(feed | {"beam_idx": np.zeros(1, dtype=np.int32)})
        found.append(outputs["logits"][0])
    error = float(np.sqrt(np.mean((np.concatenate(found) - expected) ** 2)) / expected.std())
    if not error <= tolerance:
        raise RuntimeError(f"its logits are off by {error:.3f} standard deviations")
