"""When requests are to be sent: schedules drawn before the run, which no reply can delay (an open loop)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.errors import InputError
from harness.load.lines import numbered_lines

MOST = 1_000_000
"""Requests in one schedule."""


def poisson(rate: float, seconds: float, seed: int) -> list[float]:
    """Independent users: a Poisson process over ``seconds`` with as many arrivals as it has on average.

    Given their number, the arrivals of such a process are uniform; holding it fixed keeps the gaps as they are and
    takes away that one schedule is a few percent above its rate and the next below.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    at = np.sort(rng.uniform(0, seconds, max(1, round(_checked(rate * seconds)))))
    return [float(t) for t in at - at[0]]


def constant(rate: float, seconds: float) -> list[float]:
    """Evenly spaced over ``seconds``, the first at 0."""
    return [i / rate for i in range(max(1, round(_checked(rate * seconds))))]


def _checked(n: float) -> float:
    if n > MOST:
        raise InputError(
            f"{n:,.0f} requests are more than the {MOST:,} of one run; lower the rate or the time"
        )
    return n


def replayed(times: Sequence[float], rate: float | None = None) -> list[float]:
    """Recorded times from 0 on; with ``rate``, stretched so that they come at that mean rate."""
    at = sorted(times)
    shifted = [t - at[0] for t in at]
    if rate is None or shifted[-1] == 0:
        return shifted
    stretch = (len(shifted) - 1) / rate / shifted[-1]
    return [t * stretch for t in shifted]


def read_trace(path: Path) -> list[float]:
    """Arrival times in seconds from a JSONL file.

    A line is a number of seconds, or an object with ``timestamp`` in milliseconds (Mooncake's published traces)
    or ``intended_s`` (requests.jsonl of ``harness load``). Raises InputError with the line.
    """
    times = []
    for number, line in numbered_lines(path):
        try:
            times.append(_time(json.loads(line)))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise InputError(
                f"{path}:{number}: not an arrival: give seconds, or an object with `timestamp` (milliseconds) or "
                "`intended_s`"
            ) from None
    if not times:
        raise InputError(f"{path}: holds no arrivals")
    if len(times) > MOST:
        raise InputError(f"{path}: {len(times):,} arrivals are more than the {MOST:,} of one run")
    return times


def _time(line: object) -> float:
    found = line
    if isinstance(line, dict):
        found = line["timestamp"] / 1000 if "timestamp" in line else line["intended_s"]
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e15:
        raise ValueError(found)
    return float(found)
