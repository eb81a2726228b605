"""A synthetic run for the tests of the report."""

from __future__ import annotations

import pytest

from harness.report.build import build_report

from .synthetic import Run, make_run


@pytest.fixture(scope="session")
def run() -> Run:
    return make_run(60)


@pytest.fixture(scope="session")
def built_page(run: Run) -> str:
    """The report of ``run`` as it is."""
    return build_report(**run.arguments())
