"""From log files to the rows of an A/B test: named columns checked, repeated ids dropped, rows in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import InputError
from harness.logs.columns import read_columns

MOST_VARIANTS = 20
"""More names than this in the variant column are no arms of a test."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns; None takes the usual name where the log has it."""

    variant: str = "variant"
    outcome: str = "outcome"
    cluster: str | None = None
    covariate: str | None = None
    time: str | None = None
    id: str | None = None


_USUAL = {"cluster": "cluster", "covariate": "covariate", "time": "time", "id": "id"}


@dataclass(frozen=True)
class Log:
    """Rows in the order of time, each (n,)."""

    variants: tuple[str, ...]
    """In the order of the alphabet."""
    arm: NDArray[np.int64]
    outcome: NDArray[np.float64]
    """NaN where there is none."""
    cluster: NDArray[np.int64]
    unit: str
    """``row``, or the name of the cluster column."""
    covariate: NDArray[np.float64] | None
    times: NDArray[np.float64] | None
    dated: bool
    """Whether ``times`` are seconds since 1970."""
    repeated: int
    """Rows left out because their id was there before."""
    conflicting: int
    """Those among them that say something else than the first."""
    notes: tuple[str, ...] = field(default=())


def read_log(paths: Sequence[Path], columns: Columns, outcomes: Path | None = None) -> Log:
    """The rows of all files together; ``outcomes`` holds what became of them, by id. Raises InputError with file and
    line.
    """
    names = {key: getattr(columns, key) or usual for key, usual in _USUAL.items()}
    elsewhere = [columns.outcome, names["cluster"], names["covariate"]] if outcomes else []
    given = [columns.variant, columns.outcome, *(n for k, n in names.items() if getattr(columns, k))]
    wanted = [n for n in (columns.variant, columns.outcome, *names.values()) if n not in elsewhere]
    needed = [n for n in given if n in wanted] + ([names["id"]] if outcomes else [])
    _distinct([columns.variant, columns.outcome, *names.values()])
    text = [columns.variant, names["cluster"], names["id"]]
    frames = []
    for path in paths:
        found = read_columns(path, wanted, needed, text)
        for name in (columns.outcome, names["covariate"]):
            if name in found.columns:
                found[name] = _numbers(found[name], path, name)
        dated = False
        if names["time"] in found.columns:
            found[names["time"]], dated = _times(found[names["time"]], path, names["time"])
        _whole(found, path, columns.variant)
        if names["cluster"] in found.columns:
            _whole(found, path, names["cluster"])
        frames.append((found, dated))
    said = _outcomes(outcomes, columns, names) if outcomes else None
    return _log(frames, said, paths, columns, names)


def _outcomes(path: Path, columns: Columns, names: dict[str, str]) -> Any:
    """What became of each id."""
    id, covariate = names["id"], names["covariate"]
    optional = [names[key] for key in ("cluster", "covariate") if getattr(columns, key)]
    wanted = [id, columns.outcome, names["cluster"], covariate]
    found = read_columns(path, wanted, [id, columns.outcome, *optional], [id, names["cluster"]])
    _whole(found, path, id)
    twice = found[id].duplicated()
    if twice.any():
        raise InputError(f"{path}:{twice.idxmax()}: its {id} was there before; an answer has one outcome")
    for name in (columns.outcome, covariate):
        if name in found.columns:
            found[name] = _numbers(found[name], path, name)
    return _plain(found)


