"""What the answers were worth: scores, estimates, the comparison and where it came from."""

from __future__ import annotations

from typing import Literal

from harness.types.answers import Phase, Usage
from harness.types.cache import CacheFigure
from harness.types.capacity import LoadCost
from harness.types.decision import BreakEven, DecisionModel, Evaluation, Sweep, Worth
from harness.types.estimate import Estimate as Estimate
from harness.types.judged import JudgedMetric, Ranking
from harness.types.leak import Leak
from harness.types.record import Record

Unit = Literal["rate", "score", "s", "ms", "tokens/s", "money"]


class MetricInfo(Record):
    """What a metric is, so that comparison and report need to know none of them by name."""

    name: str
    label: str
    description: str
    unit: Unit
    higher_is_better: bool
    phase: Phase = "quality"
    code: str = ""
    """Fingerprint of the code that computes it: values of two versions do not compare."""


class Score(Record):
    variant: str
    item: str
    repeat: int = 0
    metric: str
    value: float | None
    reason: str | None = None
    """Why there is no value: ``not applicable: ...`` leaves the item out by definition, anything else is missing."""
    scorer: str
    """Fingerprint of the scorer."""


class VariantEstimate(Record):
    variant: str
    metric: str
    slice: str
    """``all`` or ``key=value``."""
    estimate: Estimate


Verdict = Literal["better", "non-inferior", "worse", "inconclusive", "unknown"]


class Difference(Record):
    """Variant minus baseline on the items that both answered."""

    variant: str
    baseline: str
    metric: str
    slice: str
    estimate: Estimate
    verdict: Verdict
    """What ``comparison.paired.verdict`` makes of the interval, ``p_holm`` and ``margin``."""
    p_value: float | None = None
    """Two-sided, of the hypothesis that the two are alike: clusters flip their sign. None without a difference."""
    p_holm: float | None = None
    """``p_value`` adjusted for the comparisons that are made together (``comparison.multiplicity``)."""
    minimum_detectable: float | None = None
    """True difference that so many items, so correlated, show with 80% power at 5% two-sided; metric units."""
    margin: float | None = None
    """Smallest difference that matters, in metric units, from the scenario; None where it sets none."""
    items_needed: int | None = None
    """Items at which ``minimum_detectable`` would be the margin, these counted; None without margin or spread."""


class VarianceParts(Record):
    """What a variant's scores on the choice metric vary with; variances, in squared metric units."""

    variant: str
    item: float | None
    """Between items, of the mean of ever more repeats."""
    sampling: float | None
    """Between repeats of one item."""
    training_seed: float | None
    """Between adapters that differ in their training seed alone."""
    reason: str | None = None
    """Why ``item`` and ``sampling`` are unknown."""
    training_reason: str | None = None
    """Why ``training_seed`` is unknown."""


class Interaction(Record):
    """Does retrieval help a tuned model as much as the base? (tuned+rag - tuned) - (rag - base)."""

    metric: str
    slice: str
    base: str
    retrieval: str
    tuned: str
    both: str
    estimate: Estimate


class LedgerLine(Record):
    """One thing that is paid for."""

    what: str
    paid: Literal["each training", "each month", "each request"]
    quantity: float
    """Each time it is paid."""
    unit: str
    unit_price: float
    amount: float
    """Each time it is paid."""
    per_month: float
    """The same at the stated volume and retraining interval."""
    source: str
    """Where quantity and price come from."""


class VariantCost(Record):
    variant: str
    serving_per_1000: Estimate
    """Machine (or token) cost of 1,000 requests."""
    training_once: float
    """Machine time of training and index, and labelled examples, paid every retraining interval."""
    per_1000: Estimate
    """Serving plus training amortised over the stated volume."""
    per_1000_successes: Estimate
    curve: tuple[float | None, ...]
    """Cost per 1,000 successes at each of ``Comparison.volumes``."""
    ledger: tuple[LedgerLine, ...]
    """Empty where what the variant uses is not known."""


