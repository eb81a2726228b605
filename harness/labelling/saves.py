"""Samples on disk, and what raters saved: a folder for each sample, a journal for each rater.

``<samples>/<id>/sample.json`` holds what was drawn, with the variants that the page does not name;
``<samples>/<id>/<rater>.jsonl`` what one rater said, one line a mark, appended as it comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from harness.errors import InputError
from harness.labelling.draw import entry_id, sample_id
from harness.store import Journal, canonical_json, fingerprint, write_atomic
from harness.types.labelling import Mark, Sample, SavedMark

_FILE = "sample.json"


def keep_sample(folder: Path, sample: Sample) -> Path:
    """The sample's own folder below ``folder``, where it now lies."""
    own = folder / sample.id
    write_atomic(own / _FILE, canonical_json(sample))
    return own


def read_sample(folder: Path, sample: str) -> Sample:
    """The sample of that id; raises InputError where it is not there or not as it was drawn."""
    file = folder / sample / _FILE
    if not re.fullmatch(r"[0-9a-f]{16}", sample) or not file.is_file():
        raise InputError(
            f"no sample {sample[:40]!r} below {folder}: it was drawn for another scenario, or its folder is gone; "
            "`harness label` with the same run and options draws it again"
        )
    try:
        found = Sample.model_validate_json(file.read_bytes())
    except ValidationError as e:
        raise InputError(f"{file}: not a sample: {e.errors()[0]['msg']}; draw it again") from None
    about = found.model_dump(mode="json", exclude={"id", "entries"})
    intact = all(e.id == entry_id(e.item, e.texts) for e in found.entries)
    if not intact or found.id != sample or sample_id(about, found.entries) != sample:
        raise InputError(f"{file}: was changed since it was drawn, so its labels say nothing; draw it again")
    return found


def read_samples(folder: Path) -> list[Sample]:
    """All samples below ``folder``."""
    return [read_sample(folder, file.parent.name) for file in sorted(folder.glob(f"*/{_FILE}"))]


def latest(marks: Iterable[Mark]) -> dict[str, Mark]:
    """By entry the mark that holds: the later, as the page has it."""
    found: dict[str, Mark] = {}
    for mark in marks:
        if mark.entry not in found or _rank(mark) > _rank(found[mark.entry]):
            found[mark.entry] = mark
    return found


def _rank(mark: Mark) -> tuple[int, str]:
    return mark.at, "null" if mark.label is None else str(mark.label)


class Saves:
    """What raters save while a sample is served. Used from one thread."""

    def __init__(self, own: Path, sample: Sample):
        """``own`` is the sample's folder."""
        self._own, self._sample = own, sample

    def of(self, rater: str) -> dict[str, Mark]:
        """What holds of what ``rater`` has saved, by entry."""
        return latest(Journal(self._file(rater), SavedMark))

    def add(self, rater: str, marks: Iterable[Mark]) -> None:
        """Append those that are later than what is there. What has been appended survives the process."""
        known, journal = self.of(rater), Journal(self._file(rater), SavedMark)
        for mark in marks:
            if mark.entry not in known or _rank(mark) > _rank(known[mark.entry]):
                journal.append(SavedMark(sample=self._sample.id, rater=rater, **mark.model_dump()))

    def _file(self, rater: str) -> Path:
        """Names may hold anything printable; the hash keeps alike ones apart."""
        slug = re.sub(r"[^a-z0-9]+", "-", rater.lower()).strip("-") or "rater"
        return self._own / f"{slug}-{fingerprint(rater)[:6]}.jsonl"
