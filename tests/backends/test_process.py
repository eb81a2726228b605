"""An engine in a process of its own: what the contract cannot say for every engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.backends.process import frames
from harness.backends.process.client import EngineProcess
from harness.backends.process.worker import Outbox
from harness.errors import BackendError, EngineLostError, ModelError
from harness.types.settings import BackendSpec

from .test_contract import QUESTIONS, REQUESTS, ask

SPEC = BackendSpec(name="fake", batch_size=2)
_SERVER = """
import sys, time
from pathlib import Path
from harness.backends.process.client import EngineProcess
from harness.types.settings import BackendSpec
print(EngineProcess("fake", BackendSpec(name="fake"), Path(), "w", 0).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def engine() -> Iterator[EngineProcess]:
    made = EngineProcess("fake", SPEC, Path(), "weights", 0)
    yield made
    made.close()


def test_a_killed_engine_ends_every_call_with_its_reason(engine: EngineProcess) -> None:
    stream = engine.stream(ask(QUESTIONS[1], tokens=200))
    next(stream)
    assert engine.trouble() is None
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(EngineLostError, match=r"process has ended \(status -9\)"):
        list(stream)
    for call in (lambda: engine.count_tokens(REQUESTS[0].messages), lambda: list(engine.stream(REQUESTS[0]))):
        with pytest.raises(EngineLostError, match="status -9"):
            call()
    assert "status -9" in (engine.trouble() or "")


def test_a_closed_engine_leaves_no_process(engine: EngineProcess) -> None:
    engine.close()
    assert not psutil.pid_exists(engine.pid)
    with pytest.raises(EngineLostError, match="closed"):
        engine.time(REQUESTS[0])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_engine_outlives_its_server(how: signal.Signals) -> None:
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}
    ) as server:
        assert server.stdout is not None
        worker = psutil.Process(int(server.stdout.readline()))
        server.send_signal(how)
    psutil.wait_procs([worker], timeout=5)
    assert not worker.is_running()


def test_signals_for_the_whole_group_leave_the_end_to_the_server(engine: EngineProcess) -> None:
    for how in (signal.SIGINT, signal.SIGTERM):
        os.kill(engine.pid, how)
    assert engine.time(REQUESTS[0]).text


def test_an_error_comes_over_as_it_was(engine: EngineProcess) -> None:
    with pytest.raises(BackendError, match="the model's context 4096") as raised:
        list(engine.stream(ask("word " * 5000)))
    assert not isinstance(raised.value, EngineLostError)
    back = frames.read(frames.written(BackendError("busy", attempts=0, refused=2)))
    assert isinstance(back, BackendError)
    assert (str(back), back.attempts, back.refused) == ("busy", 0, 2)


def test_an_engine_that_cannot_be_loaded_says_why() -> None:
    with pytest.raises(ModelError, match="unknown name 'fak'; did you mean 'fake'"):
        EngineProcess("fak", SPEC, Path(), "weights", 0)


def test_what_comes_together_goes_in_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[list[Any]] = []
    writing, go_on = threading.Event(), threading.Event()

    def slow(_: object, events: list[Any]) -> None:
        sent.append(events)
        writing.set()
        assert go_on.wait(5)

    monkeypatch.setattr("harness.backends.process.worker.send", slow)
    outbox = Outbox(None)  # type: ignore[arg-type]
    first = threading.Thread(target=outbox.put, args=((1, "piece", "a"),))
    first.start()
    assert writing.wait(5)
    outbox.put((2, "piece", "b"))
    outbox.put((3, "done", None))
    go_on.set()
    first.join(5)
    assert sent == [[(1, "piece", "a")], [(2, "piece", "b"), (3, "done", None)]]
