"""The labelling page: one HTML file that loads nothing and names no variant."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markdown_it import MarkdownIt
from markupsafe import Markup

from harness.pages import document
from harness.pages.text import visible
from harness.types.labelling import FORMAT, MAX_NAME, Entry, Kind, Sample

PACKAGE = "harness.labelling"
STYLE = "label.css"
SCRIPTS = ("vault.js", "keep.js", "label.js")


def default_guideline(kind: Kind) -> str:
    """What raters are told where the scenario says nothing."""
    return files(PACKAGE).joinpath(f"guideline-{kind}.md").read_text(encoding="utf-8")


def build_page(sample: Sample, served: bool = False) -> str:
    """The page for ``sample``; ``served`` saves what is labelled where it came from, and nowhere else."""
    style, scripts = document.style(PACKAGE, STYLE), [document.static(PACKAGE, name) for name in SCRIPTS]
    more = ("connect-src 'self'",) if served else ()
    data = {
        "format": FORMAT,
        "scenario": sample.scenario,
        "sample": sample.id,
        "kind": sample.kind,
        "served": served,
        "entries": [_shown(e) for e in sample.entries],
    }
    return (
        _environment()
        .get_template("label.html")
        .render(
            sample=sample,
            guideline=guideline_html(sample.guideline),
            data=data,
            max_name=MAX_NAME,
            policy=document.policy(style, scripts, *more),
            style=Markup(style),
            scripts=[Markup(s) for s in scripts],
        )
    )


def guideline_html(text: str) -> Markup:
    """Markdown as HTML without anything that could load or lead elsewhere: no raw HTML, links or images."""
    reader = MarkdownIt("commonmark", {"html": False})
    reader.disable(["link", "image", "autolink", "html_inline", "html_block", "reference"])
    return Markup(reader.render(visible(text)))


@cache
def _environment() -> Environment:
    return document.environment(PACKAGE)


def _shown(entry: Entry) -> dict[str, Any]:
    """What a rater sees of an entry: neither who wrote it nor how it was scored."""
    return {
        "id": entry.id,
        "turns": [[m.role, visible(m.content)] for m in entry.input],
        "texts": [visible(text) for text in entry.texts],
        "reference": visible(entry.reference) if entry.reference else None,
        "required": [[visible(a) for a in fact] for fact in entry.facts.required],
        "forbidden": [visible(claim) for claim in entry.facts.forbidden],
        "abstain": entry.abstain,
    }
