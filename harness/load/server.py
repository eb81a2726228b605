"""``harness serve`` as a process beside the load, so that server and generator do not share an interpreter."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError

START_S = 3600.0
"""Longest wait for the line that says it serves: it may have to train first."""
_READY = re.compile(r"^serving \S+ on (http://\S+)$")


def serve_command(scenario: Path, variant: str, more: Sequence[str] = ()) -> list[str]:
    """Without the variant's answer cache: a kept answer is in no latency and no cost."""
    return [
        sys.executable,
        "-m",
        "harness",
        "serve",
        str(scenario),
        "--variant",
        variant,
        "--port",
        "0",
        "--no-cache",
        *more,
    ]


@contextmanager
def serving(command: Sequence[str], log: Path) -> Iterator[str]:
    """Base URL of the server that ``command`` starts; its complaints go to ``log``. It ends with the block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL) as process,
    ):
        try:
            yield _ready(process, log)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    assert process.stdout is not None
    end, text = time.monotonic() + START_S, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, end - time.monotonic())):
            data = os.read(process.stdout.fileno(), 4096)
            if not data:
                break
            text += data
            for line in text.decode(errors="replace").split("\n")[:-1]:  # only whole ones
                if found := _READY.match(line.strip()):
                    return found[1]
    told = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise HarnessError(
        f"the server did not start: {told[-1] if told else 'it said nothing'} (all of it in {log})"
    )
