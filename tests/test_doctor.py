"""The doctor: what it finds, what it says to do, that it asks no host, and that it is quick."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from fixtures.small_scenario import write_small_scenario
from typer.testing import CliRunner

from harness import doctor, machine
from harness.cli import app
from harness.doctor import Finding, examine

GIB = 2**30


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder and cache; a socket is a failure."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HARNESS_OFFLINE", raising=False)
    monkeypatch.setattr(socket, "socket", _refuse)
    monkeypatch.setattr(socket, "getaddrinfo", _refuse)


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("the doctor used the network")


def about(words: str, offline: bool = False) -> Finding:
    [found] = [f for f in examine(offline) if words in f.what]
    return found


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    known: Callable[[str], str] = doctor.version

    def version(name: str) -> str:
        if name in names:
            raise PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(doctor, "version", version)


def test_it_is_quick_and_asks_no_host() -> None:
    start = time.perf_counter()
    found = examine()
    assert time.perf_counter() - start < 2
    assert len(found) >= 8


def test_what_is_not_well_has_a_mend_and_what_is_well_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    found = examine()
    assert {f.ok for f in found} == {True, False}
    assert all((f.mend is None) == f.ok for f in found)
    assert all(f.mend is None or f.mend.strip() for f in found)


def test_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    assert about("Python").ok
    old = SimpleNamespace(version_info=(3, 10, 4), executable=sys.executable)
    monkeypatch.setattr(doctor, "sys", old)
    found = about("Python 3.10.4")
    assert (found.ok, found.optional) == (False, False)
    assert "make setup" in (found.mend or "")


def test_a_missing_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "faiss-cpu", "rouge-score")
    found = about("not installed: ")
    assert found.what == "not installed: faiss-cpu, rouge-score"
    assert (found.ok, found.optional) == (False, False)
    assert (found.mend or "").endswith("pip install -c constraints.txt faiss-cpu rouge-score")


def test_every_package_of_the_project_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def version(name: str) -> str:
        asked.append(name)
        return "0"

    monkeypatch.setattr(doctor, "version", version)
    list(doctor._packages())
    assert {"torch", "transformers", "lm-eval", "pydantic", "typer"} <= set(asked)
    assert asked == doctor._required()


def test_another_version_than_the_locked_one_is_a_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: "0.0.1")
    found = about("other versions than the tested ones")
    assert (found.ok, found.optional) == (False, True)
    assert "pydantic 0.0.1 (locked: " in found.what


@pytest.mark.parametrize(
    ("cuda", "flags", "said"),
    [
        (True, set(), "on an NVIDIA GPU (CUDA) with transformers in bfloat16"),
        (False, {"amx_bf16"}, "in bfloat16"),
        (False, {"avx2"}, "in float32"),
    ],
)
def test_the_device_and_its_number_format(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, flags: set[str], said: str
) -> None:
    monkeypatch.setattr(machine, "has_cuda", lambda: cuda)
    monkeypatch.setattr(machine, "cpu_flags", lambda: frozenset(flags))
    found = about("models run on")
    assert found.ok
    assert said in found.what
    assert ("processor" in found.what) is not cuda


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "torch")
    found = about("torch, which runs the models, is not installed")
    assert (found.ok, found.optional) == (False, False)


@pytest.mark.parametrize(("gib", "ok"), [(5.9, False), (6.0, True)])
def test_little_memory(monkeypatch: pytest.MonkeyPatch, gib: float, ok: bool) -> None:
    free = SimpleNamespace(available=gib * GIB, total=16 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    found = about("GiB memory are free")
    assert found.what == f"{machine.threads()} cores; {gib} of 16.0 GiB memory are free"
    assert (found.ok, found.optional) == (ok, True)
    assert ok or "batch_size" in (found.mend or "")


def test_without_psutil_it_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert "psutil" in (about("free memory is not known").mend or "")


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert about("the cache").ok
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file" / "below"))
    found = about("the cache")
    assert found.what.endswith("cannot be written")
    assert (found.ok, found.optional) == (False, False)
    assert "HARNESS_CACHE" in (found.mend or "")


def test_it_makes_no_cache_folder(own_cache: Path) -> None:
    examine()
    assert not own_cache.exists()


@pytest.mark.parametrize(("free", "ok"), [(3.0, False), (4.0, True)])
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, free: float, ok: bool) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(0, 0, free * GIB))
    found = about("are needed")
    assert (found.ok, found.optional) == (ok, False)


def test_weights_that_are_not_here_yet(tmp_path: Path) -> None:
    model = {"source": f"path:{tmp_path / 'gone'}"}
    write_small_scenario(tmp_path / "scenarios" / "small", ["prompt", "rag"], model=model)
    found = about("gone: not on this machine yet")
    assert (found.ok, found.optional) == (False, True)
    assert (found.mend or "").startswith("harness models fetch small")
    assert about("embedder fake:").ok


def test_offline_they_are_a_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = {"source": f"path:{tmp_path / 'gone'}"}
    write_small_scenario(tmp_path / "scenarios" / "small", ["prompt", "rag"], model=model)
    assert not about("not on this machine yet", offline=True).optional
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not about("not on this machine yet").optional


def test_a_source_that_two_scenarios_share_is_said_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_small_scenario(tmp_path / "scenarios" / name, ["prompt", "rag"], name=name)
    assert sum("fake:: ready" in f.what for f in examine()) == 1


def test_a_key_is_known_to_be_set_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints = {"far": {"base_url": "http://x/v1", "model": "m", "key": "FAR_KEY"}}
    write_small_scenario(tmp_path / "scenarios" / "small", endpoints=endpoints)
    monkeypatch.delenv("FAR_KEY", raising=False)
    found = about("FAR_KEY, the key of endpoint far")
    assert (found.ok, found.optional, found.mend) == (False, True, "export FAR_KEY=...")
    monkeypatch.setenv("FAR_KEY", "hunter2")
    assert about("FAR_KEY, the key of endpoint far of scenario small, is set").ok
    assert not any("hunter2" in f.what for f in examine())


def test_without_scenarios_the_default_weights_are_looked_for() -> None:
    found = about("SmolLM2-135M-Instruct")
    assert not found.ok
    assert (found.mend or "").startswith("harness models fetch SCENARIO")


def test_a_broken_scenario_is_said_and_the_others_are_looked_at(tmp_path: Path) -> None:
    write_small_scenario(tmp_path / "scenarios" / "small", ["prompt", "rag"])
    (tmp_path / "scenarios" / "broken").mkdir()
    (tmp_path / "scenarios" / "broken" / "scenario.yaml").write_text("name: [", encoding="utf-8")
    found = about("scenario broken has problems")
    assert (found.ok, found.optional, found.mend) == (False, True, "harness validate broken")
    assert about("fake:: ready").ok


def test_chromium_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    found = about("no Chromium")
    assert (found.ok, found.optional, found.mend) == (False, True, "apt-get install chromium")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/bin/{name}")
    assert about("/bin/chromium").ok


@pytest.mark.parametrize(("optional", "code"), [(True, 0), (False, 1)])
def test_only_what_must_be_there_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, optional: bool, code: int
) -> None:
    findings = [Finding(True, False, "fine"), Finding(False, optional, "lacking", "mend it")]
    monkeypatch.setattr(doctor, "examine", lambda offline, network: findings)
    said = CliRunner().invoke(app, ["doctor"])
    assert said.exit_code == code
    mark = "optional" if optional else "MISSING "
    assert said.stdout == f"ok        fine\n{mark}  lacking\n          to mend: mend it\n"
    as_json = CliRunner().invoke(app, ["doctor", "--json"])
    assert as_json.exit_code == code
    assert json.loads(as_json.stdout)[0] == {"ok": True, "optional": False, "what": "fine", "mend": None}
