"""Result files of other load generators, read as the requests they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.load.formats.aiperf import from_aiperf
from harness.load.formats.found import Found, Unusable
from harness.load.formats.guidellm import from_guidellm
from harness.load.formats.vllm import from_vllm

LARGEST = 512 << 20
"""Bytes."""


def read_results(file: Path) -> Found:
    """Of ``vllm bench serve --save-result --save-detailed``, GuideLLM's benchmarks.json or AIPerf's
    profile_export.jsonl, known by what they hold. Raises InputError for any other file.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise InputError(f"{file}: larger than {LARGEST >> 20} MiB")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"{file}: cannot be read as text: {getattr(e, 'strerror', None) or e}") from None
    try:
        return _read(text)
    except Unusable as e:
        raise InputError(f"{file}: {e}") from None
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as e:
        raise InputError(f"{file}: a value is not of the expected kind ({type(e).__name__}: {e})") from None


def _read(text: str) -> Found:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return from_aiperf(_lines(text))
    if isinstance(data, dict) and "benchmarks" in data:
        return from_guidellm(data)
    if isinstance(data, dict) and "metadata" in data and "metrics" in data:
        return from_aiperf([data])
    if isinstance(data, dict) and ("request_throughput" in data or "ttfts" in data):
        if isinstance(data.get("request_throughput"), dict):
            raise Unusable("AIPerf's summary holds no single requests; import its profile_export.jsonl")
        return from_vllm(data)
    raise Unusable("neither a result of vLLM bench nor of GuideLLM nor of AIPerf")


def _lines(text: str) -> list[Any]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError):
                raise Unusable(f"line {number} is not JSON") from None
    return found
