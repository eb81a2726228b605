"""One HTML file that is complete in itself: templates that escape everything, inlined style and scripts, and the
policy that allows only these."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.pages.text import script_json, visible

BASE = "base.css"
"""Colours and plain elements, the same on all pages."""


def environment(package: str) -> Environment:
    """Templates of ``package`` and those of all pages: escapes everything, and fails on a name that was not given."""
    env = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("harness.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters["script_json"] = script_json
    return env


def static(package: str, name: str) -> str:
    """A style or script below ``static/`` of ``package``."""
    return files(package).joinpath("static", name).read_text(encoding="utf-8").strip()


def style(package: str, name: str) -> str:
    """The style that all pages share, and that of ``package`` after it."""
    return static("harness.pages", BASE) + "\n\n" + static(package, name)


def source_hash(text: str) -> str:
    """As a Content-Security-Policy names an inline script or style."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def policy(style: str, scripts: Sequence[str], *more: str) -> Markup:
    """The Content-Security-Policy of a page with this one style and these scripts; ``more`` are further directives."""
    return Markup(
        "; ".join(
            [
                "default-src 'none'",
                f"style-src {source_hash(style)}",
                f"script-src {' '.join(source_hash(s) for s in scripts)}",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
                *more,
            ]
        )
    )
