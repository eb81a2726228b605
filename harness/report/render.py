"""From data to HTML: the templates, the inlined style and scripts, and the policy that allows only these."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.figures import joined, plural
from harness.report.text import script_canonical, script_json, visible

STYLE = "report.css"
SCRIPTS = ("report.js", "answers.js", "decide.js")


@cache
def environment() -> Environment:
    """Escapes everything, and fails on a name that a section did not give."""
    env = Environment(
        loader=PackageLoader("harness.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters |= {"script_json": script_json, "script_canonical": script_canonical}
    env.filters |= {"plural": plural, "listed": joined}
    return env


def render(template: str, **data: Any) -> Markup:
    text = environment().get_template(f"{template}.html").render(**data)
    return Markup(text)


def static(name: str) -> str:
    return files("harness.report").joinpath("static", name).read_text(encoding="utf-8").strip()


def source_hash(text: str) -> str:
    """As a Content-Security-Policy names an inline script or style."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def page(**data: Any) -> str:
    """The whole document, with style and scripts inlined and named in its policy."""
    style, scripts = static(STYLE), [static(name) for name in SCRIPTS]
    policy = "; ".join(
        [
            "default-src 'none'",
            f"style-src {source_hash(style)}",
            f"script-src {' '.join(source_hash(s) for s in scripts)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    inline = {"style": Markup(style), "scripts": [Markup(s) for s in scripts]}
    return str(render("page", policy=Markup(policy), **inline, **data))
