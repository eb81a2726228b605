"""Retrieval: the nearest passages, the threshold, k, and vectors kept on disk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.protocols import Embed
from harness.variants.rag.index import VectorIndex, build_seconds
from harness.variants.rag.retrieve import Retriever

from .factories import RETRIEVAL, passages, retriever

PASSAGES = passages(
    ("lamp", "the red lamp costs ten euros"), ("chair", "the blue chair is heavy"), ("lamp", "lamp lamp lamp")
)


def on_axes(angles: dict[str, float]) -> Embed:
    """Texts to unit vectors at given angles in degrees, so that similarities are cosines known by hand."""

    def embed(texts: Sequence[str]) -> np.ndarray:
        found = [np.deg2rad(next(a for name, a in angles.items() if name in t)) for t in texts]
        return np.array([[np.cos(a), np.sin(a)] for a in found], dtype=np.float32)

    return embed


def by_angle(cache: Path, threshold: float, k: int) -> Retriever:
    given = passages(("a", "zero"), ("b", "thirty"), ("c", "sixty"), ("d", "ninety"))
    embed = on_axes({"zero": 0, "thirty": 30, "sixty": 60, "ninety": 90, "ask": 0})
    settings = RETRIEVAL.model_copy(update={"threshold": threshold, "k": k})
    return Retriever(given, settings, embed, "angles", cache)


@pytest.mark.parametrize(
    ("threshold", "k", "expected"),
    [
        (-1.0, 4, "abcd"),
        (-1.0, 2, "ab"),
        (-1.0, 50, "abcd"),
        (0.45, 4, "abc"),
        (0.55, 4, "ab"),
        (0.9, 4, "a"),
        (1.0, 1, "a"),
    ],
)
def test_best_first_at_most_k_none_below_the_threshold(
    tmp_path: Path, threshold: float, k: int, expected: str
) -> None:
    [hits] = by_angle(tmp_path, threshold, k).find(["ask"])
    assert "".join(h.article for h in hits) == expected
    cosines = [1.0, 0.866025, 0.5, 0.0]
    assert [h.score for h in hits] == pytest.approx(cosines[: len(hits)], abs=1e-5)


def test_k_can_be_asked_for_beyond_the_setting(tmp_path: Path) -> None:
    [hits] = by_angle(tmp_path, -1.0, 1).find(["ask"], k=3)
    assert len(hits) == 3


def test_nothing_near_enough_is_an_empty_list(tmp_path: Path) -> None:
    assert retriever(tmp_path, PASSAGES, threshold=0.9).find(["xylophone"]) == [[]]


def test_each_query_gets_its_own_hits(tmp_path: Path) -> None:
    first, second = retriever(tmp_path, PASSAGES, k=1).find(["red lamp costs", "blue heavy chair"])
    assert (first[0].passage, second[0].passage) == ("lamp#0", "chair#1")


def test_the_title_is_searched_too(tmp_path: Path) -> None:
    given = passages(("carpets", "it costs ten euros"), ("mirrors", "it costs ten euros"))
    [hits] = retriever(tmp_path, given, k=1).find(["mirrors"])
    assert hits[0].article == "mirrors"


def test_no_queries_no_hits(tmp_path: Path) -> None:
    assert retriever(tmp_path, PASSAGES).find([]) == []


def test_vectors_are_computed_once_for_the_same_texts_and_embedder(tmp_path: Path) -> None:
    calls: list[int] = []

    def embed(texts: Sequence[str]) -> np.ndarray:
        calls.append(len(texts))
        return np.eye(len(texts), 8, dtype=np.float32)

    VectorIndex(["a", "b"], embed, "one", tmp_path)
    VectorIndex(["a", "b"], embed, "one", tmp_path)
    assert calls == [2]
    VectorIndex(["a", "b", "c"], embed, "one", tmp_path)
    VectorIndex(["a", "b"], embed, "two", tmp_path)
    assert calls == [2, 3, 2]
    assert not list(tmp_path.glob("*.part*"))


def test_what_building_an_index_took_is_kept_beside_it(tmp_path: Path) -> None:
    texts, calls = ["one", "two"], []

    def embed(given: Sequence[str]) -> np.ndarray:
        calls.append(len(given))
        time.sleep(0.12)
        return np.eye(2, dtype=np.float32)[: len(given)]

    assert build_seconds(texts, "k", tmp_path) is None
    VectorIndex(texts, embed, "k", tmp_path)
    took = build_seconds(texts, "k", tmp_path)
    assert took is not None
    assert took >= 0.1
    VectorIndex(texts, embed, "k", tmp_path)
    assert calls == [2], "the vectors were read again, not made again"
    assert build_seconds(texts, "k", tmp_path) == took
    assert build_seconds(["three"], "k", tmp_path) is None
