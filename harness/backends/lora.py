"""A PEFT adapter as OpenVINO GenAI takes it: its scale multiplied in, its layers checked against the model's."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from harness.errors import BackendError

_PREFIX = "base_model.model."
_UNKNOWN = ("use_dora", "modules_to_save", "lora_bias", "alora_invocation_tokens", "trainable_token_indices")
"""Settings of PEFT that add more to a layer than a product of two matrices."""


def read_lora(folder: Path, linear: Mapping[str, list[int]], dtype: Any) -> bytes:
    """The adapter in ``folder`` as a safetensors file in memory.

    ``linear`` are the layers that can be adapted, as ``linear.json`` names them. GenAI reads no PEFT settings, so
    alpha / rank (or alpha / sqrt(rank)) goes into each B. Raises BackendError.
    """
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        tensors = safetensors.numpy.load_file(folder / "adapter_model.safetensors")
    except (OSError, ValueError, safetensors.SafetensorError) as e:
        raise BackendError(f"the adapter in {folder} cannot be read: {e}") from None
    used = [key for key in _UNKNOWN if config.get(key)]
    if config.get("peft_type") != "LORA" or config.get("bias", "none") != "none" or used:
        why = ", ".join(used) or f"type {config.get('peft_type')}, bias {config.get('bias')}"
        raise BackendError(
            f"the openvino engine does not run this adapter ({why}); use --backend transformers"
        )
    found = {}
    for name, tensor in tensors.items():
        match = re.fullmatch(rf"{re.escape(_PREFIX)}(.+)\.lora_([AB])\.weight", name)
        if not match or match[1] not in linear:
            raise BackendError(f"the openvino engine cannot adapt {name}; use --backend transformers")
        if match[2] == "B":
            tensor = tensor * _scale(config, match[1], tensor.shape[1])
        found[name] = tensor.astype(dtype)
    return safetensors.numpy.save(found)


def empty_lora(linear: Mapping[str, list[int]], dtype: Any) -> bytes:
    """An adapter of rank one on every layer that changes nothing: it makes room for all that come later."""
    tensors = {}
    for name, (outputs, inputs) in linear.items():
        tensors[f"{_PREFIX}{name}.lora_A.weight"] = np.zeros((1, inputs), dtype)
        tensors[f"{_PREFIX}{name}.lora_B.weight"] = np.zeros((outputs, 1), dtype)
    return safetensors.numpy.save(tensors)


def _scale(config: Mapping[str, Any], layer: str, rank: int) -> float:
    patterns: Mapping[str, float] = config.get("alpha_pattern") or {}
    matching = (a for key, a in patterns.items() if re.fullmatch(rf"(.*\.)?({key})", layer))
    alpha = next(matching, config["lora_alpha"])
    return float(alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))
