"""A reward learnt from preference pairs: Bradley-Terry's model with a linear reward.

P(a preferred to b) = sigmoid(w (f(a) - f(b))) (Bradley & Terry 1952, doi:10.2307/2334029), which is a logistic
regression on differences without an intercept: what it says of (a, b) is what it says of (b, a) turned round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from harness.anchors import names_of
from harness.errors import TrainingError
from harness.judge.code import code_fingerprint
from harness.judge.features import Features, Manner, Rows
from harness.judge.prompt import conversation
from harness.protocols import Embed, Tell
from harness.store import canonical_json, fingerprint, write_atomic
from harness.types.estimate import Estimate
from harness.types.judge_record import AnswerCase, AnswerJudgement, JudgedPair, JudgeReply, RewardFit, Weight
from harness.types.judge_settings import RewardJudge
from harness.types.judging import PairJudgement, PreferencePair, Side
from harness.types.record import Record

Vector = NDArray[np.float64]
Rate = Callable[[Sequence[float]], Estimate]
"""Values, one for each pair, to their mean with an interval."""

PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""L2 penalties that are tried on dev, for standardised differences."""
LEAST = 20
"""Pairs with a preferred side that training needs, and so many again for dev."""


class RewardWeights(Record):
    """What was learnt, as it is kept in the cache."""

    features: tuple[str, ...]
    weights: tuple[float, ...]
    """For the features in their own units."""
    slope: float
    """Of the chance to pass, for one unit of reward over the threshold."""
    fit: RewardFit


