"""What every backend must do, run on the fake one and, with a random model, on all engines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fixtures.endpoints import Stub

from harness.backends.fake import FakeBackend
from harness.backends.http.backend import HttpBackend
from harness.backends.process.client import EngineProcess
from harness.errors import BackendError
from harness.protocols import Backend
from harness.registry import BACKENDS, lookup
from harness.types.answers import Generation, Request
from harness.types.data import Message
from harness.types.endpoint import Endpoint
from harness.types.settings import BackendSpec, Decoding

Make = Callable[[int], Backend]
QUESTIONS = (
    "How long does a delivery take?",
    "What does a lost card cost, and where do I get a new one when the front desk is closed on a Sunday?",
    "Which evening?",
    "Is there a lamp?",
    "What does the bench cost, please, with delivery to the islands?",
)


def ask(question: str, tokens: int = 10, adapter: str | None = None, temperature: float = 0.0) -> Request:
    messages = (
        Message(role="system", content="Be kind to the reader, and brief."),
        Message(role="user", content=question),
    )
    decoding = Decoding(max_new_tokens=tokens, temperature=temperature)
    return Request(item=question[:12], messages=messages, adapter=adapter, decoding=decoding)


REQUESTS = [ask(q) for q in QUESTIONS]


def _fake(_: pytest.FixtureRequest) -> Make:
    return lambda size: FakeBackend(BackendSpec(name="fake", batch_size=size), Path(), "weights", 0)


def _with_weights(name: str, fixture: str) -> Callable[[pytest.FixtureRequest], Make]:
    def made(request: pytest.FixtureRequest) -> Make:
        folder = request.getfixturevalue(fixture)
        kind = lookup(BACKENDS, name)
        spec = BackendSpec(name=name, dtype="float32", threads=1, kv_cache_gb=0.05)
        return lambda size: kind(spec.model_copy(update={"batch_size": size}), folder, "weights", 0)

    return made


def _apart(request: pytest.FixtureRequest) -> Make:
    def made(size: int) -> EngineProcess:
        backend = EngineProcess("fake", BackendSpec(name="fake", batch_size=size), Path(), "weights", 0)
        request.addfinalizer(backend.close)
        return backend

    return made


def _http(request: pytest.FixtureRequest) -> Make:
    stub = request.getfixturevalue("stub")

    def made(size: int) -> HttpBackend:
        endpoint = Endpoint(base_url=stub.url, model="m", max_concurrency=size)
        return HttpBackend("one", endpoint, "fingerprint", 7, print)

    return made


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as server:
        yield server


ENGINES = {
    "fake": _fake,
    "process": _apart,
    "http": _http,
    "transformers": _with_weights("transformers", "tiny_model"),
    "openvino": _with_weights("openvino", "tiny_openvino"),
}
"""By name, what gives a ``Make``: one line for each engine."""
LIGHT = ("fake", "process", "http")
"""Engines that need no model."""
WITH_TOKENIZER = [name for name in ENGINES if name != "http"]
"""Those that see tokens and own the machine: an endpoint shows neither prompt nor machine time, and its requests do
not depend on a batch."""


def _marked(names: Iterable[str]) -> list[Any]:
    return [pytest.param(n, marks=() if n in LIGHT else pytest.mark.model) for n in names]


own_tokens = pytest.mark.parametrize("make", _marked(WITH_TOKENIZER), indirect=True)


@pytest.fixture(params=_marked(ENGINES))
def make(request: pytest.FixtureRequest) -> Make:
    """A function from batch size to a fresh backend."""
    return ENGINES[request.param](request)


def answers(backend: Backend, requests: list[Request]) -> list[Generation]:
    """All requests in the backend's own batches, in their order."""
    found: dict[int, Generation] = {}
    for batch in backend.batches(requests):
        done: dict[int, Generation] = {}
        backend.generate([requests[i] for i in batch], done.__setitem__)
        found |= {batch[place]: g for place, g in done.items()}
    return [found[i] for i in range(len(requests))]


def test_every_request_is_answered_once(make: Make) -> None:
    backend = make(3)
    told: list[int] = []
    backend.generate(REQUESTS, lambda place, _: told.append(place))
    assert sorted(told) == list(range(len(REQUESTS)))


def test_a_position_is_that_of_the_request(make: Make) -> None:
    backend = make(8)
    together: dict[int, Generation] = {}
    backend.generate(REQUESTS, together.__setitem__)
    for place, request in enumerate(REQUESTS):
        alone = backend.time(request)
        assert (together[place].prompt_hash, together[place].text) == (alone.prompt_hash, alone.text)


