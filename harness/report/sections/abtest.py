"""What an A/B test in production showed, beside what the run had predicted."""

from __future__ import annotations

from typing import Any

from harness.figures import fine
from harness.report.abtest_text import look_words, percent, split_words
from harness.report.view import Inputs
from harness.types.abtest import AbTest, Effect, Prediction


def shown(view: Inputs) -> bool:
    return view.abtest is not None


def data(view: Inputs) -> dict[str, Any]:
    test = view.abtest
    assert test is not None
    predictions = {p.variant: p for p in test.predictions}
    return {
        "test": test,
        "p_split": split_words(test),
        "arms": [
            {
                "arm": arm,
                "mean": fine(arm.mean, test.confidence, share=test.yes_no),
                "share": f"{arm.units / max(1, sum(a.units for a in test.arms)):.1%}",
            }
            for arm in test.arms
        ],
        "rows": [_row(view, test, e, predictions.get(e.variant)) for e in test.effects],
        "level": f"{100 * test.confidence:.4g}%",
        "any_level": f"{100 * test.effects[0].sequence.confidence:.4g}%",
    }


def _row(view: Inputs, test: AbTest, effect: Effect, predicted: Prediction | None) -> dict[str, Any]:
    looks = effect.sequence.looks
    cuped = effect.cuped
    saved = cuped.variance_reduction if cuped else None
    metric = view.metrics.get(predicted.metric) if predicted else None
    return {
        "effect": effect,
        "online": fine(effect.best, test.confidence, share=test.yes_no, signed=True),
        "plain": fine(effect.effect, test.confidence, share=test.yes_no, signed=True),
        "relative": percent(effect.relative),
        "saved": f"{saved:.0%}" if saved is not None else None,
        "adjusted": cuped is not None and cuped.effect is not None,
        "any_look": look_words(test, looks[-1]) if looks else None,
        "first": effect.sequence.first_excluded,
        "predicted": predicted,
        "gap": fine(predicted.gap, test.confidence, share=True, signed=True).full
        if predicted and predicted.gap.value is not None
        else None,
        "offline": fine(predicted.offline, test.confidence, share=metric.unit == "rate", signed=True)
        if predicted and metric
        else None,
    }
