"""Simulations with a known truth: do the numbers of the comparison mean what they say?"""

from __future__ import annotations

from pathlib import Path


def publish(text: str, output: Path | None) -> None:
    """To the file, or printed where there is none."""
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        print(text)
