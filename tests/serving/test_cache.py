"""The answer cache of ``harness serve``, over real connections with the fake engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from fixtures.small_scenario import give_cache, write_small_scenario

from serving.servers import Served, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    work = tmp_path_factory.mktemp("serving")
    give_cache(write_small_scenario(work / "small"), "tuned-rag", {"near": 0.8})
    environment = {"HARNESS_CACHE": str(work / "cache")}
    with serving(work / "small", "tuned-rag", cwd=work, environment=environment) as server:
        yield server


def ask(client: openai.OpenAI, *turns: str, **settings: object) -> tuple[str | None, str, int]:
    """What the header says of the cache, the answer, and the tokens that it is said to have."""
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": t} for n, t in enumerate(turns)]
    got = client.chat.completions.with_raw_response.create(
        model="tuned-rag",
        messages=messages,  # type: ignore[arg-type]
        **settings,  # type: ignore[arg-type]
    )
    answer = got.parse()
    assert answer.usage is not None
    return (
        got.headers["x-harness-cache"],
        answer.choices[0].message.content or "",
        answer.usage.completion_tokens,
    )


def stream(client: openai.OpenAI, question: str) -> tuple[str | None, str, int]:
    text, tokens = "", 0
    with client.chat.completions.with_streaming_response.create(
        model="tuned-rag",
        messages=[{"role": "user", "content": question}],
        stream=True,
        stream_options={"include_usage": True},
    ) as got:
        for chunk in got.parse():
            text += chunk.choices[0].delta.content or "" if chunk.choices else ""
            tokens = chunk.usage.completion_tokens if chunk.usage else tokens
        return got.headers["x-harness-cache"], text, tokens


def test_an_answer_is_kept_and_found_in_every_way(client: openai.OpenAI, served: Served) -> None:
    first = ask(client, "how much is one lamp please")
    assert first[0] == "miss"
    words = served.metric("harness_output_tokens_total")
    assert ask(client, "How much is one LAMP, please?!") == ("exact", *first[1:])
    assert stream(client, "how much is one lamp please") == ("exact", *first[1:])
    assert stream(client, "please how much is the one lamp") == ("near", *first[1:])
    assert served.metric('harness_cache_hits_total{kind="exact"}') == 2
    assert served.metric('harness_cache_hits_total{kind="near"}') == 1
    assert served.metric("harness_output_tokens_total") == words  # nothing was generated
    assert served.metric("harness_request_seconds_count") == 1  # and no hit was timed as if it were


def test_a_streamed_answer_is_kept_too(client: openai.OpenAI) -> None:
    first = stream(client, "how much is one chair please")
    assert first[0] == "miss"
    assert ask(client, "how much is one chair please") == ("exact", *first[1:])


def test_another_thing_number_or_negation_is_another_question(client: openai.OpenAI) -> None:
    ask(client, "how much is one table please")
    for other in (
        "how much is one shelf please",
        "how much is 2 table please",
        "how much is not one table please",
    ):
        assert ask(client, other)[0] == "miss"


@pytest.mark.parametrize(
    "settings", [{"max_tokens": 3}, {"temperature": 0.5}, {"stop": ["euros"]}], ids=lambda s: next(iter(s))
)
def test_only_the_variants_own_decoding_is_kept(settings: dict[str, object], client: openai.OpenAI) -> None:
    question = f"how much is one mirror with {next(iter(settings))} please"
    assert ask(client, question, **settings)[0] == "miss"
    assert ask(client, question, **settings)[0] == "miss"
    whole = ask(client, question)
    assert whole[0] == "miss"
    assert ask(client, question, max_tokens=12, temperature=0)[0] == "exact"
    assert ask(client, question, **settings)[0] == "miss"


def test_a_conversation_is_answered_afresh(client: openai.OpenAI) -> None:
    turns = ("Hello", "Hi, what is it?", "how much is one clock please")
    assert ask(client, *turns)[0] == "miss"
    assert ask(client, *turns)[0] == "miss"
    assert ask(client, turns[-1])[0] == "miss"


def test_a_dropped_answer_is_not_kept(client: openai.OpenAI, served: Served) -> None:
    question = "how much is one stool please"
    with client.chat.completions.with_streaming_response.create(
        model="tuned-rag", messages=[{"role": "user", "content": question}], stream=True
    ) as got:
        next(iter(got.parse()))
    assert served.settles(5)
    assert ask(client, question)[0] == "miss"


def test_no_cache_answers_every_question_afresh(tmp_path: Path) -> None:
    work = tmp_path
    give_cache(write_small_scenario(work / "small"), "prompt", {"near": 0.8})
    environment = {"HARNESS_CACHE": str(work / "cache")}
    with (
        serving(work / "small", "prompt", "--no-cache", cwd=work, environment=environment) as server,
        openai.OpenAI(base_url=server.url, api_key="none") as client,
    ):
        for _ in range(2):
            got = client.chat.completions.with_raw_response.create(
                model="prompt", messages=[{"role": "user", "content": "how much is one lamp please"}]
            )
            assert got.headers["x-harness-cache"] == "miss"