class LearntReward:
    """Values answers by a linear reward; prefers the side of a pair that it values more."""

    replies: Mapping[str, JudgeReply] = {}
    """It asks no model."""

    def __init__(
        self,
        settings: RewardJudge,
        train: Sequence[PreferencePair],
        dev: Sequence[PreferencePair],
        manner: Manner,
        terms: Sequence[object],
        embed: Embed,
        embedder: str,
        rate: Rate,
        cache: Path,
    ):
        """``terms``: what stands behind ``manner``, and ``embedder``: the embedder's fingerprint; both are part of
        this judge's. Learnt weights are kept in ``cache``."""
        self._reference, self._manner, self._embed, self._rate = settings.reference, manner, embed, rate
        self._train, self._dev = train, dev
        parts = ("features", "reward", "prompt")
        code = code_fingerprint("harness.anchors", *(f"harness.judge.{n}" for n in parts))
        self.fingerprint = fingerprint("reward", settings.reference, *train, *dev, *terms, embedder, code)
        self._file = cache / "judges" / f"{self.fingerprint}.json"
        self._learnt: RewardWeights | None = None
        self._looking = self.features()

    @property
    def fit(self) -> RewardFit:
        return self._weights().fit

    def answers(self, cases: Sequence[AnswerCase], tell: Tell) -> list[AnswerJudgement]:
        learnt = self._weights()
        rewards = self._rewards(cases)
        tell(len(cases))
        passes = _sigmoid(learnt.slope * (rewards - learnt.fit.threshold))
        return [
            AnswerJudgement(id=c.id, value=round(float(p), 6), reasons=())
            for c, p in zip(cases, passes, strict=True)
        ]

    def pairs(self, pairs: Sequence[PreferencePair], tell: Tell) -> list[JudgedPair]:
        rewards = self._rewards([case for p in pairs for case in _sides(p)]).reshape(-1, 2)
        tell(len(pairs))
        found = []
        for pair, (a, b) in zip(pairs, rewards, strict=True):
            choice: Side = "tie" if a == b else "a" if a > b else "b"
            found.append(JudgedPair(judgement=PairJudgement(id=pair.id, forward=choice, backward=choice)))
        return found

    def _rewards(self, cases: Sequence[AnswerCase]) -> Vector:
        learnt = self._weights()
        found: Vector = self._looking.rows(cases) @ np.array(learnt.weights)
        return found

    def _weights(self) -> RewardWeights:
        if self._learnt is None:
            try:
                self._learnt = RewardWeights.model_validate_json(self._file.read_bytes())
            except (FileNotFoundError, ValidationError):
                self._learnt = self._learn()
                write_atomic(self._file, canonical_json(self._learnt))
        return self._learnt

    def _learn(self) -> RewardWeights:
        features = self._looking
        train, dev = (self.differences(features, pairs) for pairs in (self._train, self._dev))
        for split, rows in (("train", train), ("dev", dev)):
            if len(rows) < LEAST:
                raise TrainingError(
                    f"the reward judge needs at least {LEAST} {split} pairs with a preferred side; there are {len(rows)}"
                )
        scale = np.sqrt((train**2).mean(axis=0))
        scale[scale < 1e-9] = np.inf  # a feature that never differs weighs nothing
        found = [(fit(train / scale, penalty), penalty) for penalty in PENALTIES]
        weights, penalty = min(found, key=lambda w: loss(dev / scale @ w[0]))
        plain = weights / scale
        slope, threshold = self._calibrate(features, plain)
        ranked = sorted(zip(features.names, weights, strict=True), key=lambda w: -abs(w[1]))
        return RewardWeights(
            features=features.names,
            weights=tuple(float(w) for w in plain),
            slope=slope,
            fit=RewardFit(
                n_train=len(train),
                n_dev=len(dev),
                l2=penalty,
                train_accuracy=float((train @ plain > 0).mean()),
                dev_accuracy=self._rate([float(m > 0) for m in dev @ plain]),
                threshold=threshold,
                weights=tuple(Weight(feature=n, weight=round(float(w), 4)) for n, w in ranked),
            ),
        )

    def features(self) -> Features:
        """What it looks at, with the names that the pairs for training speak of."""
        said = (t for p in self._train for t in (p.a, p.b, p.reference or "", conversation(p.input)))
        return Features(self._manner, self._embed, names_of(said), self._reference)

    def differences(self, features: Features, pairs: Sequence[PreferencePair]) -> Rows:
        """Preferred minus other, of pairs with a preferred side."""
        clear = [p for p in pairs if p.label in ("a", "b")]
        rows = features.rows([case for p in clear for case in _sides(p)]).reshape(
            len(clear), 2, len(features.names)
        )
        sign = np.array([1.0 if p.label == "a" else -1.0 for p in clear])
        found: Rows = (rows[:, 0] - rows[:, 1]) * sign[:, None]
        return found

    def _calibrate(self, features: Features, weights: Vector) -> tuple[float, float]:
        """Slope and threshold by which a reward is a chance to pass: preferred sides of dev pass, others fail.

        Platt's scaling (1999) with his targets, which keep a perfect separation from an infinite slope.
        """
        clear = [p for p in self._dev if p.label in ("a", "b")]
        rewards = features.rows([case for p in clear for case in _sides(p)]) @ weights
        good = np.array([(side == p.label) for p in clear for side in ("a", "b")], dtype=float)
        n = len(clear)
        target = np.where(good > 0, (n + 1) / (n + 2), 1 / (n + 2))
        spread = float(rewards.std()) or 1.0
        design = np.stack([(rewards - rewards.mean()) / spread, np.ones(len(rewards))], axis=1)
        beta = np.zeros(2)
        for _ in range(100):
            p = _sigmoid(design @ beta)
            curvature = (design * (p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
            step = np.linalg.solve(curvature, design.T @ (target - p))
            beta += np.clip(step, -2, 2)
            if np.abs(step).max() < 1e-9:
                break
        slope = max(float(beta[0]), 1e-3) / spread
        return slope, float(rewards.mean()) - float(beta[1]) / slope


def fit(differences: Rows, penalty: float) -> Vector:
    """Weights (K,) that make (n, K) differences, preferred minus other, most likely; Newton's method."""
    weights = np.zeros(differences.shape[1])
    for _ in range(100):
        p = _sigmoid(differences @ weights)
        gradient = differences.T @ (1 - p) - penalty * weights
        curvature = (differences * (p * (1 - p))[:, None]).T @ differences + penalty * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def loss(margins: Vector) -> float:
    """Mean negative log-likelihood of preferred sides, by their margins."""
    return float(np.logaddexp(0.0, -margins).mean())


def _sigmoid(x: Vector) -> Vector:
    found: Vector = 1 / (1 + np.exp(-np.clip(x, -40, 40)))
    return found


def _sides(pair: PreferencePair) -> list[AnswerCase]:
    return [
        AnswerCase(
            id=f"{pair.id} {side}", input=pair.input, answer=getattr(pair, side), reference=pair.reference
        )
        for side in ("a", "b")
    ]
