"""The judging stage: each judge scores the answers of all variants, and is itself held against labels."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.comparison.trust import failures_by_kind
from harness.engine import endpoint_engine
from harness.judge.ask import Bench
from harness.judge.duels import fight, reference_of, shares_won
from harness.judge.family import family, model_of, relatives, words
from harness.judge.usage import asked, usage_of
from harness.protocols import Engine, Judge, Progress, ScoringContext
from harness.registry import JUDGES, lookup
from harness.scenario.inputs import Inputs
from harness.store import Journal, RunFolder, fingerprint
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.judge_record import (
    AnswerCase,
    AnswerJudgement,
    DuelRecord,
    JudgeRecord,
    JudgeRecords,
    JudgeReply,
)
from harness.types.judge_settings import (
    JudgeSettings,
    PairwiseJudge,
    RewardJudge,
    RubricJudge,
    endpoint_of,
    metrics_of,
)
from harness.types.judging import JUDGED
from harness.types.results import Score
from harness.types.settings import Scenario
from harness.validation import Given, Judged, Labelled, validate

_RECORDS = "judges.json"


@dataclass(frozen=True)
class Court:
    """What judges need of a run."""

    inputs: Inputs
    engine: Engine
    run: RunFolder
    progress: Progress
    others: tuple[RunFolder, ...] = ()
    """Whose replies may be used again."""

    @property
    def scenario(self) -> Scenario:
        return self.inputs.scenario

    def judge(self, name: str) -> Judge:
        """The judge called ``name``; nothing is learnt or loaded yet."""
        settings = self.scenario.judges[name]
        made = lookup(JUDGES, settings.kind)
        if isinstance(settings, RewardJudge):
            judge: Judge = self._learner(made, settings)
            return judge
        endpoint = endpoint_of(settings)
        engine = (
            self.engine
            if endpoint is None
            else endpoint_engine(self.engine, self.scenario, endpoint, self.progress)
        )
        journals = [
            Journal(r.path / "judgements" / f"{name}.jsonl", JudgeReply) for r in (self.run, *self.others)
        ]
        bench = Bench(engine.fingerprint, engine.backend, engine.independent, journals[0], journals[1:])
        template = self.inputs.judging.prompts[settings.prompt] if settings.prompt else None
        prompted: Judge = made(settings, template, bench)
        return prompted

    def _learner(self, made: Callable[..., Judge], settings: RewardJudge) -> Judge:
        from harness.comparison.raters import mean_of
        from harness.judge.features import Manner
        from harness.scores.apply import code_fingerprint
        from harness.scores.facts import abstains
        from harness.scores.style import kept_rules

        scenario, given = self.scenario, self.inputs.judging
        context = ScoringContext(scenario)
        manner = Manner(
            lambda text: abstains(text, context),
            lambda text: kept_rules(text, scenario.style),
            scenario.style.closing or "",
        )
        code = [code_fingerprint(f"harness.scores.{name}") for name in ("facts", "style")]
        return made(
            settings,
            given.train,
            given.dev,
            manner,
            (scenario.style, scenario.abstention, *code),
            self.engine.embed,
            self.engine.embedder_fingerprint,
            lambda values: mean_of(values, range(len(values)), "no dev pairs"),
            self.engine.cache,
        )


def judge_answers(court: Court, answers: Given) -> Judged:
    """Scores of all judges, and ``judges.json``; what is there already is not judged again."""
    if not court.scenario.judges:
        court.run.remove(_RECORDS)
        return Judged()
    stored = court.run.read(_RECORDS, JudgeRecords)
    known = {r.name: r for r in stored.judges} if stored else {}
    scores: list[Score] = []
    duels: dict[str, list[DuelRecord]] = {}
    records: list[JudgeRecord] = []
    for name in court.scenario.judges:
        bench = _Stage(court, name, answers)
        of_judge, fought, record = bench.stored(known.get(name)) or bench.judged()
        scores += of_judge
        records.append(record)
        if fought:
            duels[name] = fought
    found = JudgeRecords(judges=tuple(records))
    court.run.write(_RECORDS, found)
    return Judged(scores, duels, found)


_Done = tuple[list[Score], list[DuelRecord], JudgeRecord]


class _Stage:
    """One judge in a run."""

    def __init__(self, court: Court, name: str, answers: Given):
        self._court, self._name = court, name
        self._metric = f"{JUDGED}{name}"
        self._settings = court.scenario.judges[name]
        self._judge = court.judge(name)
        self._items = {i.id: i for i in _sample(self._settings, court.inputs)}
        self._answers = {
            v: [a for a in given if a.phase == "quality" and a.item in self._items]
            for v, given in answers.items()
        }
        self._key = fingerprint(
            self._judge.fingerprint,
            self._settings,
            court.inputs.judging.hash(),
            court.scenario.economics,
            *self._items.values(),
            *(a for given in self._answers.values() for a in given),
        )
        self._scores = Journal(court.run.path / "scores" / "judges" / f"{name}.jsonl", Score)
        self._duels = Journal(court.run.path / "duels" / f"{name}.jsonl", DuelRecord)

    def stored(self, record: JudgeRecord | None) -> _Done | None:
        """What an earlier process has left, if it rests on the same."""
        scores = list(self._scores)
        if record is None or record.key != self._key or {s.scorer for s in scores} != {self._key}:
            return None
        return scores, list(self._duels), record

    def judged(self) -> _Done:
        court, progress = self._court, self._court.progress
        start = time.perf_counter()
        duels: list[DuelRecord] = []
        progress.stage(f"judge {self._name}", self._questions())
        if isinstance(self._settings, PairwiseJudge):
            base = court.scenario.baseline if self._settings.against == "baseline" else None
            duels = fight(self._judge, self._items, self._answers, base, progress.advance)
            scores = [
                self._score(variant, item, 0, self._metric, value, why)
                for (variant, item), (value, why) in shares_won(duels, self._answers, self._items).items()
            ]
        else:
            scores = self._of_answers()
        record = record_of(court, self._name, self._judge, self._key, start)
        record = record.model_copy(
            update={
                "n_scores": sum(s.value is not None for s in scores if s.metric == self._metric),
                "failures": _kinds(s for s in scores if s.metric == self._metric),
            }
        )
        self._duels.replace(duels)
        self._scores.replace(scores)
        return scores, duels, record

    def _questions(self) -> int:
        settings, variants = self._settings, len(self._answers)
        if not isinstance(settings, PairwiseJudge):
            return asked(settings, 0, sum(len(given) for given in self._answers.values()))
        met = variants - 1 if settings.against == "baseline" else variants * (variants - 1) // 2
        return asked(settings, met * len(self._items), 0)

    def _of_answers(self) -> list[Score]:
        given = [a for of_variant in self._answers.values() for a in of_variant]
        asked = [a for a in given if a.error is None]
        cases = [self._case(a) for a in asked]
        judged = iter(self._judge.answers(cases, self._court.progress.advance))
        scores: list[Score] = []
        for answer in given:
            if answer.error is not None:
                scores += self._scored(answer, AnswerJudgement(id="", value=None, failure=answer.error))
            else:
                scores += self._scored(answer, next(judged))
        return scores

    def _case(self, answer: Answer) -> AnswerCase:
        item = self._items[answer.item]
        name = f"{answer.variant} {answer.item} {answer.repeat}"
        return AnswerCase(
            id=name, input=item.messages, answer=answer.text or "", reference=reference_of(item)
        )

    def _scored(self, answer: Answer, judgement: AnswerJudgement) -> list[Score]:
        """The judge's own metric, and one for each criterion of several."""
        several = isinstance(self._settings, RubricJudge) and len(self._settings.criteria) > 1
        rows = {self._metric: (judgement.value, judgement.failure)}
        if several:
            names = [c.name for c in self._settings.criteria]  # type: ignore[union-attr]
            rows |= {
                f"{self._metric}.{n}": (
                    judgement.criteria.get(n),
                    judgement.failures.get(n) or judgement.failure,
                )
                for n in names
            }
        return [
            self._score(answer.variant, answer.item, answer.repeat, metric, value, reason)
            for metric, (value, reason) in rows.items()
        ]

    def _score(
        self, variant: str, item: str, repeat: int, metric: str, value: float | None, reason: str | None
    ) -> Score:
        return Score(
            variant=variant,
            item=item,
            repeat=repeat,
            metric=metric,
            value=value,
            reason=None if value is not None else reason,
            scorer=self._key,
        )


