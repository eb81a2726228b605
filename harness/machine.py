"""What this machine can do, found without importing torch (a warm rerun never pays for that)."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness import __version__
from harness.store import fingerprint
from harness.types.settings import BackendSpec


@cache
def cpu_flags() -> frozenset[str]:
    """Instruction sets of the processor, in Linux' names; empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), []))


@cache
def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def threads() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def has_cuda() -> bool:
    """Whether an NVIDIA device and a torch that can drive it are here."""
    try:
        return Path("/dev/nvidia0").exists() and not version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return False


@cache
def gpu_name() -> str:
    """As the driver calls the first one. Another GPU has other kernels, and so rounds otherwise."""
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Model:"):
                return line.split(":", 1)[1].strip()
    return "NVIDIA"


def resolve_dtype(wanted: str) -> str:
    """``auto`` becomes bfloat16 where the machine multiplies it natively, float32 elsewhere.

    Without such instructions bfloat16 is emulated: on an AVX2 machine it ran at a tenth of float32's speed.
    """
    if wanted != "auto":
        return wanted
    native = has_cuda() or {"avx512_bf16", "amx_bf16"} & cpu_flags()
    return "bfloat16" if native else "float32"


def resolve_backend(wanted: str) -> str:
    """``auto`` becomes the engine that is fastest here; known without importing any."""
    if wanted != "auto":
        return wanted
    return "openvino" if not has_cuda() and _installed("openvino-genai") else "transformers"


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


_ENGINE_PACKAGES = {
    "transformers": ("transformers", "torch", "peft"),
    "openvino": ("openvino-genai", "openvino", "transformers", "torch", "peft"),
}


def engine_fingerprint(spec: BackendSpec, weights: str) -> str:
    """Engine, versions, weights, dtype and batch plan: what of the engine can change a token."""
    name = resolve_backend(spec.name)
    versions = [version(p) for p in _ENGINE_PACKAGES.get(name, ())]
    own: list[object] = [spec.weights, spec.adapters, spec.kv_cache_gb] if name == "openvino" else []
    if name == "transformers" and has_cuda():
        own.append(gpu_name())
    if name == "transformers" and spec.quantization != "none":
        own += [spec.quantization, version("bitsandbytes")]
    return fingerprint(name, versions, weights, resolve_dtype(spec.dtype), spec.batch_size, *own)


_REPORTED = (
    "openvino",
    "openvino-genai",
    "torch",
    "transformers",
    "peft",
    "sentence-transformers",
    "faiss-cpu",
    "evaluate",
    "numpy",
    "scipy",
)


def versions() -> dict[str, str]:
    """Of Python, the harness and the packages that a result rests on."""
    found = {"python": platform.python_version(), "harness": __version__}
    for package in _REPORTED:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def silence_telemetry() -> None:
    """Keep OpenVINO, which reports each import to its maker, from finding its reporter; before its first import."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def keep_freed_memory() -> None:
    """Let the allocator keep what it frees, instead of giving every large tensor back to the system and faulting it
    in again page by page: on the reference machine this made a training step 1.5 times as fast. Only for glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    for parameter in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
        mallopt(parameter, 2**30)


def release_freed_memory() -> None:
    """Give back what ``keep_freed_memory`` has kept: between batches and checkpoints, or it piles up in pieces of
    sizes that do not come again. Only for glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def describe() -> dict[str, str]:
    """For the report's provenance."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "processor": cpu_name(),
        "cores": str(threads()),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": platform.platform(terse=True),
        "accelerator": gpu_name() if has_cuda() else "none",
    }
