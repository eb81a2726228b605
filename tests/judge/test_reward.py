"""The learnt reward: antisymmetric, blind to the order, calibrated, kept by fingerprint, honest without a reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fixtures.preferences import CLOSING, pair

from harness.backends.fake import FakeEmbedder
from harness.comparison.raters import mean_of
from harness.errors import TrainingError
from harness.judge.features import Manner
from harness.judge.reward import LearntReward, fit, loss
from harness.types.judge_record import AnswerCase
from harness.types.judge_settings import RewardJudge
from harness.types.judging import PreferencePair

MANNER = Manner(
    lambda text: "don't have that" in text, lambda text: {"short": len(text.split()) < 20}, CLOSING
)


def _pairs(split: str, n: int = 24) -> list[PreferencePair]:
    return [PreferencePair.model_validate(pair(split, i)) for i in range(n)]


def _judge(cache: Path, reference: bool = True, train: int = 24) -> LearntReward:
    return LearntReward(
        RewardJudge(kind="reward", reference=reference),
        _pairs("train", train),
        _pairs("dev"),
        MANNER,
        ("terms",),
        FakeEmbedder(cache),
        "embedder",
        lambda values: mean_of(values, range(len(values)), "none"),
        cache,
    )


def _choices(judge: LearntReward, pairs: list[PreferencePair]) -> list[str | None]:
    return [j.judgement.choice for j in judge.pairs(pairs, lambda n: None)]


def _turned(p: PreferencePair) -> PreferencePair:
    return p.model_copy(update={"a": p.b, "b": p.a})


def test_it_prefers_what_agrees_with_the_reference_whatever_the_order(tmp_path: Path) -> None:
    judge, pairs = _judge(tmp_path), _pairs("heldout")
    choices = _choices(judge, pairs)
    assert choices == [p.label for p in pairs]
    other = {"a": "b", "b": "a"}
    assert _choices(judge, [_turned(p) for p in pairs]) == [other[str(c)] for c in choices]
    same = pairs[0].model_copy(update={"b": pairs[0].a})
    assert _choices(judge, [same]) == ["tie"]


def test_single_answers_pass_where_they_are_right(tmp_path: Path) -> None:
    pairs = _pairs("heldout")
    cases = [
        AnswerCase(id=p.id, input=p.input, answer=getattr(p, side), reference=p.reference)
        for p in pairs
        for side in ("a", "b")
    ]
    values = [j.value for j in _judge(tmp_path).answers(cases, lambda n: None)]
    wanted = [side == p.label for p in pairs for side in ("a", "b")]
    assert all(v is not None and 0 < v < 1 for v in values)
    assert [v is not None and v >= 0.5 for v in values] == wanted


def test_without_the_reference_a_wrong_price_looks_as_good_as_a_right_one(tmp_path: Path) -> None:
    judge = _judge(tmp_path, reference=False)
    assert "numbers_kept" not in {w.feature for w in judge.fit.weights}
    hidden = [p.model_copy(update={"reference": None}) for p in _pairs("heldout")]
    assert _choices(judge, hidden) == _choices(judge, _pairs("heldout"))


def test_what_was_learnt_is_kept_as_json_and_not_learnt_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _judge(tmp_path)
    assert first.fit.n_train == 24
    [file] = (tmp_path / "judges").iterdir()
    assert file.name == f"{first.fingerprint}.json"
    monkeypatch.setattr(LearntReward, "_learn", lambda self: pytest.fail("learnt again"))
    assert _judge(tmp_path).fit == first.fit
    assert _judge(tmp_path, train=23).fingerprint != first.fingerprint
    assert _judge(tmp_path, reference=False).fingerprint != first.fingerprint


def test_too_few_pairs_are_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="at least 20 train pairs with a preferred side; there are 19"):
        _ = _judge(tmp_path, train=19).fit


def test_the_fit_finds_the_weights_that_made_the_preferences() -> None:
    rng = np.random.default_rng(1)
    true = np.array([1.5, -0.7, 0.0])
    differences = rng.normal(size=(20_000, 3))
    preferred = rng.random(20_000) < 1 / (1 + np.exp(-differences @ true))
    rows = differences * np.where(preferred, 1, -1)[:, None]
    found = fit(rows, 1e-6)
    assert found == pytest.approx(true, abs=0.1)
    assert loss(rows @ found) < loss(rows @ (found * 1.2))
