"""The judging stage from end to end: scores apart, trust, corrections, and judges that fail in every known way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fixtures.endpoints import Stub
from fixtures.judging_servers import Judge, first, hangs, honest, replies
from fixtures.preferences import add_judges, add_labels, label
from fixtures.small_scenario import write_small_scenario

from harness.flows.gate import GateOptions
from harness.flows.gate import judge as gate
from harness.flows.judge import ValidateOptions, validate_judges
from harness.judge.reward import LearntReward
from harness.runs import Run
from harness.types.judge_record import JudgeRecord

from .runs import Quiet, run

pytestmark = pytest.mark.slow

VARIANTS = ["prompt", "elsewhere"]
RUBRIC = {
    "kind": "rubric",
    "criteria": [{"name": "right", "description": "the price"}, {"name": "tone", "description": "kind"}],
}


@pytest.fixture
def small(tmp_path: Path, own_cache: Path) -> Path:
    return write_small_scenario(tmp_path / "small", VARIANTS)


def _judged(small: Path, server: Judge, judges: Mapping[str, Any], **limits: Any) -> tuple[Run, Stub]:
    """The run with ``judges``, each at an endpoint where ``server`` judges."""
    with Stub(reply=server) as stub:
        endpoint = {"base_url": stub.url, "model": "smollm-judge", "retries": 0, "stop_after": 1000, **limits}
        at = {name: {**j, "model": "endpoint:court"} for name, j in judges.items()}
        add_judges(small, at, n=20, endpoints={"court": endpoint})
        return run(small), stub


def _record(result: Run, name: str) -> JudgeRecord:
    assert result.judges is not None
    return next(j for j in result.judges.judges if j.name == name)


def test_the_reward_judges_by_default_and_moves_nothing_else(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run(small)
    add_judges(small, {"reward": {"kind": "reward"}})
    add_labels(small, [label(i, good, "random") for i in range(10) for good in (True, False)])
    judged = run(small)
    assert judged.comparison.estimates == plain.comparison.estimates
    assert judged.comparison.decision == plain.comparison.decision
    assert {s.metric for s in judged.scores} == {s.metric for s in plain.scores}
    assert {s.metric for s in judged.judge_scores} == {"judge.reward"}
    assert {s.variant for s in judged.judge_scores} == set(VARIANTS)
    record = _record(judged, "reward")
    assert record.pairs is not None
    assert record.pairs.accuracy.value == 1
    assert record.pairs.position.consistency.value == 1
    assert [a.criterion for a in record.answers] == ["pass"]
    assert record.fit is not None
    assert record.usage.requests == 0
    [metric] = judged.comparison.judged
    elsewhere = metric.of("elsewhere")
    assert elsewhere is not None
    assert elsewhere.n_labels > 0
    monkeypatch.setattr(LearntReward, "answers", lambda *_: pytest.fail("judged again"))
    assert run(small).judges == judged.judges


def test_the_gate_tells_that_labels_are_newer_than_the_run(
    small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    rules = {"variant": "prompt", "rules": [{"metric": "judge.reward", "at_least": 0.5}]}
    add_judges(small, {"reward": {"kind": "reward"}}, gate=rules)
    made = run(small)
    options = GateOptions(run=str(made.folder.path))
    assert gate(small, options, Quiet()).notes == ()
    add_labels(small, [label(i, True, "random") for i in range(10)])
    assert gate(small, options, Quiet()).notes == (
        "judges, preference pairs or labels changed since the run",
    )


def test_an_endpoint_judges_with_a_schema_and_is_never_asked_twice(small: Path) -> None:
    judges = {"check": {"kind": "reference"}, "rating": RUBRIC, "duel": {"kind": "pairwise"}}
    result, stub = _judged(small, honest, judges)
    assert all(b["response_format"]["type"] == "json_schema" for b in stub.requests)
    for name in ("check", "duel"):
        record = _record(result, name)
        assert record.pairs is not None
        assert record.relatives == ()
        assert record.usage.failed == 0
        assert record.usage.output_tokens == 10 * record.usage.requests
    assert _record(result, "duel").pairs.accuracy.value == 1  # type: ignore[union-attr]
    passed = {(s.variant, s.item): s.value for s in result.judge_scores if s.metric == "judge.check"}
    assert passed["elsewhere", "held-3"] == 1
    assert passed["prompt", "held-3"] == 0
    rated = {s.metric for s in result.judge_scores if s.metric.startswith("judge.rating")}
    assert rated == {"judge.rating", "judge.rating.right", "judge.rating.tone"}
    [ranking] = result.comparison.rankings
    assert ranking.strengths[0].variant == "elsewhere"
    assert run(small).judges == result.judges  # the server is gone: all is in the run's journals
    (result.folder.path / "judges.json").unlink()
    again = run(small)
    assert _record(again, "check").usage.requests == _record(result, "check").usage.requests
    assert _record(again, "duel").pairs == _record(result, "duel").pairs


def test_a_validation_asks_nothing_that_a_comparison_has_asked(
    small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    result, _ = _judged(small, honest, {"duel": {"kind": "pairwise"}})
    there = tmp_path / "reports" / "small" / "one"
    there.parent.mkdir(parents=True)
    result.folder.path.rename(there)
    records, file = validate_judges(small, ValidateOptions(), Quiet())  # the server is gone
    assert file.parent == Path("reports/small/judges")
    assert records.judges[0].pairs == _record(result, "duel").pairs
    assert records.judges[0].usage.failed == 0


@pytest.mark.parametrize(
    ("server", "kind"),
    [
        (replies("The weather is fine today."), "not JSON"),
        (replies("I'm sorry, but I can't judge that."), "refusal"),
        (replies('{"reason": "x", "choice": "both", "verdict": "perhaps"}'), "wrong schema"),
        (hangs, "timeout"),
    ],
    ids=["garbage", "refuses", "schema", "hangs"],
)
def test_a_judge_that_fails_has_typed_failures_and_moves_no_verdict(
    small: Path, server: Judge, kind: str
) -> None:
    plain = run(small)
    judges = {"check": {"kind": "reference"}, "duel": {"kind": "pairwise"}}
    result, _ = _judged(small, server, judges, deadline_s=0.2, max_concurrency=64)
    assert result.comparison.decision == plain.comparison.decision
    assert result.comparison.estimates == plain.comparison.estimates
    for name in judges:
        record = _record(result, name)
        assert record.n_scores == 0
        assert kind in record.failures
        assert record.pairs is not None
        assert [f.kind for f in record.pairs.failures] == [kind]
        assert record.trust is not None
        assert record.trust.status == "below floor"
    assert all(m.kept_out for m in result.comparison.judged)
    assert all(s.value is None and s.reason for s in result.judge_scores if s.variant == "prompt")


def test_a_judge_that_always_says_the_first_is_told_by_the_order(small: Path) -> None:
    result, _ = _judged(small, first, {"duel": {"kind": "pairwise"}})
    record = _record(result, "duel")
    assert record.pairs is not None
    assert record.pairs.position.consistency.value == 0
    assert any("Says the first whatever it is shown" in d for d in record.pairs.diagnoses)
    assert record.trust is not None
    assert record.trust.status == "below floor"
    values = {s.value for s in result.judge_scores}
    assert values <= {0.5, None}  # disagreeing orders are ties


def test_replicates_tell_the_noise_and_a_family_is_flagged(small: Path) -> None:
    judges = {
        "check": {"kind": "reference", "replicates": 2, "temperature": 0.7, "items": 3, "family": "Smol"}
    }
    result, stub = _judged(small, honest, judges)
    record = _record(result, "check")
    assert record.noise is not None
    assert (record.noise.replicates, record.noise.changed.value) == (2, 0)
    seeds = {b["seed"] for b in stub.requests}
    assert seeds == {3, 4}
    assert len({s.item for s in result.judge_scores}) == 3
    assert record.family == "Smol"
