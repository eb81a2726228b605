"""The effect in production beside the difference that the same two variants had offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.comparison.estimate import analytic_estimates, no_estimate, support_of
from harness.comparison.paired import difference_rows
from harness.comparison.table import build_table
from harness.comparison.trial import difference, excludes_zero
from harness.errors import InputError
from harness.figures import joined
from harness.types.abtest import AbTest, Effect, Prediction
from harness.types.data import Item
from harness.types.estimate import Estimate
from harness.types.results import MetricInfo, Score


def with_predictions(
    test: AbTest,
    variants: Sequence[str],
    items: Sequence[Item],
    scores: Sequence[Score],
    metric: MetricInfo,
    names: Mapping[str, str],
) -> AbTest:
    """``test`` with what a run of ``variants`` predicted on ``metric``; ``names`` gives an arm's variant there.

    Raises InputError where an arm is no variant of the run.
    """
    offline_names = {a.variant: names.get(a.variant, a.variant) for a in test.arms}
    for arm, name in offline_names.items():
        if name not in variants:
            raise InputError(
                f"arm {arm!r} is no variant of the run, which has {joined(list(variants))}; say which it is with "
                f"--map {arm}=VARIANT"
            )
    matrix = build_table(variants, items, scores, ()).matrix(metric.name)
    found = []
    for effect in test.effects:
        base, other = (variants.index(offline_names[v]) for v in (test.control, effect.variant))
        if matrix is None:
            offline = no_estimate(f"no answer of the run was scored by {metric.name}")
        else:
            rows = difference_rows(metric, matrix, support_of(metric, matrix), [other], base)
            [offline] = analytic_estimates(rows, test.confidence)
        found.append(_prediction(test, effect, offline, metric, variants[other], variants[base]))
    return test.model_copy(update={"predictions": tuple(found)})


def _prediction(
    test: AbTest, effect: Effect, offline: Estimate, metric: MetricInfo, other: str, base: str
) -> Prediction:
    online = effect.best
    gap = _gap(test, online, offline, metric)
    agrees = None if gap.low is None else not excludes_zero(gap)
    same_sign = None
    if online.value is not None and offline.value is not None:
        signs = (online.value if test.higher_is_better else -online.value) * (
            offline.value if metric.higher_is_better else -offline.value
        )
        same_sign = signs > 0 if signs else None
    if not test.trusted:
        agrees = same_sign = None
    return Prediction(
        variant=effect.variant, offline_variant=other, offline_control=base, metric=metric.name, label=metric.label,
        offline=offline, gap=gap, agrees=agrees, same_sign=same_sign,
        sentence=_sentence(test, agrees, same_sign, gap),
    )  # fmt: skip


def _gap(test: AbTest, online: Estimate, offline: Estimate, metric: MetricInfo) -> Estimate:
    if not test.yes_no or metric.unit != "rate":
        return no_estimate(f"{test.outcome} and {metric.label} are not on one scale")
    if not test.higher_is_better or not metric.higher_is_better:
        return no_estimate("lower is better in one of the two, so they are not on one scale")
    return difference(online, offline)


def _sentence(test: AbTest, agrees: bool | None, same_sign: bool | None, gap: Estimate) -> str:
    if not test.trusted:
        return "The arms in production do not compare, so this neither confirms nor refutes the prediction."
    if agrees is not None:
        return (
            "Production and prediction agree within their uncertainty."
            if agrees
            else "Production and prediction disagree by more than their uncertainty explains."
        )
    direction = {
        True: "They point the same way",
        False: "They point opposite ways",
        None: "No direction to compare",
    }
    return f"{direction[same_sign]}; sizes do not compare: {gap.reason}."