def record_of(court: Court, name: str, judge: Judge, key: str, start: float) -> JudgeRecord:
    """The judge held against the scenario's labels. ``start`` is when it began to judge, by ``perf_counter``."""
    settings, scenario, given = court.scenario.judges[name], court.scenario, court.inputs.judging
    clusters = {i.id: i.cluster for i in court.inputs.heldout}
    own = (
        None if isinstance(settings, RewardJudge) else settings.family or family(model_of(scenario, settings))
    )
    n = asked(settings, len(given.heldout), len(given.labels))
    court.progress.stage(f"validation of judge {name}", n)
    found = validate(
        name, settings, judge, own, Labelled(given.heldout, given.labels, clusters), scenario.seed,
        court.progress.advance,
    )  # fmt: skip
    criteria = metrics_of(name, settings)
    return JudgeRecord(
        name=name,
        kind=settings.kind,
        metrics=tuple(criteria),
        criteria=criteria,
        fingerprint=judge.fingerprint,
        key=key,
        model=words(scenario, settings),
        family=own,
        relatives=relatives(scenario, settings),
        reference=settings.kind == "reference" or settings.reference,
        floor=settings.floor,
        pairs=found.pairs,
        answers=found.answers,
        trust=found.trust,
        noise=found.noise,
        usage=usage_of(scenario, settings, judge, time.perf_counter() - start),
        fit=getattr(judge, "fit", None),
        cases=found.cases,
    )


def _sample(settings: JudgeSettings, inputs: Inputs) -> list[Item]:
    wanted = None if isinstance(settings, RewardJudge) else settings.items
    if wanted is None or wanted >= len(inputs.heldout):
        return inputs.heldout
    chosen = set(random.Random(inputs.scenario.seed).sample([i.id for i in inputs.heldout], wanted))
    return [i for i in inputs.heldout if i.id in chosen]


def _kinds(scores: Iterable[Score]) -> dict[str, int]:
    return {f.kind: f.count for f in failures_by_kind(s.reason for s in scores if s.value is None)}
