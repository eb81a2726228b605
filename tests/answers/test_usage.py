from __future__ import annotations

from typing import Any

from harness.answers.usage import usage_of
from harness.types.answers import Answer


def answer(item: str, **fields: Any) -> Answer:
    return Answer(**{"variant": "v", "item": item, "phase": "quality", "key": "k", "text": "x"} | fields)


def test_usage_is_that_of_the_answered_requests_of_the_quality_pass() -> None:
    given = [
        answer("a", prompt_tokens=100, output_tokens=10, compute_s=1.0, attempts=1),
        answer("b", prompt_tokens=300, output_tokens=30, compute_s=None, attempts=2),
        answer("c", text=None, error="timed out", prompt_tokens=9000, attempts=3),
        answer("a", phase="timing", prompt_tokens=9000),
    ]
    found = usage_of(given, "a list", 2.5)
    assert (found.requests, found.prompt_tokens, found.output_tokens) == (2, 200, 20)
    assert (found.machine_s, found.retrieval_s, found.attempts) == (1.0, None, 1.5)
    assert (found.token_source, found.index_s) == ("a list", 2.5)
    assert usage_of([], None, None).attempts == 1
