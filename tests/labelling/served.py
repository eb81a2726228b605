"""A real ``harness label --serve`` in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Labelled:
    url: str
    """Ends in ``/``, or in the key."""
    sample: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> str:
        return self.url.split(":")[2].split("/")[0]

    def ask(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Status and JSON of the answer; ``body`` is posted as JSON."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        head = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, head)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text, status = answer.read(), answer.status
        except urllib.error.HTTPError as e:
            text, status = e.read(), e.code
        return status, json.loads(text) if text.startswith(b"{") else text.decode()


@contextmanager
def labelling(cwd: Path, *options: str) -> Iterator[Labelled]:
    """Scenario ``small`` below ``cwd`` served on a free port unless one is named; killed at the end."""
    port = () if "--port" in options else ("--port", "0")
    command = [sys.executable, "-m", "harness", "label", "small", "--serve", *port, *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        sample = re.match(r"sample (\w+):", process.stdout.readline())
        said = re.fullmatch(r"labelling on (http://\S+)\n", process.stdout.readline())
        assert sample
        assert said
        yield Labelled(said[1], sample[1], process)
    finally:
        process.kill()
        process.wait()
