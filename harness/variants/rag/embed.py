"""Texts to vectors with a sentence-transformers model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()


class SentenceEmbedder:
    def __init__(self, folder: Path):
        self._model = SentenceTransformer(str(folder))

    def __call__(self, texts: Sequence[str]) -> Any:
        """float32 array of shape (len(texts), dimensions), rows of unit length."""
        return self._model.encode(
            list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False
        )
