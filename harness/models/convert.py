"""Convert a GGUF file (llama.cpp's format) to the Hugging Face layout.

transformers reads the tensors and dequantises them. The tokenizer is built here from the file's own
vocabulary and merges, because the converter of transformers 5.5 gives a byte-level vocabulary the wrong
pre-tokenizer: new lines and role names become unknown tokens.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import ModelError

_CONTROL = 3  # llama.cpp's LLAMA_TOKEN_TYPE_CONTROL


def convert_gguf(file: Path, folder: Path) -> None:
    """Write config, float32 weights and tokenizer of ``file`` into the new ``folder``."""
    tokenizer, settings = _tokenizer(file)
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    folder.mkdir(parents=True)
    logging.disable_progress_bar()
    try:
        loaded = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
        # Rebuilt from config and state: what was loaded remembers its GGUF quantisation and refuses to save.
        model = type(loaded)(loaded.config)
        model.load_state_dict(loaded.state_dict())
        model.tie_weights()
        model.save_pretrained(folder)
    except (OSError, ValueError, KeyError, NotImplementedError) as e:
        raise ModelError(
            f"transformers cannot read {file.name}: {e}. Give a folder in Hugging Face layout"
        ) from None
    finally:
        logging.enable_progress_bar()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    _complete_generation_config(folder)


def _complete_generation_config(folder: Path) -> None:
    file = folder / "generation_config.json"
    config = json.loads(file.read_text()) if file.exists() else {}
    model = json.loads((folder / "config.json").read_text())
    config |= {
        k: model[k] for k in ("bos_token_id", "eos_token_id", "pad_token_id") if model.get(k) is not None
    }
    file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _tokenizer(file: Path) -> tuple[Any, dict[str, Any]]:
    """A byte-level BPE tokenizer and its transformers settings from the metadata of a GGUF file."""
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    try:
        fields = GGUFReader(file).fields
    except (OSError, ValueError, LookupError) as e:
        raise ModelError(f"{file} is not a sound GGUF file: {e}. Fetch it again, or name another") from None

    def get(key: str, default: Any = None) -> Any:
        return fields[key].contents() if key in fields else default

    kind, pre = get("tokenizer.ggml.model"), get("tokenizer.ggml.pre")
    splits: dict[str, list[Any]] = {"smollm": [pre_tokenizers.Digits(individual_digits=True)], "gpt-2": []}
    if kind != "gpt2" or pre not in splits:
        raise ModelError(
            f"{file.name} has a {kind}/{pre} vocabulary, which is not converted here (smollm and gpt-2 are); "
            "give the model as a folder in Hugging Face layout (path:) or from a hub (hub:)"
        )
    tokens, types = get("tokenizer.ggml.tokens"), get("tokenizer.ggml.token_type")
    if not tokens or len(types or ()) != len(tokens) or get("tokenizer.ggml.merges") is None:
        raise ModelError(
            f"{file.name} holds no vocabulary; give the model as a folder in Hugging Face layout"
        )
    merges = [tuple(m.split(" ")) for m in get("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits[pre], byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    control = [t for t, kind in zip(tokens, types, strict=True) if kind == _CONTROL]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in control])
    named = {n: get(f"tokenizer.ggml.{key}_token_id") for n, key in _SPECIAL.items()}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": get(f"{get('general.architecture')}.context_length"),
        "chat_template": get("tokenizer.chat_template"),
        **{n: tokens[i] for n, i in named.items() if i is not None},
    }
    return tokenizer, settings


_SPECIAL = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
