"""What ``/metrics`` shows, in the format of Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from harness.serving.limits import Gate

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100)


class Metrics:
    """Of one server; names begin with ``harness_``."""

    def __init__(self, gate: Gate):
        own = self._registry = CollectorRegistry()
        self.requests = Counter(
            "harness_requests", "Chat requests by status; 499 is a dropped one.", ["status"], registry=own
        )
        self.ttft = Histogram(
            "harness_time_to_first_token_seconds",
            "From arrival to the first text of a generated answer, waiting included.",
            registry=own,
            buckets=_SECONDS,
        )
        self.e2e = Histogram(
            "harness_request_seconds",
            "From arrival to the end of a generated answer, waiting included.",
            registry=own,
            buckets=_SECONDS,
        )
        self.prompt_tokens = Counter("harness_prompt_tokens", "Of generated answers.", registry=own)
        self.output_tokens = Counter("harness_output_tokens", "Of generated answers.", registry=own)
        self.hits = Counter("harness_cache_hits", "Answers from the cache.", ["kind"], registry=own)
        in_flight = Gauge("harness_in_flight", "Requests that the engine works on.", registry=own)
        in_flight.set_function(lambda: gate.in_flight)
        queued = Gauge("harness_queued", "Requests that wait for their turn.", registry=own)
        queued.set_function(lambda: gate.queued)

    def text(self) -> bytes:
        return generate_latest(self._registry)
