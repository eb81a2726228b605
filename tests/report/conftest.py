"""A synthetic run for the tests of the report, and a browser to read it in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.report.build import build_report

from .chromium import CHROMIUM, FLAGS
from .synthetic import Run, make_run


@pytest.fixture(scope="session")
def run() -> Run:
    return make_run(60)


@pytest.fixture(scope="session")
def built_page(run: Run) -> str:
    """The report of ``run`` as it is."""
    return build_report(**run.arguments())


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()