@own_tokens
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_batches_hold_each_position_once_and_keep_to_the_size(make: Make, size: int) -> None:
    plan = make(size).batches(REQUESTS)
    assert sorted(i for batch in plan for i in batch) == list(range(len(REQUESTS)))
    assert all(0 < len(batch) <= size for batch in plan)
    assert len(plan) == -(-len(REQUESTS) // size)


def test_batches_depend_on_the_requests_alone(make: Make) -> None:
    backend = make(2)
    first = backend.batches(REQUESTS)
    answers(backend, REQUESTS[:2])
    assert backend.batches(REQUESTS) == first == make(2).batches(REQUESTS)


def test_no_requests_make_no_batches(make: Make) -> None:
    assert make(2).batches([]) == []


def test_the_same_request_gives_the_same_answer(make: Make) -> None:
    once, again = answers(make(2), REQUESTS), answers(make(2), REQUESTS)
    assert [(g.text, g.prompt_hash, g.finish) for g in once] == [
        (g.text, g.prompt_hash, g.finish) for g in again
    ]


@own_tokens
def test_the_prompt_hash_is_of_the_prompt_alone(make: Make) -> None:
    backend = make(2)
    base = backend.time(REQUESTS[0])
    assert backend.time(ask(QUESTIONS[0], tokens=3)).prompt_hash == base.prompt_hash
    assert backend.time(ask(QUESTIONS[0] + " ?", tokens=3)).prompt_hash != base.prompt_hash


def test_tokens_are_counted_as_in_the_answer(make: Make) -> None:
    backend = make(2)
    for request, g in zip(REQUESTS, answers(backend, REQUESTS), strict=True):
        counted = backend.count_tokens(request.messages)
        assert g.prompt_tokens is not None
        assert g.prompt_tokens > 0
        assert counted in (g.prompt_tokens, None)  # None: its tokenizer is with the server
        assert g.output_tokens is not None
        assert 0 < g.output_tokens <= request.decoding.max_new_tokens


@own_tokens
def test_a_prompt_beyond_the_context_is_refused_when_counted(make: Make) -> None:
    with pytest.raises(BackendError, match=r"prompt has \d+ tokens, the model's context \d+"):
        make(2).count_tokens(ask("word " * 5000).messages)


def test_only_a_single_request_has_times_of_its_tokens(make: Make) -> None:
    backend = make(2)
    backend.warm_up(REQUESTS[0])
    g = backend.time(REQUESTS[0])
    assert g.first_token_s is not None
    assert g.total_s is not None
    assert 0 < g.first_token_s <= g.total_s
    batched = answers(backend, REQUESTS)[0]
    assert (batched.first_token_s, batched.total_s) == (None, None)


def test_machine_time_is_positive_where_the_machine_is_ours(make: Make) -> None:
    assert all(g.compute_s is None or g.compute_s > 0 for g in answers(make(2), REQUESTS))


def test_the_clock_never_runs_back(make: Make) -> None:
    backend = make(1)
    assert backend.clock() <= backend.clock()


@own_tokens
def test_the_fingerprint_holds_what_can_change_a_token(make: Make) -> None:
    assert make(2).fingerprint == make(2).fingerprint != make(3).fingerprint


def read(backend: Backend, request: Request) -> tuple[list[str], Generation]:
    *pieces, last = backend.stream(request)
    assert isinstance(last, Generation)
    assert all(isinstance(p, str) for p in pieces)
    return [str(p) for p in pieces], last


def test_a_stream_brings_pieces_of_the_same_answer_and_then_the_whole(make: Make) -> None:
    backend = make(2)
    for request in REQUESTS:
        pieces, whole = read(backend, request)
        alone = backend.time(request)
        assert "".join(pieces) == whole.text == alone.text
        assert (whole.prompt_tokens, whole.output_tokens) == (alone.prompt_tokens, alone.output_tokens)
        assert (whole.finish, whole.prompt_hash) == (alone.finish, alone.prompt_hash)
        assert whole.first_token_s is None or 0 < whole.first_token_s <= (whole.total_s or 0)


def test_a_closed_stream_leaves_the_engine_free(make: Make) -> None:
    backend = make(2)
    stream = backend.stream(ask(QUESTIONS[0], tokens=200))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert read(backend, REQUESTS[1])[1].text == backend.time(REQUESTS[1]).text


def test_streams_may_be_read_from_several_threads(make: Make) -> None:
    backend = make(2)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda r: read(backend, r)[1].text, REQUESTS))
    assert together == [backend.time(r).text for r in REQUESTS]


@own_tokens
def test_a_stream_of_a_prompt_beyond_the_context_is_refused(make: Make) -> None:
    with pytest.raises(BackendError, match="the model's context"):
        list(make(2).stream(ask("word " * 5000)))
