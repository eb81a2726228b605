"""The official ``openai`` client against ``harness serve`` with the real model."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from serving.servers import ROOT, Served, serving

pytestmark = [pytest.mark.model, pytest.mark.slow]
QUESTION = "How long is the warranty on a Fenna thermostat?"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = ROOT / "scenarios" / "support-bot"
    with serving(folder, "rag", "--max-in-flight", "4", cwd=tmp_path_factory.mktemp("serving")) as server:
        yield server


def ask(client: openai.OpenAI, question: str = QUESTION, **settings: object) -> str:
    answer = client.chat.completions.create(
        model="rag",
        messages=[{"role": "user", "content": question}],
        **settings,  # type: ignore[call-overload]
    )
    assert answer.usage.prompt_tokens > 50  # the passages
    return str(answer.choices[0].message.content)


def test_chat_and_stream_give_the_same_answer(client: openai.OpenAI) -> None:
    whole = ask(client)
    assert "year" in whole.casefold()
    with client.chat.completions.create(
        model="rag", messages=[{"role": "user", "content": QUESTION}], stream=True
    ) as stream:
        pieces = [c.choices[0].delta.content or "" for c in stream]
    assert "".join(pieces) == whole
    assert len([p for p in pieces if p]) > 5


def test_limits_and_stops_of_a_request_are_kept(client: openai.OpenAI) -> None:
    whole = ask(client)
    short = client.chat.completions.create(
        model="rag", messages=[{"role": "user", "content": QUESTION}], max_tokens=4
    )
    assert short.choices[0].finish_reason == "length"
    assert short.usage is not None
    assert short.usage.completion_tokens == 4
    assert whole.startswith(short.choices[0].message.content or "?")
    word = whole.split()[3]
    assert ask(client, stop=word) == whole[: whole.index(word)]


def test_errors_are_those_of_the_protocol(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, "word " * 20_000)
    assert raised.value.code == "context_length_exceeded"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": QUESTION}])


def test_many_at_once_get_the_answers_that_each_gets_alone(client: openai.OpenAI, served: Served) -> None:
    questions = [QUESTION, "Where is my order?", "Can I pay by card?", "How do I reset my password?"]
    alone = [ask(client, q, max_tokens=12) for q in questions]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda q: ask(client, q, max_tokens=12), questions * 2))
    assert together == alone * 2
    assert served.settles(2)
