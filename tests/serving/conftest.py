"""A client of the server that a file's ``served`` has started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .servers import Served

if TYPE_CHECKING:
    import openai


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    import openai

    with openai.OpenAI(base_url=served.url, api_key="none", max_retries=0, timeout=120) as made:
        yield made
