"""The flow of ``harness serve``: scenario -> one prepared variant -> a server that answers for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness import machine
from harness.backends.process.client import EngineProcess
from harness.cached import guard_of
from harness.caching.answers import AnswerCache, Looked, cacheable
from harness.check import check
from harness.engine import make_engine
from harness.errors import BackendError, InputError, ScenarioError
from harness.pipeline import build_variants
from harness.protocols import Backend, Progress
from harness.registry import nearest
from harness.scenario.inputs import Options, load_inputs
from harness.scenario.load import load_scenario
from harness.serving.limits import Limits
from harness.serving.protocol import Chat
from harness.serving.service import Reply, Service
from harness.store import cache_folder
from harness.types.answers import Generation, Request
from harness.types.data import Item, Message
from harness.types.settings import Decoding
from harness.variants.compose import ComposedVariant


@dataclass(frozen=True)
class ServeOptions:
    """What the command line asks of a server."""

    variant: str
    host: str = "127.0.0.1"
    port: int = 8000
    api_key_env: str | None = None
    """Environment variable that holds the key which clients must bring."""
    offline: bool = False
    limits: Limits = field(default_factory=Limits)
    cache: bool = True
    """Whether answers are kept, where the variant says so."""
    backend: str | None = None
    """Engine instead of the scenario's."""
    apart: bool = True
    """Whether the engine gets a process of its own."""
    log: Path | None = None
    """File that gets a line for each request."""


def serve(folder: Path, options: ServeOptions, progress: Progress, ready: Callable[[str], None]) -> None:
    """Serve until the process is told to stop; ``ready`` is called with the base URL once it answers.

    Raises InputError for a variant that cannot be served.
    """
    from harness.serving.app import make_app
    from harness.serving.log import RequestLog
    from harness.serving.server import bind, run, url_of

    key = _key(options, progress)
    _servable(folder, options.variant)
    log = RequestLog(options.log, progress.note) if options.log else None
    with bind(options.host, options.port) as bound:
        service = prepared(folder, options, progress)
        app = make_app(service, options.limits, key, log)
        limits = options.limits
        close = app.state.gate.close
        run(app, bound, lambda: ready(f"{url_of(bound)}/v1"), close, limits.stalled_s, limits.request_s)
    if log:
        log.close()


def prepared(folder: Path, options: ServeOptions, progress: Progress) -> Service:
    """The variant with its adapter trained, its index built and its weights loaded, as ``compare`` would."""
    machine.keep_freed_memory()
    inputs = load_inputs(
        folder, Options(variants=(options.variant,), offline=options.offline, backend=options.backend)
    )
    if problems := check(folder)[1]:
        raise ScenarioError(problems)
    engine = make_engine(inputs.scenario, cache_folder(), options.offline, progress, apart=options.apart)
    variants = build_variants(inputs, folder, engine, progress)
    variant = next(v for v in variants if v.spec.name == options.variant)
    assert isinstance(variant, ComposedVariant)
    variant.prepare()
    progress.stage(f"loading {options.variant}")
    served = ServedVariant(variant, engine.backend(), options.limits)
    served.warm_up()
    if (settings := variant.spec.cache) is None or not options.cache:
        return served
    cache: AnswerCache[Generation] = AnswerCache(settings, guard_of(inputs), engine.embed)
    if settings.near is not None:
        engine.embed(["Hello"])  # loads it before the first request
    return RememberedVariant(served, cache, variant.spec.decoding or inputs.scenario.decoding)