def _log(
    frames: list[tuple[Any, bool]],
    said: Any,
    paths: Sequence[Path],
    columns: Columns,
    names: dict[str, str],
) -> Log:
    first, dated = frames[0]
    for (frame, own_dated), path in zip(frames[1:], paths[1:], strict=True):
        if set(frame.columns) != set(first.columns) or own_dated != dated:
            raise InputError(f"{path}: its columns are not those of {paths[0]}; give all logs the same")
    table = first if len(frames) == 1 else pd.concat([_plain(f) for f, _ in frames], ignore_index=True)
    table, repeated, conflicting = _once(table, names["id"], columns)
    times = None
    notes: list[str] = []
    if said is not None:
        known = said[names["id"]].isin(table[names["id"]])
        if not known.any():
            raise InputError(
                f"none of the outcomes is of a {names['id']} in {paths[0]}; are they of another log?"
            )
        if not known.all():
            notes.append(f"{int((~known).sum()):,} outcomes are of no row in the log and left out")
        table = _plain(table).merge(said, on=names["id"], how="left")
    if names["time"] in table.columns:
        table = table.sort_values(names["time"], kind="stable")
        times = table[names["time"]].to_numpy(dtype=np.float64)
    else:
        notes.append("the log has no time: rows are taken to be in the order in which they came")
    codes, variants = pd.factorize(table[columns.variant].astype(str), sort=True)
    if len(variants) > MOST_VARIANTS:
        raise InputError(
            f"{paths[0]}: column {columns.variant!r} has {len(variants):,} different values; it should name the few "
            "arms of a test. Name the right one with --variant-column"
        )
    clustered = names["cluster"] in table.columns
    covariate = names["covariate"]
    return Log(
        variants=tuple(str(v) for v in variants),
        arm=codes.astype(np.int64),
        outcome=table[columns.outcome].to_numpy(dtype=np.float64),
        cluster=_units(table[names["cluster"]]) if clustered else np.arange(len(table)),
        unit=names["cluster"] if clustered else "row",
        covariate=table[covariate].to_numpy(dtype=np.float64) if covariate in table.columns else None,
        times=times,
        dated=dated,
        repeated=repeated,
        conflicting=conflicting,
        notes=tuple(notes),
    )


def _units(column: Any) -> NDArray[np.int64]:
    """A number for each cluster; a row without an outcome that would have named it is one of its own."""
    codes: NDArray[np.int64] = pd.factorize(column)[0].astype(np.int64)
    alone = codes < 0
    codes[alone] = codes.max() + 1 + np.arange(int(alone.sum()))
    return codes


def _plain(frame: Any) -> Any:
    """Categories of two files differ, so they are joined as text."""
    kinds = {name: object for name in frame.columns if frame[name].dtype == "category"}
    return frame.astype(kinds)


def _distinct(names: list[str]) -> None:
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice:
        raise InputError(f"column {twice!r} cannot be two things at once; check the --...-column options")


def _once(table: Any, id: str, columns: Columns) -> tuple[Any, int, int]:
    if id not in table.columns:
        return table, 0, 0
    again = table[id].duplicated() & table[id].notna()
    if not again.any():
        return table, 0, 0
    same = [name for name in (id, columns.variant, columns.outcome) if name in table.columns]
    copies = table[same].duplicated() & again
    return table[~again], int(again.sum()), int((again & ~copies).sum())


def _numbers(column: Any, path: Path, name: str) -> Any:
    """As float64; empty is NaN."""
    if not pd.api.types.is_numeric_dtype(column):
        lowered = column.astype(object).map(_told)
        numbers = pd.to_numeric(lowered, errors="coerce")
        bad = numbers.isna() & lowered.notna()
        if bad.any():
            line = bad.idxmax()
            raise InputError(
                f"{path}:{line}: {name} is {str(column[line])[:40]!r}; it must be a number or empty"
            )
        column = numbers
    column = column.astype("float64")
    endless = np.isinf(column)
    if endless.any():
        raise InputError(f"{path}:{endless.idxmax()}: {name} is infinite; it must be a number or empty")
    return column


def _told(value: Any) -> Any:
    """Yes and no as numbers; blank text as nothing."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    return {"true": 1, "false": 0, "": None}.get(text, value)


def _times(column: Any, path: Path, name: str) -> tuple[Any, bool]:
    """As float64, and whether it is seconds since 1970 from dates rather than numbers as they are."""
    if column.isna().any():
        raise InputError(f"{path}:{column.isna().idxmax()}: {name} is empty; every row needs one, or none")
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64"), False
    dates = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
    if dates.isna().any():
        line = dates.isna().idxmax()
        raise InputError(
            f"{path}:{line}: {name} is {str(column[line])[:40]!r}; write a date as 2026-05-01T12:00:00Z, or a number"
        )
    return (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds(), True


def _whole(frame: Any, path: Path, name: str) -> None:
    if frame[name].isna().any():
        line = frame[name].isna().idxmax()
        raise InputError(f"{path}:{line}: {name} is empty; every row needs one")
