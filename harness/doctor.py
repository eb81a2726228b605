"""What ``harness doctor`` finds: what of this machine works, what is missing, and the command that mends it.

Nothing heavy is imported: packages are judged by their metadata and weights by their place. No host is
asked, except with ``network``: then by whether it takes a connection.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import threading
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from harness import machine
from harness.errors import HarnessError
from harness.scenario.endpoints import has_key
from harness.scenario.load import load_scenario
from harness.scenario.scaffold import SCAFFOLD
from harness.sources import model_sources
from harness.store import cache_folder
from harness.types.settings import ModelSource

_ROOT = Path(__file__).parents[1]
_MEMORY_GB, _DISK_GB = 6, 4
_SECONDS = 1.0
_HUB = "https://huggingface.co"
_INDEX = "https://pypi.org/simple"
_INSTALL = f"{sys.executable} -m pip install -c constraints.txt"
_ON = ("1", "true", "yes", "on")


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    ok: bool
    optional: bool
    """Whether the harness works without it."""
    what: str
    mend: str | None = None
    """The command or step that helps; None where nothing is to be done."""


def examine(offline: bool = False, network: bool = False) -> list[Finding]:
    """Everything about this machine that decides whether a comparison can run; under two seconds.

    ``offline`` (or HF_HUB_OFFLINE) makes weights in the cache a must. ``network`` also asks the hosts that
    weights come from, unless offline.
    """
    offline = offline or os.environ.get("HF_HUB_OFFLINE", "").lower() in _ON
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(_index), pool.submit(_hub)] if network and not offline else []
        here = [_python(), *_packages(), _engine(), _memory(), *_cache(), *_weights(offline), _chromium()]
        found = [*here, *_keys(), *(a.result() for a in asked)]
    return [replace(f, mend=None) if f.ok else f for f in found]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        sys.version_info >= (3, 11),
        False,
        f"Python {found}, of which 3.11 or newer is needed",
        "install Python 3.11 or newer, then `make setup PYTHON=/path/to/python3.11`",
    )


def _packages() -> Iterator[Finding]:
    """Required packages, at the locked versions where the lock is here."""
    pins = _pins(_ROOT / "constraints.txt")
    needed = _required()
    missing, other = [], []
    for name in needed:
        try:
            found = version(name)
        except PackageNotFoundError:
            missing.append(name)
            continue
        if name in pins and found.partition("+")[0] != pins[name].partition("+")[0]:
            other.append(f"{name} {found} (locked: {pins[name]})")
    names = ", ".join(missing)
    what = f"not installed: {names}" if missing else f"all {len(needed)} required packages are installed"
    yield Finding(not missing, False, what, f"{_INSTALL} {' '.join(missing)}")
    if other:
        changed = " ".join(o.partition(" ")[0] for o in other)
        what = f"other versions than the tested ones: {', '.join(other)}"
        yield Finding(False, True, what, f"{_INSTALL} {changed}")


def _required() -> list[str]:
    file = _ROOT / "pyproject.toml"
    if file.is_file():
        lines = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["dependencies"]
    else:
        lines = [r for r in requires("harness") or [] if "extra ==" not in r]
    return [_normal(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in lines]


def _pins(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    pairs = re.findall(r"^([\w.-]+)==([^\s;]+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {_normal(name): pinned for name, pinned in pairs}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _engine() -> Finding:
    dtype = machine.resolve_dtype("auto")
    device = "an NVIDIA GPU (CUDA)" if machine.has_cuda() else f"the processor ({machine.cpu_name()})"
    try:
        torch = version("torch")
    except PackageNotFoundError:
        return Finding(False, False, "torch, which runs the models, is not installed", f"{_INSTALL} torch")
    name = machine.resolve_backend("auto")
    what = f"models run on {device} with {name} in {dtype} (torch {torch})"
    if name == "openvino" or machine.has_cuda():
        return Finding(True, False, what)
    return Finding(False, True, f"{what}; the openvino engine is faster", f"{_INSTALL} openvino-genai")


def _memory() -> Finding:
    cores = f"{machine.threads()} cores"
    try:
        import psutil
    except ImportError:  # the doctor must also answer on a half-installed machine
        return Finding(False, True, f"{cores}; free memory is not known without psutil", f"{_INSTALL} psutil")
    memory = psutil.virtual_memory()
    what = f"{cores}; {memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB memory are free"
    enough = memory.available >= _MEMORY_GB * 2**30
    advice = (
        f"a full comparison takes up to {_MEMORY_GB} GiB: close other programs, or lower backend.batch_size"
    )
    return Finding(enough, True, what, advice)


def _cache() -> Iterator[Finding]:
    folder = cache_folder()
    parent = next(p for p in (folder, *folder.absolute().parents) if _exists(p))
    elsewhere = "export HARNESS_CACHE=/folder/with/room"
    writable = parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)
    yield Finding(
        writable, False, f"the cache {folder} {'can' if writable else 'cannot'} be written", elsewhere
    )
    free = shutil.disk_usage(parent).free / 2**30
    yield Finding(free >= _DISK_GB, False, f"{free:.0f} GiB are free in it, {_DISK_GB} are needed", elsewhere)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # below a folder that this user may not enter
        return False


def _weights(offline: bool) -> Iterator[Finding]:
    """Weights that the scenarios here name; where there are none, those of the scaffold."""
    seen: set[ModelSource] = set()
    folders = sorted(f.parent for f in Path("scenarios").glob("*/scenario.yaml"))
    for folder in folders or [SCAFFOLD]:
        name = folder.name if folders else "SCENARIO"
        try:
            rows = model_sources(Path(), str(folder))
        except HarnessError as e:
            first = str(e).splitlines()[0]
            yield Finding(False, True, f"scenario {name} has problems: {first}", f"harness validate {name}")
            continue
        for row in rows:
            if row.source not in seen:
                seen.add(row.source)
                state = "ready" if row.local else "not on this machine yet"
                mend = f"harness models fetch {name} (`compare` does it by itself, with a network)"
                what = f"{row.role} {row.source.source}: {state}"
                yield Finding(row.local, not offline, what, mend)


def _keys() -> Iterator[Finding]:
    """Whether the keys that the endpoints of the scenarios here name are set; never what they are."""
    for file in sorted(Path("scenarios").glob("*/scenario.yaml")):
        try:
            scenario = load_scenario(file.parent)
        except HarnessError:
            continue  # told with the weights
        for name, endpoint in scenario.endpoints.items():
            if endpoint.key:
                state = "is set" if (there := has_key(endpoint.key)) else "is not set"
                what = f"{endpoint.key}, the key of endpoint {name} of scenario {scenario.name}, {state}"
                yield Finding(there, True, what, f"export {endpoint.key}=...")


def _chromium() -> Finding:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    what = f"browser tests run with {found}" if found else "no Chromium, so the browser tests are skipped"
    return Finding(bool(found), True, what, "apt-get install chromium")


def _index() -> Finding:
    """The package index that pip is configured for, from which weights come."""
    settings = _pip_settings()
    if settings.get("no-index", "0").lower() in _ON:
        return Finding(True, True, "pip uses no package index but local files only")
    host, answers = _answers(settings.get("index-url", _INDEX))
    state = "answers" if answers else "does not answer: weights that are not cached cannot be fetched"
    mend = "check the network, or `pip config set global.index-url https://your.mirror/simple`"
    return Finding(answers, True, f"the package index {host} {state}", mend)


def _pip_settings() -> dict[str, str]:
    """As `pip config list` gives them, without the second that starting pip takes."""
    home = Path.home()
    files = [Path("/etc/pip.conf"), Path("/Library/Application Support/pip/pip.conf")]
    files += [home / ".pip/pip.conf", home / ".config/pip/pip.conf", Path(sys.prefix) / "pip.conf"]
    files += [Path(named)] if (named := os.environ.get("PIP_CONFIG_FILE")) else []
    config = ConfigParser(interpolation=None)
    with suppress(ConfigParserError):
        config.read(files, encoding="utf-8")
    found = dict(config["global"]) if config.has_section("global") else {}
    given = {k[4:].lower().replace("_", "-"): v for k, v in os.environ.items() if k.startswith("PIP_")}
    return found | given


def _hub() -> Finding:
    host, answers = _answers(os.environ.get("HF_ENDPOINT", _HUB))
    state = "answers" if answers else "does not answer: only sources `hub:...` need it"
    return Finding(answers, True, f"the model hub {host} {state}", "nothing, unless a scenario says hub:...")


def _answers(url: str) -> tuple[str, bool]:
    """Host of ``url`` (never its user name or password), and whether it or the proxy takes a connection."""
    asked = urlsplit(url)
    if asked.scheme == "file":
        return asked.path, Path(asked.path).exists()
    door = urlsplit(getproxies().get(asked.scheme, url))
    port = door.port or (443 if door.scheme == "https" else 80)
    connected = threading.Event()
    thread = threading.Thread(target=_connect, args=(door.hostname or "", port, connected), daemon=True)
    thread.start()
    thread.join(_SECONDS)  # a name look-up knows no time limit of its own
    return asked.hostname or url, connected.is_set()


def _connect(host: str, port: int, connected: threading.Event) -> None:
    with suppress(OSError), socket.create_connection((host, port), timeout=_SECONDS):
        connected.set()
