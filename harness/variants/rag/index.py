"""Nearest neighbours by cosine similarity (faiss, exact), with vectors cached on disk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.protocols import Embed
from harness.store import fingerprint, write_atomic


def _file(texts: Sequence[str], key: str, cache: Path) -> Path:
    return cache / f"{fingerprint(key, list(texts))}.npy"


def build_seconds(texts: Sequence[str], key: str, cache: Path) -> float | None:
    """What embedding these texts took when it was done; None where it was not, or not timed."""
    file = _file(texts, key, cache).with_suffix(".seconds")
    return float(file.read_text(encoding="utf-8")) if file.exists() else None


class VectorIndex:
    """An exact inner-product index over texts; ``key`` names the embedder, so that vectors can be reused."""

    def __init__(self, texts: Sequence[str], embed: Embed, key: str, cache: Path):
        import faiss

        file = _file(texts, key, cache)
        if file.exists():
            vectors = np.load(file, allow_pickle=False)
        else:
            start = time.perf_counter()
            vectors = np.ascontiguousarray(embed(texts), dtype=np.float32)
            spent = time.perf_counter() - start
            cache.mkdir(parents=True, exist_ok=True)
            # To a tenth of a second: what takes less costs nothing, and two runs of the fake agree.
            write_atomic(file.with_suffix(".seconds"), f"{spent:.1f}\n")
            part = file.with_suffix(".part.npy")
            np.save(part, vectors, allow_pickle=False)
            part.replace(file)
        self._index: Any = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)
        self._embed = embed

    def search(self, queries: Sequence[str], k: int) -> list[list[tuple[int, float]]]:
        """For each query the ``k`` nearest texts as (position, cosine similarity), best first."""
        if not queries:
            return []
        vectors = np.ascontiguousarray(self._embed(queries), dtype=np.float32)
        scores, places = self._index.search(vectors, min(k, self._index.ntotal))
        return [
            [(int(p), round(float(s), 6)) for p, s in zip(row_p, row_s, strict=True) if p >= 0]
            for row_p, row_s in zip(places, scores, strict=True)
        ]
