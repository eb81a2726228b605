"""What is drawn: seeded, blind, every text as likely as the others, and by disagreement only when asked."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.errors import InputError
from harness.labelling.draw import draw
from harness.runs import Run

from .runs import SHARED, VARIANTS, write_run

N = 40
TEXTS = N * 3 - N // SHARED
"""Different ones: two variants share theirs on some items."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    judge = {(v, i): 4.0 if i % 2 == 0 else 1.0 for v in VARIANTS for i in range(N)}
    judge |= {("rag", 7): 5.0, ("few-shot", 8): 1.0}  # against what the checkable metric says
    return write_run(tmp_path_factory.mktemp("draw"), N, judge=judge)


def test_a_seed_gives_one_sample(run: Run) -> None:
    first, again, other = (draw(run, "answers", "random", 30, seed, "") for seed in (1, 1, 2))
    assert first == again
    assert [e.id for e in first.entries] != [e.id for e in other.entries]
    assert first.id != other.id


def test_equal_answers_to_an_item_are_read_once(run: Run) -> None:
    sample = draw(run, "answers", "random", 1000, 0, "")
    assert sample.population == len(sample.entries) == TEXTS
    assert len({(e.item, e.texts) for e in sample.entries}) == TEXTS
    shared = [e for e in sample.entries if len(e.variants[0]) > 1]
    assert {e.variants for e in shared} == {(("prompt", "rag"),)}
    assert len(shared) == N // SHARED


def test_every_text_is_as_likely_as_the_others(run: Run) -> None:
    drawn = Counter(
        e.id for seed in range(300) for e in draw(run, "answers", "random", TEXTS // 4, seed, "").entries
    )
    assert len(drawn) == TEXTS
    spread = sum((n - 75) ** 2 for n in drawn.values()) / TEXTS
    assert 35 < spread < 85  # of a hypergeometric: 300 x 1/4 x 3/4 = 56


def test_sides_of_pairs_are_shuffled(run: Run) -> None:
    sample = draw(run, "pairs", "random", 1000, 0, "")
    assert sample.population == 3 * N - 2 * (N // SHARED)
    first = Counter(
        e.variants[0][0] for e in sample.entries if {v[0] for v in e.variants} == {"few-shot", "prompt"}
    )
    assert 8 <= first["few-shot"] <= N - 8
    assert all(len(set(e.texts)) == 2 for e in sample.entries)


def test_where_scores_disagree_comes_first(run: Run) -> None:
    sample = draw(run, "answers", "disagreement", 10, 0, "")
    assert sample.order == "disagreement"
    assert {(e.item, e.variants[0]) for e in sample.entries[:2]} == {
        ("item-7", ("rag",)),
        ("item-8", ("few-shot",)),
    }
    pairs = draw(run, "pairs", "disagreement", 4, 0, "")
    assert {e.item for e in pairs.entries} == {"item-7", "item-8"}


@pytest.mark.parametrize("n", [0, 2001])
def test_a_page_holds_what_a_person_reads(run: Run, n: int) -> None:
    with pytest.raises(InputError, match="--n must be from 1 to 2,000"):
        draw(run, "answers", "random", n, 0, "")


def test_a_run_without_answers_has_no_sample(run: Run) -> None:
    empty = Run(**{**run.__dict__, "answers": []})
    with pytest.raises(InputError, match="holds no answers"):
        draw(empty, "answers", "random", 10, 0, "")
