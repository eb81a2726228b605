"""The sample scenario on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from .sample import write_sample


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "small")
