"""A verdict for a pull request or a job summary, in Markdown that no text in it can break out of.

Everything that is not ours is written as character references: Markdown decodes them but never reads them as
structure (CommonMark 0.31, section 2.5). Model text stands in ``<pre>``, where mentions and links stay text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from harness.figures import plural
from harness.pages.text import visible
from harness.report.verdict_words import HEADINGS, context_lines, figures, needed
from harness.types.verdict import Flips, Verdict

LIMIT = 60_000
"""Characters: a comment on GitHub takes 65,536."""
_LONGEST = 600
"""Characters shown of a question or an answer."""
_MARKS = {"pass": "✅", "fail": "❌", "inconclusive": "⚠️"}
_SPECIAL = re.compile(r"[^\w ,.;:()%+−–-]|_")


def verdict_markdown(verdict: Verdict, questions: Mapping[str, str], answers: Mapping[str, str]) -> str:
    """``questions`` and ``answers`` (text or why there is none) by item; of the flipped ones those are shown that
    fit into a comment."""
    head = [
        f"## {_MARKS[verdict.status]} {HEADINGS[verdict.status]}: {inline(verdict.scenario)}, variant "
        f"{inline(verdict.variant)}",
        "",
        inline(verdict.reason),
        "",
        "| | Rule | Observed | Sure bound | Limit | Still needed |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for check in verdict.checks:
        cells = [
            f"{_MARKS[check.status]} {check.status}",
            *map(inline, (check.words, *figures(check, verdict.currency), needed(check))),
        ]
        head.append("| " + " | ".join(cells) + " |")
    unsure = [f"- {inline(c.words)}: {inline(c.reason)}" for c in verdict.checks if c.status != "pass"]
    head += ["", *unsure, ""] if unsure else [""]
    tail = ["<details><summary>What this rests on</summary>", ""]
    tail += [f"- {inline(line)}" for line in context_lines(verdict)] + ["", "</details>", ""]
    room = LIMIT - sum(len(line) + 1 for line in (*head, *tail))
    flips = _flips(verdict.flips, questions, answers, room) if verdict.flips else []
    return "\n".join([*head, *flips, *tail])


def inline(text: str) -> str:
    """``text`` on one line with every character that could mean something to Markdown or HTML as a reference."""
    one_line = " ".join(visible(text).split())
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", one_line).replace("www.", "www&#46;")


def _block(text: str) -> str:
    short = visible(text)
    short = short if len(short) <= _LONGEST else short[:_LONGEST] + " ..."
    return f"<pre>{html.escape(short)}</pre>"


def _flips(flips: Flips, questions: Mapping[str, str], answers: Mapping[str, str], room: int) -> list[str]:
    lines = []
    sides = (("Right to wrong", flips.right_to_wrong), ("Wrong to right", flips.wrong_to_right))
    for title, items in sides:
        summary = f"{title} since the baseline, by {flips.metric}: {plural(len(items), 'item')}"
        lines += [f"<details><summary>{inline(summary)}</summary>", ""] if items else [inline(summary), ""]
        room -= len(summary) + 120
        for place, item in enumerate(items):
            shown = [
                f"<code>{inline(item)}</code>",
                "",
                _block(questions.get(item, "")),
                "",
                "now answers",
                "",
            ]
            shown += [_block(answers.get(item, "no answer")), ""]
            room -= sum(len(line) + 1 for line in shown)
            if room < 0:
                lines += [f"and {plural(len(items) - place, 'more item')}", ""]
                break
            lines += shown
        lines += ["</details>", ""] if items else []
    return lines
