"""A verdict as JUnit XML: the rules are one suite, the answers another, so that failures stay apart from errors.

A rule that failed or is open is a ``<failure>`` of that type, because the command fails on both. An answer that
could not be given is an ``<error>`` of the second suite, whatever the verdict is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree as Xml

from harness.pages.text import visible
from harness.report.verdict_words import context_lines, needed
from harness.types.verdict import Check, Verdict

_NOT_XML = re.compile("[\ufffe\uffff]")


def verdict_junit(verdict: Verdict, errors: Mapping[str, str]) -> str:
    """``errors`` are the reasons of failed answers by item."""
    name = f"gate.{verdict.scenario}.{verdict.variant}"
    open_or_failed = sum(check.status != "pass" for check in verdict.checks)
    root = Xml.Element("testsuites", _counts(f"harness gate {verdict.scenario}", verdict, open_or_failed))
    rules = Xml.SubElement(root, "testsuite", _suite(name, len(verdict.checks), open_or_failed, 0))
    properties = Xml.SubElement(rules, "properties")
    for key, value in (("status", verdict.status), ("run", verdict.run), ("look", str(verdict.look))):
        Xml.SubElement(properties, "property", {"name": key, "value": _clean(value)})
    for check in verdict.checks:
        _case(rules, name, check)
    Xml.SubElement(rules, "system-out").text = _clean("\n".join([verdict.reason, *context_lines(verdict)]))
    _answers(root, f"answers.{verdict.scenario}.{verdict.variant}", verdict, errors)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _case(suite: Xml.Element, name: str, check: Check) -> None:
    case = Xml.SubElement(suite, "testcase", {"classname": name, "name": _clean(check.rule), "time": "0"})
    if check.status == "pass":
        return
    more = f" ({needed(check)})" if needed(check) else ""
    message = _clean(f"{check.words}: {check.reason}{more}")
    Xml.SubElement(case, "failure", {"type": check.status, "message": message}).text = message


def _answers(root: Xml.Element, name: str, verdict: Verdict, errors: Mapping[str, str]) -> None:
    answered = verdict.n_items - len(verdict.errors)
    suite = Xml.SubElement(root, "testsuite", _suite(name, len(verdict.errors) + 1, 0, len(verdict.errors)))
    whole = f"{answered} of {verdict.n_items} items answered"
    Xml.SubElement(suite, "testcase", {"classname": name, "name": whole, "time": "0"})
    for item in verdict.errors:
        case = Xml.SubElement(suite, "testcase", {"classname": name, "name": _clean(item), "time": "0"})
        Xml.SubElement(case, "error", {"type": "answer", "message": _clean(errors.get(item, "no answer"))})


def _counts(name: str, verdict: Verdict, failures: int) -> dict[str, str]:
    tests, errors = len(verdict.checks) + len(verdict.errors) + 1, len(verdict.errors)
    return {"name": name, "tests": str(tests), "failures": str(failures), "errors": str(errors)}


def _suite(name: str, tests: int, failures: int, errors: int) -> dict[str, str]:
    return {
        "name": name, "tests": str(tests), "failures": str(failures), "errors": str(errors), "skipped": "0",
        "time": "0",
    }  # fmt: skip


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", visible(text))
