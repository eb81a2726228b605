"""A small scenario on disk and what is needed to run it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures.small_scenario import write_small_scenario

from .runs import Asked


@pytest.fixture
def folder(tmp_path: Path, own_cache: Path) -> Path:
    """The small scenario, with a cache of the test's own."""
    return write_small_scenario(tmp_path / "small")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Notes what the fake backend is asked from here on."""
    return Asked(monkeypatch)
