"""What the sections look at: the inputs of the report with the look-ups that several of them need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.figures import Figure, figure
from harness.types.abtest import AbTest
from harness.types.answers import Answer, TrainingRecord
from harness.types.data import Item, Passage
from harness.types.judge_record import JudgeRecord
from harness.types.manifest import Manifest
from harness.types.results import Comparison, Difference, Estimate, MetricInfo, Score, Unit, VariantCost
from harness.types.settings import Scenario
from harness.types.verdict import Verdict

COLOURS = 8
"""Number of series colours in the style sheet."""


@dataclass(frozen=True)
class Inputs:
    comparison: Comparison
    manifest: Manifest
    scenario: Scenario
    items: Sequence[Item]
    answers: Sequence[Answer]
    scores: Sequence[Score]
    passages: Mapping[str, Passage]
    trainings: Mapping[str, TrainingRecord]
    verdict: Verdict | None = None
    """Of the gate, where it has judged this run."""
    abtest: AbTest | None = None
    """Of production, where ``harness abtest`` has read its log beside this run."""
    judges: Sequence[JudgeRecord] = ()

    @property
    def variants(self) -> tuple[str, ...]:
        return self.comparison.variants

    @property
    def currency(self) -> str:
        return self.comparison.currency

    @cached_property
    def metrics(self) -> dict[str, MetricInfo]:
        return {m.name: m for m in self.comparison.metrics}

    @cached_property
    def _estimates(self) -> dict[tuple[str, str, str], Estimate]:
        return {(e.variant, e.metric, e.slice): e.estimate for e in self.comparison.estimates}

    @cached_property
    def _differences(self) -> dict[tuple[str, str, str], Difference]:
        return {(d.variant, d.metric, d.slice): d for d in self.comparison.differences}

    @cached_property
    def costs(self) -> dict[str, VariantCost]:
        return {c.variant: c for c in self.comparison.costs}

    @cached_property
    def slices(self) -> dict[str, list[str]]:
        """Slice keys and their values, in the order of the comparison."""
        found: dict[str, list[str]] = {}
        for _, _, name in self._estimates:
            key, equals, value = name.partition("=")
            if equals and value not in found.setdefault(key, []):
                found[key].append(value)
        return found

    @cached_property
    def choice_metric(self) -> MetricInfo:
        """The metric that the recommendation is made on."""
        name = self.scenario.choice.metric
        return self.metrics.get(name) or MetricInfo(
            name=name, label=name, description="", unit="rate", higher_is_better=True
        )

    @cached_property
    def success_metric(self) -> MetricInfo:
        """The yes-or-no metric that marks single answers as right or wrong."""
        return self.metrics.get("success") or self.choice_metric

    @cached_property
    def timing_metrics(self) -> list[MetricInfo]:
        return [m for m in self.comparison.metrics if m.phase == "timing"]

    @cached_property
    def latency_metric(self) -> MetricInfo | None:
        """End-to-end latency: the metric of that name, else the last time that the timing pass measured."""
        times = [m for m in self.timing_metrics if m.unit in ("s", "ms")]
        return self.metrics.get("latency") or (times[-1] if times else None)

    def colour(self, variant: str) -> int:
        """Number of the series colour: the choice has the first, and all keep theirs."""
        choice = self.comparison.decision.choice
        order = [v for v in (choice, *(v for v in self.variants if v != choice)) if v is not None]
        return order.index(variant) % COLOURS + 1 if variant in order else COLOURS

    def estimate(self, variant: str, metric: str, slice_: str = "all") -> Estimate | None:
        return self._estimates.get((variant, metric, slice_))

    def difference(self, variant: str, metric: str, slice_: str = "all") -> Difference | None:
        return self._differences.get((variant, metric, slice_))

    def figure(self, estimate: Estimate | None, unit: Unit, *, signed: bool = False) -> Figure:
        return figure(estimate, unit, self.currency, self.comparison.confidence, signed=signed)

    def metric_figure(self, variant: str, metric: MetricInfo, slice_: str = "all") -> Figure:
        return self.figure(self.estimate(variant, metric.name, slice_), metric.unit)

    def cost_figure(self, variant: str, field: str) -> Figure:
        """``serving_per_1000``, ``per_1000`` or ``per_1000_successes`` of a variant."""
        cost = self.costs.get(variant)
        return self.figure(getattr(cost, field) if cost else None, "money")


def centre(estimate: Estimate | None) -> str:
    """``mean`` where the method says so, else ``median``, as timings are summarised by default."""
    method = estimate.method.lower() if estimate else ""
    return "mean" if "mean" in method and "median" not in method and "p50" not in method else "median"
