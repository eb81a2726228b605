"""What a load test asked and saw, in the field's names: TTFT, ITL, TPOT, e2e, goodput. All times are seconds."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from harness.types.data import Message
from harness.types.record import Record

Timed = Literal["ttft", "itl", "tpot", "e2e"]
Cache = Literal["cold", "warm"]
Positive = Annotated[float, Field(gt=0)]


class Limits(Record):
    """What a reply must keep to count as good (a service level objective); None sets no limit."""

    ttft: Positive | None = None
    """Time to first token."""
    itl: Positive | None = None
    """Longest gap between two tokens of the reply."""
    tpot: Positive | None = None
    """Time per output token after the first."""
    e2e: Positive | None = None
    """Whole reply."""

    def stated(self) -> dict[Timed, float]:
        """The limits that are set, by name."""
        each: dict[Timed, float | None] = {
            "ttft": self.ttft,
            "itl": self.itl,
            "tpot": self.tpot,
            "e2e": self.e2e,
        }
        return {name: limit for name, limit in each.items() if limit is not None}


class LoadTerms(Record):
    """How the variants of a scenario are put under load by ``compare --load``."""

    limits: Limits = Limits()
    """Without any, a level is good while the server keeps up."""
    attainment: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Share of requests that must keep the limits at a rate that counts as sustained."""
    seconds: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """Arrivals of one level of the sweep."""
    start_rate: Positive = 1.0
    """Requests a second of the first level."""
    max_rate: Positive = 512.0
    """The sweep goes no higher."""
    peak: Annotated[float, Field(ge=1)] = 1.0
    """Busiest rate by the mean rate of a month: replicas are counted for the busiest. 1 is even traffic."""


class Prompt(Record):
    """One thing to ask."""

    messages: tuple[Message, ...]
    item: str | None = None
    """The scenario's item, where it is one."""
    altered: bool = False
    """Whether a number was put before the question to make it distinct, so that its reply is not scored."""


class RequestRecord(Record):
    """One request; times are seconds since the session's first intended send."""

    arrival: int
    """Its place in the schedule, from 0."""
    session: int = 0
    """Which sitting measured it: a run that was stopped goes on in another, with an empty queue."""
    item: str | None = None
    altered: bool = False
    intended_s: float
    """When the schedule said to send; every latency counts from here (no coordinated omission)."""
    sent_s: float
    """When it was sent; later than intended by the generator's own lag."""
    token_times_s: tuple[float, ...] = ()
    """Arrival of each piece of text; servers mostly send a token a piece."""
    first_token_s: float | None = None
    last_token_s: float | None = None
    prompt_tokens: int | None = None
    """As the server counts; None where it does not tell."""
    output_tokens: int | None = None
    """As the server counts, else the pieces of text."""
    text: str | None = None
    error: str | None = None
    """Why there is no whole reply."""

    @property
    def ttft(self) -> float | None:
        return None if self.first_token_s is None else self.first_token_s - self.intended_s

    @property
    def e2e(self) -> float | None:
        return None if self.last_token_s is None else self.last_token_s - self.intended_s

    @property
    def tpot(self) -> float | None:
        """vLLM's: (latency - TTFT) / (tokens - 1); None for a reply of one token, which has no such time."""
        if self.e2e is None or self.ttft is None or not self.output_tokens or self.output_tokens < 2:
            return None
        return (self.e2e - self.ttft) / (self.output_tokens - 1)

    @property
    def gaps(self) -> tuple[float, ...]:
        """Inter-token latencies."""
        return tuple(b - a for a, b in pairwise(self.token_times_s))


class Percentile(Record):
    """A percentile with its order-statistic interval."""

    q: float
    """In (0, 1)."""
    value: float | None
    low: float | None
    high: float | None
    """None where even the slowest request may lie below the true percentile."""
    reason: str | None = None
    """Why there is no value or no bound."""


