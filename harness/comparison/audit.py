"""Were the variants compared on one footing? Nine checks, each ok, a caution or broken, with a sentence.

Beside them the score on the items that did not leak, and the winner's figure without the winner's curse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from harness.comparison.bootstrap import Resampler
from harness.comparison.clean import clean_scores
from harness.comparison.footing import same_decoding, same_engine, same_items, same_template, same_timing
from harness.comparison.shrinkage import shrink_winner
from harness.comparison.table import Table
from harness.figures import plural
from harness.protocols import Circumstances
from harness.types.answers import TrainingRecord
from harness.types.leak import Leak
from harness.types.results import Audit, AuditLine, CleanScore, Looks, MetricInfo, Shrinkage
from harness.types.settings import Scenario

BROKEN_SHARE = 0.05
"""Leaked items beyond this share are enough to carry a difference on their own."""
UNEQUAL = 2.0
"""Tuning budgets further apart than this factor are told as unequal."""


def build_audit(
    scenario: Scenario,
    table: Table,
    metric: MetricInfo,
    choice: str | None,
    trainings: Mapping[str, TrainingRecord],
    circumstances: Circumstances,
) -> Audit:
    """``metric`` is the one that the choice rests on; ``trainings`` is by adapter."""
    answers = circumstances.answers
    leaks = tuple(leak for leak in circumstances.leaks if not leak.declared)
    leaked = {leak.item for leak in leaks if leak.split == "heldout"} & set(table.items)
    clean = clean_scores(table, metric, leaked, scenario.baseline)
    matrix = table.metrics.get(metric.name)
    shrinkage = None
    if choice is not None and matrix is not None:
        shrinkage = shrink_winner(matrix, table.variants, choice, Resampler(scenario.seed, "all"))
    lines = (
        same_items(scenario, table.items, answers),
        same_decoding(scenario),
        same_template(scenario, answers),
        same_engine(scenario, circumstances.dtype),
        same_timing(scenario, answers),
        tuning_budget(scenario, trainings, circumstances.looks.configurations),
        looks(circumstances.looks, metric, shrinkage),
        selection(trainings, leaks),
        leakage(circumstances, leaked, table.items, metric, clean, choice),
    )
    return Audit(
        lines=lines,
        looks=circumstances.looks,
        n_leaked=len(leaked),
        leaks=leaks,
        clean=clean,
        shrinkage=shrinkage,
    )


def tuning_budget(
    scenario: Scenario, trainings: Mapping[str, TrainingRecord], tried: Mapping[str, int]
) -> AuditLine:
    check = "Tuning budget"
    parts = [
        f"{name} {record.examples:,} examples x {plural(len(record.epochs), 'epoch')}"
        for name, record in sorted(trainings.items())
    ]
    said = f"Training: {'; '.join(parts)}." if parts else "No variant was trained."
    if parts:
        said += f" {_trained_again(scenario)}"
    seen = [max(1, r.examples * len(r.epochs)) for r in trainings.values()]
    counts = {v.name: tried.get(v.name, 1) for v in scenario.variants}
    most = max(counts.values())
    if most > 1:
        listed = ", ".join(f"{name} {n}" for name, n in counts.items())
        said += f" Configurations tried so far on these items: {listed}."
    else:
        said += " One configuration of each variant was tried on these items."
    uneven = most > UNEQUAL * min(counts.values()) or bool(seen and max(seen) > UNEQUAL * min(seen))
    if uneven:
        said += " More tuning is an advantage of its own."
    return AuditLine(check=check, status="caution" if uneven else "ok", sentence=said)


def _trained_again(scenario: Scenario) -> str:
    counts = {name: t.seeds for name, t in sorted(scenario.adapters.items())}
    if all(n == 1 for n in counts.values()):
        return "One training seed each, so no interval holds what training again would change."
    listed = ", ".join(f"{name} {n}" for name, n in counts.items())
    return f"Training seeds: {listed}; with one, what training again would change is in no interval."


def looks(looked: Looks, metric: MetricInfo, shrinkage: Shrinkage | None) -> AuditLine:
    check = "Variants and looks"
    variants = len(looked.configurations)
    said = f"The best of {plural(variants, 'variant')} was taken"
    said += (
        " in the first comparison on these held-out items."
        if looked.comparisons == 1
        else f", and these held-out items were looked at in {looked.comparisons} comparisons with different settings."
    )
    if shrinkage and shrinkage.raw is not None and shrinkage.shrunk is not None:
        raw, shrunk = _shown(shrinkage.raw, metric), _shown(shrinkage.shrunk, metric)
        said += f" Corrected for being the best, {shrinkage.variant} has {shrunk} (raw {raw})."
    elif shrinkage:
        said += f" No correction for being the best: {shrinkage.reason}."
    return AuditLine(check=check, status="ok" if looked.comparisons == 1 else "caution", sentence=said)


def selection(trainings: Mapping[str, TrainingRecord], leaks: Sequence[Leak]) -> AuditLine:
    check = "Selection on dev alone"
    dev = sorted({leak.item for leak in leaks if leak.split == "heldout" and leak.where == "dev"})
    if dev:
        overlap = f"{plural(len(dev), 'held-out item')} {'overlaps' if len(dev) == 1 else 'overlap'} with dev"
        said = f"{overlap}, which training is steered by: {_few(dev)}."
        return AuditLine(check=check, status="caution", sentence=said)
    if not trainings:
        said = "Nothing was trained, so nothing was chosen on dev; all figures are of held-out items."
        return AuditLine(check=check, status="ok", sentence=said)
    kept = ", ".join(
        f"{name} epoch {r.best_epoch} of {len(r.epochs)}" for name, r in sorted(trainings.items())
    )
    said = f"The epoch of each adapter was chosen on dev ({kept}); all figures are of held-out items."
    return AuditLine(check=check, status="ok", sentence=said)


def leakage(
    circumstances: Circumstances,
    leaked: set[str],
    items: Sequence[str],
    metric: MetricInfo,
    clean: Sequence[CleanScore],
    choice: str | None,
) -> AuditLine:
    check = "Leakage"
    declared = {k.item for k in circumstances.leaks if k.declared and k.split == "heldout"} & set(
        items
    ) - leaked
    aside = ""
    if declared:
        aside = (
            f" {plural(len(declared), 'item')} {'asks' if len(declared) == 1 else 'ask'} a trained fact in other "
            "words, as the clusters declare, and count as clean."
        )
    if not leaked:
        said = (
            f"None of the {len(items):,} held-out items was found in train, dev, prompts or knowledge base."
        )
        return AuditLine(check=check, status="ok", sentence=said + aside)
    undeclared = [k for k in circumstances.leaks if k.item in leaked and not k.declared]
    where = Counter(k.where + " in other words" * (k.stage == "rephrased") for k in undeclared)
    places = ", ".join(f"{n} in {place}" for place, n in sorted(where.items()))
    share = f"{len(leaked)} of {len(items):,} held-out items"
    said = f"{share} overlap with what is learnt from ({places}): {_few(sorted(leaked))}."
    best = next((c for c in clean if c.variant == choice), None)
    if best and best.all.value is not None:
        without = "no figure" if best.clean.value is None else _shown(best.clean.value, metric)
        said += f" Without them {choice} has {without} instead of {_shown(best.all.value, metric)}."
    status = "broken" if len(leaked) > BROKEN_SHARE * len(items) else "caution"
    return AuditLine.model_validate({"check": check, "status": status, "sentence": said + aside})


def _shown(value: float, metric: MetricInfo) -> str:
    return f"{100 * value:.1f}%" if metric.unit == "rate" else f"{value:.3g}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
