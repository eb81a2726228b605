"""Levels and sweeps on a server, each request journalled as it ends, so that a kill loses those in flight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import HarnessError, InputError
from harness.load import arrivals as schedules
from harness.load.client import Endpoint
from harness.load.metrics import level
from harness.load.prompts import dealt, warmed
from harness.load.run import Arrival, fire, warm_up
from harness.load.sweep import judge, meaning, next_rate, saturation
from harness.protocols import Progress
from harness.store import Journal, RunFolder
from harness.types.load import Cache, Level, LevelJudgement, Limits, Prompt, RequestRecord, Saturation

Correct = Callable[[Sequence[RequestRecord]], Mapping[int, bool | None]]
"""Whether each reply is right, by arrival; None for one that cannot be checked."""


@dataclass(frozen=True)
class Schedule:
    """When and how long."""

    arrivals: Literal["poisson", "constant", "trace"]
    seconds: float
    seed: int
    trace: tuple[float, ...] = ()
    """Recorded times; with a rate they are stretched to it."""

    def at(self, rate: float | None) -> list[float]:
        if self.arrivals == "trace":
            return schedules.replayed(self.trace, rate)
        if rate is None:
            raise InputError("name the request rate with --rate, or search for it with --sweep")
        if self.arrivals == "constant":
            return schedules.constant(rate, self.seconds)
        return schedules.poisson(rate, self.seconds, self.seed)


@dataclass(frozen=True)
class Bench:
    """A server, what it is asked, and the folder where all is kept."""

    folder: RunFolder
    endpoint: Endpoint
    prompts: Sequence[Prompt]
    schedule: Schedule
    limits: Limits
    correct: Correct | None
    progress: Progress

    def level(self, rate: float | None, cache: Cache) -> Level:
        """Figures at one rate; what is stored of it is not measured again."""
        times = self.schedule.at(rate)
        offered = rate or ((len(times) - 1) / times[-1] if times[-1] else float(len(times)))
        name = f"{cache}-{offered:.4g}"
        if stored := self.folder.read(f"levels/{name}.json", Level):
            return stored
        journal = Journal(self.folder.path / "requests" / f"{name}.jsonl", RequestRecord)
        records = list(journal)
        seed = self.schedule.seed
        asked = dealt(self.prompts, len(times), cache, seed)
        done = {r.arrival for r in records}
        left = [Arrival(i, t, p) for i, (t, p) in enumerate(zip(times, asked, strict=True)) if i not in done]
        self.progress.stage(f"{offered:.4g} requests/s, {cache}", len(times))
        self.progress.advance(len(done))
        self._prepare(cache)

        def keep(record: RequestRecord) -> None:
            journal.append(record)
            records.append(record)
            self.progress.advance(1)

        session = max((r.session for r in records), default=-1) + 1
        lags = fire(self.endpoint, left, session, keep) if left else None
        found = level(
            records,
            arrivals=self.schedule.arrivals,
            cache=cache,
            offered_rate=offered,
            limits=self.limits,
            correct=self.correct(records) if self.correct else None,
            loop_lag=lags,
        )
        self.folder.write(f"levels/{name}.json", found)
        return found

    def _prepare(self, cache: Cache) -> None:
        """One request opens what is opened once; a warm run asks all of its prompts."""
        seed = self.schedule.seed
        first = (
            warmed(self.prompts, seed)
            if cache == "warm"
            else dealt(self.prompts, len(self.prompts), cache, seed)[-1:]
        )
        errors = warm_up(self.endpoint, first)
        if all(errors):
            raise HarnessError(
                f"{self.endpoint.base_url} answers no request before the load starts: {errors[0]}; see whether model "
                f"{self.endpoint.model!r} and key are right"
            )

    def sweep(
        self, start: float, most: float, attainment: float, cache: Cache
    ) -> tuple[list[Level], Saturation]:
        """Levels in the order of the search, and where the server ends."""
        levels: list[Level] = []
        judged: list[LevelJudgement] = []
        while (rate := next_rate(judged, start, most)) is not None:
            levels.append(found := self.level(rate, cache))
            if not found.valid:
                self.progress.note(f"the sweep ends at {rate:.4g} requests/s: {found.invalid_reason}")
                break
            window = (found.completed + found.failed) / rate
            idle = min(levels, key=lambda one: one.offered_rate or 0.0).e2e.percentiles[0].value
            judged.append(judge(found, window, idle, attainment))
            self.progress.note(f"{rate:.4g} requests/s: {judged[-1].reason}")
        if not judged:
            return levels, Saturation(
                sustained_rate=None,
                saturated_rate=None,
                meaning=meaning(self.limits, attainment),
                judgements=(),
            )
        return levels, saturation(judged, self.limits, attainment)