class ServedVariant:
    """Answers conversations as the variant answers items."""

    def __init__(self, variant: ComposedVariant, backend: Backend, limits: Limits):
        self.name = variant.spec.name
        self._variant, self._backend, self._limits = variant, backend, limits

    def warm_up(self) -> None:
        self._backend.warm_up(self._request((Message(role="user", content="Hello"),)))

    def trouble(self) -> str | None:
        return self._backend.trouble() if isinstance(self._backend, EngineProcess) else None

    def ask(self, chat: Chat) -> Reply:
        request = self._request(chat.messages)
        change: dict[str, object] = {}
        if chat.max_tokens is not None:
            change["max_new_tokens"] = chat.max_tokens
        if chat.temperature is not None:
            change["temperature"] = chat.temperature
        request = request.model_copy(update={"decoding": request.decoding.model_copy(update=change)})
        tokens = self._tokens(request.messages)
        limit = self._limits.prompt_tokens
        if limit is not None and tokens > limit:
            raise BackendError(f"the prompt has {tokens} tokens, this server takes {limit}")
        return Reply(None, tokens, self._backend.stream(request), lambda text: self._count(request, text))

    def _request(self, messages: tuple[Message, ...]) -> Request:
        item = Item(id="served", split="heldout", messages=messages, references=(), cluster="served")
        [request] = self._variant.requests([item])
        return request

    def _tokens(self, messages: Sequence[Message]) -> int:
        count = self._backend.count_tokens(messages)
        assert count is not None, "what is served has its tokenizer here"
        return count

    def _count(self, request: Request, text: str) -> int:
        """Tokens of ``text`` as an answer to ``request``."""

        def with_answer(content: str) -> int:
            answer = Message(role="assistant", content=content)
            return self._tokens((*request.messages, answer))

        return with_answer(text) - with_answer("")


class RememberedVariant:
    """A variant with its answer cache. A single question at the variant's own decoding is looked up and kept."""

    def __init__(self, served: Service, cache: AnswerCache[Generation], decoding: Decoding):
        self.name = served.name
        self._served, self._cache, self._decoding = served, cache, decoding

    def trouble(self) -> str | None:
        return self._served.trouble()

    def ask(self, chat: Chat) -> Reply:
        if not self._own(chat) or not cacheable(chat.messages):
            return self._served.ask(chat)
        looked = self._cache.find(chat.messages[0].content)
        if looked.value is None:
            reply = self._served.ask(chat)
            return replace(reply, pieces=self._kept(looked, reply.pieces))
        answer = looked.value
        prompt, output = (
            answer.prompt_tokens or 0,
            answer.output_tokens or 0,
        )  # engines that are served count them
        return Reply(looked.hit, prompt, iter((answer.text, answer)), lambda _: output)

    def _own(self, chat: Chat) -> bool:
        asked = (chat.max_tokens, chat.temperature)
        own = (self._decoding.max_new_tokens, self._decoding.temperature)
        return not chat.stop and all(a in (None, o) for a, o in zip(asked, own, strict=True))

    def _kept(
        self, looked: Looked[Generation], pieces: Iterator[str | Generation]
    ) -> Generator[str | Generation, None, None]:
        """The pieces; a whole answer is kept once it has been told. One that was dropped or failed is not."""
        whole = None
        try:
            for piece in pieces:
                whole = piece if isinstance(piece, Generation) and piece.text else None
                yield piece
        finally:
            if isinstance(pieces, Generator):
                pieces.close()
            if whole is not None:
                self._cache.put(looked, whole)


def _servable(folder: Path, name: str) -> None:
    variants = load_scenario(folder).variants
    names = [v.name for v in variants]
    if name not in names:
        raise InputError(f"--variant: no variant {name!r}; {nearest(name, names)}")
    if variants[names.index(name)].endpoint:
        raise InputError(
            f"--variant: {name!r} is answered by a server already; serve a variant with weights here"
        )
    if variants[names.index(name)].weights.startswith("precomputed:"):
        raise InputError(
            f"--variant: the answers of {name!r} come from a file; it cannot answer a new question. Serve a variant "
            "with a model"
        )


def _key(options: ServeOptions, progress: Progress) -> str | None:
    from harness.serving.server import is_loopback

    name = options.api_key_env
    key = os.environ.get(name) if name else None
    if name and not key:
        raise InputError(f"--api-key-env: the environment variable {name} is not set, or empty")
    if not is_loopback(options.host):
        if not key:
            raise InputError(
                f"--host {options.host} is open to other machines: name an environment variable with a key for "
                "them in --api-key-env, or keep to 127.0.0.1"
            )
        progress.note(f"warning: {options.host} is open to other machines, without encryption")
    return key
