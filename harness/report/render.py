"""From data to HTML: the report's templates, its style and scripts, and the policy that allows only these."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from harness.figures import joined, plural
from harness.pages import document
from harness.pages.text import script_canonical

PACKAGE = "harness.report"
STYLE = "report.css"
SCRIPTS = ("report.js", "answers.js", "decide.js")


@cache
def environment() -> Environment:
    """Escapes everything, and fails on a name that a section did not give."""
    env = document.environment(PACKAGE)
    env.filters |= {"script_canonical": script_canonical, "plural": plural, "listed": joined}
    return env


def render(template: str, **data: Any) -> Markup:
    text = environment().get_template(f"{template}.html").render(**data)
    return Markup(text)


def page(**data: Any) -> str:
    """The whole document, with style and scripts inlined and named in its policy."""
    style, scripts = document.style(PACKAGE, STYLE), [document.static(PACKAGE, name) for name in SCRIPTS]
    inline = {"style": Markup(style), "scripts": [Markup(s) for s in scripts]}
    return str(render("page", policy=document.policy(style, scripts), **inline, **data))