class Distribution(Record):
    """One timed quantity over the requests of a level."""

    mean: float | None
    """Over those that have a value."""
    percentiles: tuple[Percentile, ...]
    n: int
    """Requests that the percentiles rest on; of ITL, those with two tokens or more."""
    n_effective: float
    """Independent requests that tell as much: requests in one queue are slow together."""
    n_failed: int
    """Failed requests among ``n``; they count as slower than any other."""

    def at(self, q: float) -> Percentile:
        return next(p for p in self.percentiles if p.q == q)


class Rate(Record):
    """So many a second, with a 95% interval."""

    value: float | None
    low: float | None
    high: float | None
    share: float | None
    """Of the requests that were judged."""
    share_low: float | None = None
    share_high: float | None = None
    n: int
    """Requests that were judged."""
    reason: str | None = None
    """Why there is no value."""


class Lag(Record):
    """How late the generator itself was: sends after their time, and turns of its event loop."""

    send_p50_s: float
    send_p99_s: float
    send_max_s: float
    loop_p99_s: float | None
    """None where an import does not tell."""
    loop_max_s: float | None


class Level(Record):
    """One offered rate."""

    arrivals: Literal["poisson", "constant", "trace"] | None
    """None where an import does not tell."""
    cache: Cache | None
    """cold: every prompt is new to the server; warm: a few prompts that it has seen. None: not known."""
    timed_from: Literal["intended", "send"] = "intended"
    """``send`` in imports that hold no intended time: waiting in the generator is then not in the latency."""
    offered_rate: float | None
    """Requests a second of the schedule."""
    sessions: int
    duration_s: float
    """From the first intended send to the last token, of all sessions."""
    completed: int
    failed: int
    errors: dict[str, int]
    """Failed requests by error, the most frequent first."""
    request_throughput: float
    """Completed requests a second."""
    output_throughput: float | None
    """Output tokens a second; None where tokens were not counted."""
    total_token_throughput: float | None
    max_concurrent_requests: int
    drain_s: float
    """From the last arrival to the last token: what was still waiting or being written."""
    ttft: Distribution
    itl: Distribution
    tpot: Distribution
    e2e: Distribution
    limits: Limits
    one_token: int
    """Replies of one token: no TPOT and no ITL, so they are judged by the other limits alone."""
    request_goodput: Rate
    """Requests that kept all limits."""
    quality_goodput: Rate
    """Requests that kept all limits and were right."""
    success: Rate
    """Requests that were right, in time or not."""
    lag: Lag
    valid: bool
    """False where the generator lagged: the figures then tell of it as much as of the server."""
    invalid_reason: str | None = None


class LevelJudgement(Record):
    """Whether a rate was sustained."""

    offered_rate: float
    sustained: bool
    behind: bool = False
    """Whether it failed or fell behind, limits or not."""
    reason: str
    """By which of the signs, with its figures."""


class Saturation(Record):
    """Where the sweep found the server's end."""

    sustained_rate: float | None
    """Highest offered rate that was sustained; None where the lowest was not."""
    saturated_rate: float | None
    """Lowest offered rate above it that was not; None where the sweep ended before."""
    meaning: str
    """What saturated means here, in words."""
    judgements: tuple[LevelJudgement, ...]
    """In growing order of rate."""


class LoadResult(Record):
    """What ``harness load`` found."""

    target: str
    """Base URL, or ``scenario:variant``; the file of an import."""
    source: Literal["harness", "vllm", "guidellm", "aiperf"] = "harness"
    model: str | None
    seed: int | None
    key: str
    """Fingerprint of all that was asked; stored levels with another key are not used."""
    finished: str
    """UTC, ISO 8601."""
    hardware: dict[str, str]
    """Of the machine that generated the load."""
    levels: tuple[Level, ...]
    """In the order in which they ran."""
    saturation: dict[Cache, Saturation] = {}
    """By the state of the cache; empty without a sweep."""