class FrontierPoint(Record):
    variant: str
    quality: float | None
    latency_s: float | None
    cost_per_1000: float | None
    dominated_by: tuple[str, ...]
    """Variants at least as good on all three and better on one."""
    probability_dominated: float | None
    """Probability that some variant truly dominates it; None where a figure is unknown."""


class Decision(Record):
    choice: str | None
    """The recommended variant, or None where no variant qualifies."""
    runner_up: str | None
    probability_best: dict[str, float]
    """Probability that the variant is worth most of those that qualify; has the best quality, where no utility is
    stated."""
    ruled_out: dict[str, str]
    """Variant and the constraint that it breaks."""
    tied: tuple[str, ...]
    """Variants whose difference from the best is not clear; among them the cheapest is chosen."""
    lead: Estimate | None
    """Choice minus runner-up on the choice metric."""
    worth: Worth | None
    """None where no variant qualifies."""
    sweeps: tuple[Sweep, ...]
    reason: str


class CleanScore(Record):
    """The choice metric of a variant with and without the items that leaked."""

    variant: str
    all: Estimate
    clean: Estimate
    change: Estimate
    """Clean minus all."""
    gap: Estimate | None
    """Variant minus baseline on clean items; None for the baseline."""


class Shrinkage(Record):
    """The chosen variant's figure, corrected for having been the best of several (winner's curse)."""

    variant: str
    raw: float | None
    """On the items that all variants answered."""
    shrunk: float | None
    factor: float | None
    """1 keeps the raw figure, 0 replaces it by the mean of the variants."""
    n_variants: int
    n: int
    reason: str | None = None
    """Why there is no figure."""


class Looks(Record):
    """How often the held-out items were looked at: every look is another chance to be best by luck."""

    comparisons: int
    """With different configurations on these items, previews on a part of them included, and the present one."""
    configurations: dict[str, int]
    """Different ones of each variant in those comparisons."""


class AuditLine(Record):
    """One condition of a fair comparison."""

    check: str
    status: Literal["ok", "caution", "broken"]
    """caution: to be known when reading the figures; broken: the figures do not compare like with like."""
    sentence: str


class Audit(Record):
    """Whether the variants were compared on one footing."""

    lines: tuple[AuditLine, ...]
    looks: Looks
    n_leaked: int
    """Held-out items that something the variants learn from holds; declared overlaps are not among them."""
    leaks: tuple[Leak, ...]
    """Undeclared ones, of held-out and dev items."""
    clean: tuple[CleanScore, ...]
    """One for each variant; empty where no item leaked."""
    shrinkage: Shrinkage | None
    """None where no variant qualifies."""


class Comparison(Record):
    scenario: str
    preview: bool
    """True for ``--quick``: less training and fewer items; no gate accepts it."""
    baseline: str
    variants: tuple[str, ...]
    n_items: int
    n_clusters: int
    seed: int
    confidence: float
    currency: str
    metrics: tuple[MetricInfo, ...]
    estimates: tuple[VariantEstimate, ...]
    differences: tuple[Difference, ...]
    variance: tuple[VarianceParts, ...] = ()
    """By variant, for the choice metric."""
    interactions: tuple[Interaction, ...]
    costs: tuple[VariantCost, ...]
    volumes: tuple[float, ...]
    break_even: tuple[BreakEven, ...]
    frontier: tuple[FrontierPoint, ...]
    decision: Decision
    model: DecisionModel
    """What the decision is computed from, so that it can be computed again at other prices."""
    usage: dict[str, Usage]
    """What each variant's answers used, of which the ledgers are made."""
    load: tuple[LoadCost, ...] = ()
    """Of the variants that were put under load: what serving costs at any rate."""
    evaluation: Evaluation
    """Costs, ranking and break-even volumes that ``model`` gives at its own terms, as plain arithmetic."""
    audit: Audit | None = None
    """None in a run made before there was one."""
    caches: tuple[CacheFigure, ...] = ()
    """Of the variants that keep answers when they are served; no other figure rests on it."""
    judged: tuple[JudgedMetric, ...] = ()
    """By judge: raw scores, and what labels make of them. No other figure rests on them."""
    rankings: tuple[Ranking, ...] = ()
    """By pairwise judge."""
