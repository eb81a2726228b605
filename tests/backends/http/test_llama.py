"""The HTTP engine against a real llama.cpp server on the default model, straight and through a failing proxy."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fixtures.endpoints import REFUSALS, FaultyProxy
from fixtures.llama_server import llama_server

from harness.errors import BackendError
from harness.types.answers import Generation

from .asking import ask, backend, everything

pytestmark = [pytest.mark.model, pytest.mark.slow]

REQUESTS = [
    ask(f"Name {n} kinds of fruit.", tokens=8) for n in ("two", "three", "four", "five", "six", "seven")
]
ANSWER = {
    "type": "object",
    "properties": {"yes": {"type": "boolean"}},
    "required": ["yes"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with llama_server() as address:
        yield address


def test_a_batch_and_a_stream_agree_and_tell_their_tokens(url: str) -> None:
    engine = backend(url, max_concurrency=1)
    whole = everything(engine, REQUESTS)
    for request, g in zip(REQUESTS, whole, strict=True):
        assert isinstance(g, Generation)
        timed = engine.time(request)
        assert (timed.text, timed.prompt_tokens, timed.output_tokens) == (g.text, g.prompt_tokens, 8)
        assert timed.finish == g.finish == "length"
        assert timed.first_token_s is not None
        assert timed.total_s is not None
        assert 0 < timed.first_token_s < timed.total_s
        assert timed.cached_tokens is not None  # the server keeps the prompt that it has just read
        assert timed.prompt_tokens is not None
        assert 0 < timed.cached_tokens < timed.prompt_tokens


def test_log_probabilities_and_a_schema_reach_the_record(url: str) -> None:
    [plain] = everything(backend(url, logprobs=True), REQUESTS[:1])
    assert isinstance(plain, Generation)
    assert plain.logprob is not None
    assert plain.logprob < 0
    [shaped] = everything(backend(url, json_schema=ANSWER), [ask("Is water wet?", tokens=40)])
    assert isinstance(shaped, Generation)
    assert isinstance(json.loads(shaped.text)["yes"], bool)


def test_a_prompt_beyond_the_context_is_the_servers_to_refuse(url: str) -> None:
    [failed] = everything(backend(url), [ask("word " * 6000)])
    assert isinstance(failed, BackendError)
    assert str(failed).startswith("400 ")
    assert (failed.attempts, failed.refused) == (0, 1)


def test_behind_a_failing_proxy_nothing_is_lost_or_counted_twice(url: str) -> None:
    with FaultyProxy(url, 0.3, seed=5) as proxy:
        results = everything(backend(proxy.url, deadline_s=10, max_concurrency=4), REQUESTS * 3)
        assert proxy.faults.total() >= 3
    refused = sum(proxy.faults[kind] for kind in REFUSALS)
    assert all(isinstance(g, Generation) and g.text and g.output_tokens == 8 for g in results)
    assert sum(g.refused for g in results) == refused
    assert (
        sum(g.attempts for g in results)
        == proxy.requests - refused
        == len(REQUESTS) * 3 + (proxy.faults.total() - refused)
    )
