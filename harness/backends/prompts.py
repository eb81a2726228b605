"""Conversations as the model's own chat template writes them, and answers as text; needs no torch."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from tokenizers.decoders import DecodeStream
from transformers import AutoConfig, AutoTokenizer

from harness.errors import BackendError, ModelError
from harness.types.data import Message


class ChatPrompts:
    """Tokenizer, chat template and end tokens of the model in a folder in Hugging Face layout."""

    def __init__(self, folder: Path):
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
        if self.tokenizer.chat_template is None:
            raise ModelError(
                f"{folder}: the tokenizer has no chat template; choose an instruction-tuned model"
            )
        config = _read(folder / "config.json")
        positions = getattr(AutoConfig.from_pretrained(folder), "max_position_embeddings", None)
        self._context = min(self.tokenizer.model_max_length, positions or math.inf)
        self._rendering = threading.Lock()  # the tokenizer refuses a second thread
        ends = _read(folder / "generation_config.json").get("eos_token_id", config.get("eos_token_id"))
        listed = ends if isinstance(ends, list) else [ends]
        self.ends = frozenset(i for i in (*listed, self.tokenizer.eos_token_id) if i is not None)
        """Tokens that end an answer."""

    def render(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the prompt; raises BackendError where the template or the context refuses it."""
        turns = [m.model_dump() for m in messages]
        try:
            with self._rendering:
                ids = self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
        except TemplateError as e:
            raise BackendError(f"the model's chat template refuses the conversation: {e}") from None
        if len(ids) > self._context:
            raise BackendError(f"the prompt has {len(ids)} tokens, the model's context {self._context}")
        return list(ids)

    def text(self, tokens: Sequence[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True)).strip()

    def pieces(self) -> TextPieces:
        return TextPieces(self)


class TextPieces:
    """The text of one answer as its tokens come. The pieces join to ``ChatPrompts.text`` of all tokens."""

    def __init__(self, prompts: ChatPrompts):
        self._prompts, self._decode = prompts, DecodeStream(skip_special_tokens=True)
        self._told, self._blank = "", ""

    def put(self, token: int) -> str:
        """What can be told now: nothing in the middle of a character, no blank that may be the last."""
        new = self._blank + (self._decode.step(self._prompts.tokenizer.backend_tokenizer, token) or "")
        piece = (new if self._told else new.lstrip()).rstrip()
        self._blank = new[len(new.rstrip()) :]
        self._told += piece
        return piece

    def rest(self, text: str) -> str:
        """What of the whole ``text`` was not told yet: a character that was never finished."""
        return text[len(self._told) :] if text.startswith(self._told) else ""


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
