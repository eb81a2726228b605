"""A synthetic run for the tests of the report."""

from __future__ import annotations

import pytest

from .synthetic import Run, make_run


@pytest.fixture(scope="session")
def run() -> Run:
    return make_run()
