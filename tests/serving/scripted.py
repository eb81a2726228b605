"""A real server for a service that does what the question says: slow, endless, broken.

    python -m serving.scripted '{"in_flight": 2}'

The settings are those of ``Limits``. It prints its base URL.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

from harness.errors import BackendError
from harness.serving.app import make_app
from harness.serving.limits import Limits
from harness.serving.protocol import Chat
from harness.serving.server import bind, run, url_of
from harness.serving.service import Reply
from harness.types.answers import Generation


class Scripted:
    """``say COUNT PAUSE [SIZE]``; ``break COUNT`` and ``crash COUNT`` fail after so many words."""

    name = "scripted"

    def ask(self, chat: Chat) -> Reply:
        return Reply(None, 3, self._pieces(chat.messages[-1].content.split()), len)

    def trouble(self) -> None:
        return None

    def _pieces(self, script: list[str]) -> Iterator[str | Generation]:
        what, count, *more = script
        pause = float(more[0]) if more else 0.0
        word = "x" * int(more[1]) if len(more) > 1 else "word"
        for _ in range(int(count)):
            time.sleep(pause)
            yield f"{word} "
        if what == "break":
            raise BackendError("the engine broke")
        if what == "crash":
            raise RuntimeError("a secret of the machine")
        yield Generation(
            text="", prompt_tokens=3, output_tokens=int(count), finish="stop", prompt_hash="", compute_s=0
        )


def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    with bind("127.0.0.1", 0) as bound:
        app = make_app(Scripted(), limits)
        told = f"{url_of(bound)}/v1"
        run(
            app,
            bound,
            lambda: print(told, flush=True),
            app.state.gate.close,
            limits.stalled_s,
            limits.request_s,
        )


if __name__ == "__main__":
    main()
