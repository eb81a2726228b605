"""A real ``harness serve`` in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Served:
    url: str
    """Ends in ``/v1``."""
    process: subprocess.Popen[str]

    @property
    def root(self) -> str:
        return self.url.removesuffix("/v1")

    def metric(self, name: str) -> float:
        """Of one series as ``/metrics`` shows it; 0 where it is not there yet."""
        with urllib.request.urlopen(f"{self.root}/metrics", timeout=10) as response:
            text = response.read().decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def settles(self, within_s: float) -> bool:
        """Whether nothing is in flight and nothing waits, at the latest after so many seconds."""
        end = time.monotonic() + within_s
        while self.metric("harness_in_flight") or self.metric("harness_queued"):
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def serving(
    folder: Path, variant: str, *options: str, cwd: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Scenario ``folder`` served on a free port; killed at the end."""
    command = [sys.executable, "-m", "harness", "serve", str(folder), "--variant", variant, "--port", "0"]
    process = subprocess.Popen(
        [*command, *options],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        said = re.fullmatch(rf"serving {re.escape(variant)} on (http://\S+:\d+/v1)\n", line)
        assert said, line
        yield Served(said[1], process)
    finally:
        process.kill()
        process.wait()


@contextmanager
def scripted(**limits: object) -> Iterator[Served]:
    """A server whose answers follow the script in the question (``serving.scripted``)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.scripted", json.dumps(limits)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Served(process.stdout.readline().strip(), process)
    finally:
        process.kill()
        process.wait()
