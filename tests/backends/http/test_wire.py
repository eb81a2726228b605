"""What is sent, and what of a reply is believed."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends.http.fault import Fault, alike, refused
from harness.backends.http.redact import Redactor
from harness.backends.http.wire import Assembly, Events, body
from harness.types.answers import ToolCall
from harness.types.endpoint import Endpoint

from .asking import ask

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}


def endpoint(**settings: Any) -> Endpoint:
    return Endpoint.model_validate({"base_url": "http://x/v1", "model": "m", **settings})


def reply(**choice: Any) -> bytes:
    choice = {"message": {"content": "yes"}, "finish_reason": "stop", **choice}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}).encode()


def read(*parts: bytes) -> Any:
    assembly = Assembly(Redactor(None))
    for part in parts:
        assembly.add(part)
    return assembly.generation(None, None)


def test_a_plain_request_holds_the_least_that_every_server_knows() -> None:
    sent = body(endpoint(), ask("why?", tokens=5), 7, stream=False)
    assert set(sent) == {"model", "messages", "max_tokens", "temperature"}
    assert (sent["max_tokens"], sent["temperature"], sent["messages"][-1]["content"]) == (5, 0.0, "why?")


def test_sampling_sends_the_seed_of_the_scenario() -> None:
    assert body(endpoint(), ask("why?", temperature=0.5), 7, stream=False)["seed"] == 7


def test_options_replace_and_remove_fields() -> None:
    options = {"max_tokens": None, "max_completion_tokens": 90, "temperature": None, "top_p": 0.5}
    sent = body(endpoint(options=options), ask("why?"), 7, stream=True)
    assert {"max_tokens", "temperature"}.isdisjoint(sent)
    assert (sent["max_completion_tokens"], sent["top_p"]) == (90, 0.5)
    assert sent["stream_options"] == {"include_usage": True}


def test_schema_tools_and_logprobs_are_asked_for() -> None:
    sent = body(endpoint(json_schema=SCHEMA, tools=[TOOL], logprobs=True), ask("why?"), 7, stream=False)
    assert sent["response_format"]["json_schema"]["schema"] == SCHEMA
    assert (sent["tools"], sent["logprobs"]) == ([TOOL], True)


def test_a_whole_reply_is_read() -> None:
    g = read(reply(logprobs={"content": [{"token": "yes", "logprob": -0.25}]}))
    assert (g.text, g.finish, g.prompt_tokens, g.output_tokens, g.logprob) == ("yes", "stop", 9, 1, -0.25)
    assert (g.cached_tokens, g.prompt_hash, g.compute_s) == (None, None, None)


def test_tool_calls_are_put_together_from_a_stream() -> None:
    def part(**call: Any) -> bytes:
        return reply(message=None, delta={"tool_calls": [{"index": 0, **call}]}, finish_reason=None)

    end = reply(message=None, delta={}, finish_reason="tool_calls")
    g = read(
        part(function={"name": "find"}),
        part(function={"arguments": '{"q"'}),
        part(function={"arguments": ": 1}"}),
        end,
    )
    assert (g.text, g.finish) == ("", "tool_calls")
    assert g.tool_calls == (ToolCall(name="find", arguments='{"q": 1}'),)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b'{"choices": 3}',
        b'{"choices": [{"message": {"content": 3}}]}',
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
        b'{"choices": [{"message": {"content": "x"}, "finish_reason": "what"}]}',
        b'{"choices": [], "usage": {"prompt_tokens": -1}}',
        b'{"choices": [], "usage": {"prompt_tokens": 1e400}}',
        b'{"error": {"message": "overloaded"}}',
        b"[" * 5000,
        b"{}",
    ],
)
def test_anything_else_is_a_fault_that_may_pass(data: bytes) -> None:
    with pytest.raises(Fault) as caught:
        read(data)
    assert caught.value.again
    assert caught.value.paid


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "choices",
                        "message",
                        "delta",
                        "content",
                        "usage",
                        "error",
                        "finish_reason",
                        "tool_calls",
                    ]
                ),
                x,
            )
        ),
    )
)
@pytest.mark.slow
def test_no_json_breaks_the_reader(data: Any) -> None:
    with suppress(Fault):
        read(json.dumps(data).encode())


@given(st.lists(st.integers(1, 9), max_size=40))
def test_events_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    whole = b': ping\r\n\r\ndata: {"a": 1}\r\n\r\nevent: x\ndata:{"b": 2}\n\ndata: [DONE]\n\ndata: late\n\n'
    events, found, rest = Events(), [], whole
    for size in cuts:
        found += events.feed(rest[:size])
        rest = rest[size:]
        if events.done:
            break
    if not events.done:
        found += events.feed(rest)
    assert (found, events.done) == ([b'{"a": 1}', b'{"b": 2}'], True)


@pytest.mark.parametrize(
    ("status", "again", "busy"),
    [
        (400, False, False),
        (401, False, False),
        (404, False, False),
        (429, True, True),
        (500, True, False),
        (503, True, True),
    ],
)
def test_a_status_says_whether_to_ask_again(status: int, again: bool, busy: bool) -> None:
    fault = refused(status, b'{"error": {"message": "no\\nreally"}}', {})
    assert (fault.again, fault.busy, fault.paid) == (again, busy, False)
    assert str(fault) == f"{status} no really"


def test_a_used_up_quota_does_not_pass_by_waiting() -> None:
    told = b'{"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}'
    assert not refused(429, told, {}).again


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5", "retry-after-ms": "20"}, 0.02),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert refused(429, b"", headers).wait_s == seconds


def test_a_wait_beyond_all_patience_is_an_end() -> None:
    fault = refused(429, b"", {"retry-after": "86400"})
    assert not fault.again
    assert "asks to wait 86400 s" in str(fault)


def test_the_same_error_is_known_by_its_text_without_ids() -> None:
    assert alike("500 sorry, request req_0123456789abcdef01") == alike(
        "500 sorry, request req_fedcba987654321099"
    )
    assert alike("400 has 120 tokens") != alike("400 has 130 tokens")


KEY = 'sk-live "quoted"/0123'


def test_a_key_is_taken_out_in_each_of_its_forms() -> None:
    redact = Redactor(KEY)
    for text in (KEY, json.dumps({"key": KEY}), "sk-live%20%22quoted%22%2F0123"):
        assert "0123" not in redact.error(text) + redact.answer(text)
    assert Redactor(None).error("plain") == Redactor("none").answer("plain none"[:5]) == "plain"


def test_a_word_that_is_no_secret_tears_no_hole_into_an_answer() -> None:
    assert Redactor("EMPTY").answer("the box is EMPTY") == "the box is EMPTY"


def test_what_may_become_the_key_is_held_back() -> None:
    redact = Redactor("sk-0123456789")
    assert [redact.held_back(t) for t in ("", "all is well", "it is s", "it is sk-0123")] == [0, 0, 1, 7]
