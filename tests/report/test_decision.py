"""The section on the decision: worth, risk, switch points and the value of more items, as the records have them."""

from __future__ import annotations

import re

from harness.report.build import build_report
from harness.report.sections import decision
from harness.report.sections.answer import changes
from harness.report.view import Inputs

from .synthetic import Run


def in_money(run: Run) -> Run:
    """The synthetic comparison as if it had been decided by money."""
    comparison = run.comparison
    found = comparison.decision.worth
    assert found is not None
    worth = found.model_copy(
        update={
            "unit": "money",
            "variants": tuple(
                v.model_copy(update={"value": 10_000 * v.value - 5000, "regret": 10_000 * v.regret})
                for v in found.variants
            ),
            "buy_items": 300,
            "sentence": "300 more held-out items are worth buying: about $900, for $150.",
        }
    )
    terms = comparison.model.terms.model_copy(update={"value_of_success": 1.5, "cost_of_harm": 0.75})
    economics = run.scenario.economics.model_copy(
        update={"value_of_success": 1.5, "cost_of_harm": 0.75, "values_source": "assumptions of a test"}
    )
    return run.but(
        scenario=run.scenario.model_copy(update={"economics": economics}),
        comparison=comparison.model_copy(
            update={
                "model": comparison.model.model_copy(update={"terms": terms}),
                "decision": comparison.decision.model_copy(update={"worth": worth}),
            }
        ),
    )


def section(run: Run) -> str:
    text = build_report(**run.arguments())
    found = re.search(r'<section id="decision".*?</section>', text, re.S)
    assert found
    return found[0]


def test_quality_decides_where_no_value_is_stated(run: Run) -> None:
    text = section(run)
    assert "states no value of a right answer" in text
    assert "rag until 41,000 requests a month, then raft." in text
    assert "Expected success" in text
    assert "its cost and latency are not known" in text, "vendor is ruled out and says why"


def test_money_is_shown_with_its_source(run: Run) -> None:
    text = section(in_money(run))
    assert "$1.50 for each right answer, less $0.75 for each harmful one" in text
    assert "These values are assumptions of a test." in text
    assert "Worth a month" in text
    assert "300 more held-out items are worth buying" in text
    rows = {row["name"]: row for row in decision.data(Inputs(**in_money(run).arguments()))["rows"]}
    assert rows["prompt"]["worth"][0].startswith("\u2212$4,")
    assert rows["raft"]["regret"] == "$0"
    assert rows["vendor"]["worth"] is rows["vendor"]["regret"] is None


def test_the_first_screen_says_where_the_choice_changes(run: Run) -> None:
    said = changes(Inputs(**run.arguments()))
    assert "Volume: rag until 41,000 requests a month, then raft." in said
    still = run.comparison.decision.model_copy(update={"sweeps": ()})
    other = run.but(comparison=run.comparison.model_copy(update={"decision": still}))
    assert any("costs less per success" in line for line in changes(Inputs(**other.arguments())))


def test_the_first_screen_says_what_the_choice_is_worth(run: Run, built_page: str) -> None:
    said = 'At the stated value of a right answer it is worth <b data-figure="worth|raft|value">$1,8'
    assert said in build_report(**in_money(run).arguments())
    assert "it is worth" not in built_page


def test_the_bill_is_shown_line_by_line(built_page: str) -> None:
    text = built_page
    assert "What each bill consists of" in text
    assert text.count("<td>each training</td>") == 3
    assert "measured; list price, 2026-11-01" in text
