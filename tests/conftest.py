"""Fixtures that more than one part of the tests uses."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_WHOLE_FILE = re.compile(r"^pytestmark = (\[[^\]]*\]|.*)", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True for a file that ``-m`` leaves out as a whole: it is not even imported, as several import torch."""
    left_out = {part.removeprefix("not ") for part in config.option.markexpr.split(" and ") if "not " in part}
    if not left_out or " or " in config.option.markexpr or collection_path.suffix != ".py":
        return None
    found = _WHOLE_FILE.search(collection_path.read_text(encoding="utf-8"))
    return True if found and left_out & set(re.findall(r"mark\.(\w+)", found[1])) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: playwright leaves an event loop running in the main thread, where no other can then run."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_collection_finish() -> None:
    """Modules and tests live to the end: the collector need not look through them again and again."""
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random two-layer model with tokenizer and chat template."""
    from fixtures.tiny_model import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture(scope="session")
def tiny_openvino(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as the openvino engine reads it."""
    from harness.models.openvino_ir import export

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return export(tiny_model, "weights", "float16")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, so that nothing is taken from or left in the user's."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all browser tests: playwright starts once in a process."""
    from report.chromium import CHROMIUM, FLAGS

    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()
