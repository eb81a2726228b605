"""Texts as numbers: words, runs and signatures."""

from __future__ import annotations

import numpy as np

from harness.scenario.shingles import BANDS, ROWS, Vocabulary, letters, words


def test_words_lose_case_and_punctuation() -> None:
    assert words("  What’s  THIS, then?! ") == ["what", "s", "this", "then"]
    assert words("？！ ...") == ["?!", "..."], "symbols alone are kept"
    assert words("\n") == []


def test_letters_hold_the_ends_of_a_word() -> None:
    assert letters("cat") == {" ca", "cat", "at "}
    assert letters("a") == {" a "}


def test_runs_stay_within_a_text() -> None:
    vocabulary = Vocabulary()
    tokens = vocabulary.read(["a b c", "", "b c", "a b c d"])
    hashed, text, place = tokens.runs(2, vocabulary.codes())
    assert list(zip(text.tolist(), place.tolist(), strict=True)) == [
        (0, 0),
        (0, 1),
        (2, 0),
        (3, 0),
        (3, 1),
        (3, 2),
    ]
    ab, bc, also_bc, ab_again, bc_again, cd = hashed.tolist()
    assert (ab, bc, bc) == (ab_again, bc_again, also_bc)
    assert len({ab, bc, cd}) == 3
    assert len(tokens.runs(5, vocabulary.codes())[0]) == 0
    assert len(Vocabulary().read([]).runs(1, vocabulary.codes())[0]) == 0


def test_equal_signature_rows_estimate_the_jaccard_similarity() -> None:
    rng = np.random.default_rng(0)
    known = ["".join(rng.choice(list("abcdefghijklmnop"), 6)) for _ in range(60)]
    mine = known[:45] + ["".join(rng.choice(list("qrstuvwxyz"), 6)) for _ in range(15)]
    a, b = (set().union(*map(letters, side)) for side in (known, mine))
    vocabulary = Vocabulary()
    one, other = vocabulary.read([" ".join(known)]), vocabulary.read([" ".join(mine)])
    of_words = vocabulary.signatures()
    same = float((one.signatures(of_words) == other.signatures(of_words)).mean())
    true = len(a & b) / len(a | b)
    assert abs(same - true) < 3 * (true * (1 - true) / (BANDS * ROWS)) ** 0.5


def test_a_signature_does_not_depend_on_what_is_read_with_it() -> None:
    alone, among = Vocabulary(), Vocabulary()
    one = alone.read(["the blue lamp"])
    many = among.read(["lamp", "", "zebra blue", "the blue lamp"])
    found = many.signatures(among.signatures())
    assert (found[3] == one.signatures(alone.signatures())[0]).all()
    assert (found[1] == np.iinfo(np.uint32).max).all()
