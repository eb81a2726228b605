"""A report held against its own rows: hands the comparison to the report, which computes no statistics itself."""

from __future__ import annotations

from pathlib import Path

from harness.comparison.build import build_comparison
from harness.errors import InputError
from harness.report.rows import Evidence
from harness.report.verify import Verification, verify
from harness.types.results import Comparison


def verify_report(file: Path) -> Verification:
    """Needs neither network nor model nor run. Raises InputError for what is not a whole report with its rows."""
    try:
        return verify(file.read_text(encoding="utf-8"), rebuild)
    except UnicodeDecodeError:
        raise InputError(f"{file}: not a report: it is not UTF-8 text") from None
    except InputError as e:
        raise InputError(f"{file}: {e}") from None


def rebuild(e: Evidence) -> Comparison:
    """The comparison that the rows give."""
    return build_comparison(e.scenario, e.items, e.scores, e.metrics, e.trainings, e.preview, e.usage)
