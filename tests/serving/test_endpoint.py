"""The official ``openai`` client against ``harness serve`` with the fake engine."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from fixtures.small_scenario import write_small_scenario

from serving.servers import Served, serving

pytestmark = pytest.mark.slow
QUESTION = "how much is one lamp please"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serving")
    write_small_scenario(folder / "small")
    return folder


@pytest.fixture(scope="module")
def served(work: Path) -> Iterator[Served]:
    environment = {"HARNESS_CACHE": str(work / "cache")}
    with serving(work / "small", "tuned-rag", cwd=work, environment=environment) as server:
        yield server


def ask(client: openai.OpenAI, content: str = QUESTION, **settings: object) -> str:
    messages = [{"role": "user", "content": content}]
    answer = client.chat.completions.create(model="tuned-rag", messages=messages, **settings)  # type: ignore[call-overload]
    return str(answer.choices[0].message.content)


def test_a_question_goes_through_retrieval_and_adapter(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="tuned-rag", messages=[{"role": "user", "content": QUESTION}]
    )
    choice = answer.choices[0]
    assert choice.message.content is not None
    assert choice.message.content.endswith("the team")  # what the fake adapter has learnt
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 35  # system prompt and question alone have 22
    assert answer.usage.completion_tokens == len(choice.message.content.split())
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_brings_the_same_answer(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model="tuned-rag",
        messages=[{"role": "user", "content": QUESTION}],
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        chunks = list(stream)
    *chunks, last = chunks
    pieces = [c.choices[0].delta.content or "" for c in chunks]
    assert "".join(pieces) == ask(client)
    assert len([p for p in pieces if p]) > 3
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == len("".join(pieces).split())


def test_usage_is_told_in_a_stream_only_where_it_is_asked_for(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model="tuned-rag", messages=[{"role": "user", "content": QUESTION}], stream=True
    ) as stream:
        chunks = list(stream)
    assert all(c.usage is None and len(c.choices) == 1 for c in chunks)


def test_the_settings_of_a_request_are_kept(client: openai.OpenAI) -> None:
    whole = ask(client)
    assert ask(client, temperature=0.7) == whole  # the fake has no chance in it
    assert len(ask(client, max_tokens=2).split()) == 2 + 3  # and always the closing words
    word = whole.split()[4]
    assert ask(client, stop=[word]) == whole[: whole.index(word)]


def test_a_stop_sequence_counts_what_was_told(client: openai.OpenAI) -> None:
    word = ask(client).split()[4]
    answer = client.chat.completions.create(
        model="tuned-rag", messages=[{"role": "user", "content": QUESTION}], stop=word
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens == len((answer.choices[0].message.content or "").split())
    assert answer.choices[0].finish_reason == "stop"


def test_earlier_turns_and_parts_of_text_are_history(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="tuned-rag",
        messages=[
            {
                "role": "user",
                "content": [{"type": "text", "text": "Do you sell "}, {"type": "text", "text": "a lamp?"}],
            },
            {"role": "assistant", "content": "We do."},
            {"role": "user", "content": "what does it cost"},
        ],
    )
    assert answer.usage is not None
    one = client.chat.completions.create(
        model="tuned-rag", messages=[{"role": "user", "content": "what does it cost"}]
    )
    assert one.usage is not None
    assert answer.usage.prompt_tokens > one.usage.prompt_tokens


def test_the_model_is_listed(client: openai.OpenAI) -> None:
    assert [m.id for m in client.models.list()] == ["tuned-rag"]
    assert client.models.retrieve("tuned-rag").id == "tuned-rag"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt")


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"model": "gpt"}, openai.NotFoundError, "this server has 'tuned-rag'"),
        ({"messages": []}, openai.BadRequestError, "messages: "),
        (
            {"messages": [{"role": "assistant", "content": "Yes."}]},
            openai.BadRequestError,
            "the last message",
        ),
        ({"messages": [{"role": "user", "content": "  "}]}, openai.BadRequestError, "the last message"),
        (
            {"messages": [{"role": "system", "content": "Be rude."}, {"role": "user", "content": "Hi"}]},
            openai.BadRequestError,
            "the system prompt belongs to the variant",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            openai.BadRequestError,
            "messages.0.content.0.type: ",
        ),
        (
            {"messages": [{"role": "user", "content": "word " * 5000}]},
            openai.BadRequestError,
            "the model's context",
        ),
        ({"max_tokens": 0}, openai.BadRequestError, "max_tokens: "),
        ({"max_tokens": 100_000}, openai.BadRequestError, "max_tokens: "),
        ({"temperature": 3}, openai.BadRequestError, "temperature: "),
        ({"stop": [""]}, openai.BadRequestError, "stop.0: "),
        ({"n": 2}, openai.BadRequestError, "n is not supported"),
        ({"tools": [{"type": "function"}]}, openai.BadRequestError, "tools is not supported"),
        (
            {"messages": [{"role": "user", "content": "x" * 300_000}]},
            openai.APIStatusError,
            "larger than 262144 bytes",
        ),
    ],
    ids=lambda x: str(x)[:40] if isinstance(x, dict) else "",
)
def test_a_bad_request_is_an_error_of_the_protocol(
    change: dict[str, object], error: type[openai.APIStatusError], said: str, client: openai.OpenAI
) -> None:
    given = {"model": "tuned-rag", "messages": [{"role": "user", "content": QUESTION}], **change}
    with pytest.raises(error, match=said) as raised:
        client.chat.completions.create(**given)  # type: ignore[call-overload]
    assert raised.value.type == "invalid_request_error"
    if "x" * 100 in str(given):
        assert raised.value.status_code == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"model": 1}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_request_is_told_so(body: bytes, served: Served) -> None:
    request = urllib.request.Request(
        f"{served.url}/chat/completions", body, {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=10)
    assert raised.value.code == 400
    assert json.load(raised.value)["error"]["type"] == "invalid_request_error"


def test_a_form_of_a_web_page_is_refused(served: Served) -> None:
    request = urllib.request.Request(f"{served.url}/chat/completions", b"{}", {"Content-Type": "text/plain"})
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=10)
    assert raised.value.code == 415


def test_health_and_metrics_are_shown(client: openai.OpenAI, served: Served) -> None:
    for path, status in (("/health", "ok"), ("/ready", "ready")):
        with urllib.request.urlopen(served.root + path, timeout=10) as response:
            assert json.load(response) == {"status": status}
    before = served.metric('harness_requests_total{status="200"}')
    words = served.metric("harness_output_tokens_total")
    answer = ask(client)
    assert served.metric('harness_requests_total{status="200"}') == before + 1
    assert served.metric("harness_output_tokens_total") == words + len(answer.split())
    assert served.metric("harness_in_flight") == 0


def test_the_end_is_orderly(work: Path) -> None:
    environment = {"HARNESS_CACHE": str(work / "cache")}
    with (
        serving(work / "small", "prompt", cwd=work, environment=environment) as server,
        openai.OpenAI(base_url=server.url, api_key="none") as client,
    ):
        client.models.list()  # leaves a connection open
        assert server.stop() == 0


def test_a_key_is_asked_for_everywhere_but_for_health(work: Path) -> None:
    environment = {"HARNESS_CACHE": str(work / "cache"), "SHOP_KEY": "open sesame"}
    options = ("--api-key-env", "SHOP_KEY", "--host", "0.0.0.0")
    with serving(work / "small", "prompt", *options, cwd=work, environment=environment) as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        for key in ("wrong", "open sesam"):
            with (
                openai.OpenAI(base_url=url, api_key=key) as client,
                pytest.raises(openai.AuthenticationError),
            ):
                client.models.list()
        with openai.OpenAI(base_url=url, api_key="open sesame") as client:
            assert [m.id for m in client.models.list()] == ["prompt"]
        with urllib.request.urlopen(url.removesuffix("/v1") + "/health", timeout=10) as response:
            assert response.status == 200
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(url.removesuffix("/v1") + "/metrics", timeout=10)
        assert raised.value.code == 401
