"""Each condition of a fair comparison, kept and broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.comparison.footing import same_decoding, same_engine, same_items, same_template, same_timing
from harness.types.answers import Answer
from harness.types.endpoint import Endpoint
from harness.types.results import AuditLine
from harness.types.settings import BackendSpec, Decoding, Scenario, VariantSpec

from .factories import RETRIEVAL, scenario

TWINS = (VariantSpec(name="prompt"), VariantSpec(name="lora", weights="adapter:a"))
BOUGHT = (VariantSpec(name="prompt"), VariantSpec(name="bought", weights="precomputed:x.jsonl"))
ITEMS = ("a", "b", "c")


def answer(variant: str, item: str, phase: Any = "quality", **other: Any) -> Answer:
    given = {"key": "k", "text": "yes", "prompt_hash": f"h-{item}"} | other
    return Answer(variant=variant, item=item, phase=phase, **given)


def all_answers(variants: Sequence[VariantSpec], phase: Any = "quality", **other: Any) -> list[Answer]:
    return [answer(v.name, i, phase, **other) for v in variants for i in ITEMS]


def said(line: AuditLine, status: str, *parts: str) -> None:
    assert line.status == status, line.sentence
    for part in parts:
        assert part in line.sentence
    assert line.sentence.endswith(".")


FAR = (VariantSpec(name="prompt"), VariantSpec(name="far", weights="endpoint:x"))


def with_endpoint(**settings: Any) -> Scenario:
    endpoint = Endpoint.model_validate({"base_url": "http://x/v1", "model": "m", **settings})
    return scenario(FAR).model_copy(update={"endpoints": {"x": endpoint}})


def test_a_server_answers_on_a_footing_of_its_own() -> None:
    given = with_endpoint()
    said(same_decoding(given), "ok", "All variants decode alike")
    said(same_decoding(with_endpoint(options={"top_p": 0.5})), "caution", "far (top_p)")
    said(same_engine(given, "bfloat16"), "caution", "far was answered elsewhere", "the others by")
    said(same_timing(given, all_answers(FAR, "timing")), "caution", "the times of far hold the network")
    unknown = [*all_answers(FAR[:1]), *all_answers(FAR[1:], prompt_hash=None)]
    said(same_template(given, unknown), "caution", "answers of far (3)")


def test_same_items() -> None:
    given, full = scenario(TWINS), all_answers(TWINS)
    said(same_items(given, ITEMS, full), "ok", "All 2 variants", "same 3 held-out items")
    said(same_items(given, ITEMS, full[:-1]), "broken", "lora was not asked 1 of 3 items")
    said(same_items(given, ITEMS[:2], full), "broken", "prompt has answers to 1 items of another set")
    failed = [*full[:-1], answer("lora", "c", text=None, error="timed out")]
    said(same_items(given, ITEMS, failed), "caution", "some gave no answer: lora (1)")
    said(same_items(given, ITEMS, all_answers(TWINS, "timing")), "broken")


def test_same_decoding() -> None:
    said(same_decoding(scenario(TWINS)), "ok", "greedy, at most 64 new tokens")
    hot = (TWINS[0], TWINS[1].model_copy(update={"decoding": Decoding(temperature=0.7)}))
    said(
        same_decoding(scenario(hot)), "caution", "sampled at temperature 0.7, at most 64 new tokens for lora"
    )
    said(same_decoding(scenario(BOUGHT)), "caution", "How bought decoded is not known")


def test_same_template() -> None:
    given, full = scenario(TWINS), all_answers(TWINS)
    said(same_template(given, full), "ok", "1 pair of variants that differs in weights alone")
    odd = [*full[:-1], answer("lora", "c", prompt_hash="other")]
    said(same_template(given, odd), "broken", "prompt and lora on 1 of 3 items")
    apart = (TWINS[0], TWINS[1].model_copy(update={"context": RETRIEVAL}))
    said(same_template(scenario(apart), odd), "ok", "the hash of every rendered prompt is stored.")
    bare = [answer(v.name, i, prompt_hash="h" if v.name == "prompt" else None) for v in BOUGHT for i in ITEMS]
    said(same_template(scenario(BOUGHT), bare), "caution", "bought (3)")
    failed = [*full[:-1], answer("lora", "c", text=None, error="timed out", prompt_hash=None)]
    said(same_template(given, failed), "ok")


def test_same_engine() -> None:
    said(
        same_engine(scenario(TWINS, backend=BackendSpec(name="transformers")), "bfloat16"),
        "ok",
        "All 2 variants",
        "transformers in bfloat16, batches of 32",
    )
    said(same_engine(scenario(BOUGHT), "float32"), "caution", "bought was answered elsewhere")


def test_same_timing() -> None:
    given, full = scenario(TWINS), all_answers(TWINS, "timing")
    said(same_timing(given, full), "ok", "one request at a time", "same 3 items")
    said(same_timing(given, []), "caution", "No latency")
    said(same_timing(given, full[:-1]), "broken", "on other items")
    said(same_timing(given, [a for a in full if a.variant == "prompt"]), "caution", "lora lack")
    failed = [*full[:-1], answer("lora", "c", "timing", text=None, error="timed out")]
    said(same_timing(given, failed), "caution", "lora lack some times")
    said(same_timing(scenario(BOUGHT), all_answers(BOUGHT, "timing")), "caution", "as its file states")
