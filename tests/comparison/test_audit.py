"""The audit as a whole: nine lines, leaks, clean scores and shrinkage, through ``build_comparison``."""

from __future__ import annotations

from typing import Any

from harness.comparison.build import build_comparison
from harness.protocols import Circumstances
from harness.types.answers import Answer, EpochLoss, TrainingRecord
from harness.types.leak import Leak
from harness.types.results import Audit, AuditLine, Comparison, Looks

from .factories import METRICS, run, training

NAMES = ("prompt", "rag", "lora", "lora-rag")


def leak(item: str, where: Any = "train", **other: Any) -> Leak:
    given = {
        "split": "heldout",
        "other": "t",
        "stage": "exact",
        "similarity": 1.0,
        "text": "a question",
    } | other
    return Leak(item=item, where=where, **given)


def evidence(*leaks: Leak, comparisons: int = 1, **configurations: int) -> Circumstances:
    _, items, _ = run()
    answers = [
        Answer(variant=v, item=i.id, phase=phase, key="k", text="yes", prompt_hash=i.id)
        for v in NAMES
        for phase, asked in (("quality", items), ("timing", items[:16]))
        for i in asked
    ]
    looks = Looks(comparisons=comparisons, configurations=dict.fromkeys(NAMES, 1) | configurations)
    return Circumstances(answers, leaks, looks, "float32")


def trained(adapter: str = "a", examples: int = 100, epochs: int = 3) -> TrainingRecord:
    losses = tuple(EpochLoss(epoch=e, train_loss=1.0, dev_loss=1.0) for e in range(1, epochs + 1))
    return training(adapter, examples=examples).model_copy(update={"epochs": losses, "best_epoch": 2})


def built(given: Circumstances | None, trainings: dict[str, TrainingRecord] | None = None) -> Comparison:
    scenario, items, rows = run()
    return build_comparison(
        scenario, items, rows, METRICS, trainings or {"a": trained()}, False, circumstances=given
    )


def audit(given: Circumstances, trainings: dict[str, TrainingRecord] | None = None) -> Audit:
    found = built(given, trainings).audit
    assert found is not None
    return found


def line(found: Audit, check: str) -> AuditLine:
    (told,) = [k for k in found.lines if k.check == check]
    return told


def test_a_fair_comparison_holds_in_all_nine_checks() -> None:
    found = audit(evidence())
    assert len(found.lines) == len({k.check for k in found.lines}) == 9
    assert {k.status for k in found.lines} == {"ok"}, found.lines
    assert (found.n_leaked, found.leaks, found.clean) == (0, (), ())
    assert found.shrinkage is not None
    assert found.shrinkage.variant == "lora-rag"
    assert found.shrinkage.raw is not None
    assert found.shrinkage.shrunk is not None
    assert found.shrinkage.shrunk < found.shrinkage.raw


def test_without_evidence_there_is_no_audit_and_no_other_number_changes() -> None:
    bare, full = built(None), built(evidence(leak("i0001")))
    assert bare.audit is None
    assert full.model_copy(update={"audit": None}) == bare
    assert Comparison.model_validate_json(full.model_dump_json()) == full


def test_leaked_items_are_told_and_left_out_beside_the_whole() -> None:
    found = audit(evidence(leak("i0001"), leak("i0002", "kb"), leak("i0002")))
    told = line(found, "Leakage")
    assert told.status == "caution"
    assert told.sentence.startswith(
        "2 of 60 held-out items overlap with what is learnt from (1 in kb, 2 in train): i0001, i0002."
    )
    assert "Without them lora-rag has" in told.sentence
    assert found.n_leaked == 2
    assert [c.variant for c in found.clean] == list(NAMES)
    assert {(c.all.n, c.clean.n) for c in found.clean} == {(60, 58)}


def test_too_many_leaks_break_the_comparison() -> None:
    found = audit(evidence(*(leak(f"i{k:04}") for k in range(4))))
    assert line(found, "Leakage").status == "broken"
    assert "and 1 more" in line(found, "Leakage").sentence


def test_a_declared_overlap_is_told_and_its_item_stays_clean() -> None:
    found = audit(evidence(leak("i0001", stage="rephrased", declared=True)))
    told = line(found, "Leakage")
    assert told.status == "ok"
    assert "1 item asks a trained fact in other words" in told.sentence
    assert (found.n_leaked, found.leaks) == (0, ())


def test_a_leak_of_an_item_that_is_not_compared_changes_nothing() -> None:
    found = audit(evidence(leak("elsewhere"), leak("d1", split="dev")))
    assert line(found, "Leakage").status == "ok"
    assert found.n_leaked == 0
    assert len(found.leaks) == 2


def test_held_out_items_in_dev_spoil_the_selection() -> None:
    told = line(audit(evidence(leak("i0001", "dev"))), "Selection on dev alone")
    assert told.status == "caution"
    assert "1 held-out item" in told.sentence
    fine = line(audit(evidence()), "Selection on dev alone")
    assert "a epoch 2 of 3" in fine.sentence


def test_tuning_budgets_far_apart_are_a_caution() -> None:
    fair = {"a": trained(), "b": trained("b", 150, 4)}
    assert line(audit(evidence(), fair), "Tuning budget").status == "ok"
    unfair = line(audit(evidence(), fair | {"b": trained("b", 300, 3)}), "Tuning budget")
    assert unfair.status == "caution"
    assert "a 100 examples x 3 epochs; b 300 examples x 3 epochs" in unfair.sentence
    often = line(audit(evidence(comparisons=3, lora=3)), "Tuning budget")
    assert often.status == "caution"
    assert "lora 3" in often.sentence


def test_earlier_looks_are_a_caution_with_the_winner_corrected() -> None:
    first = line(audit(evidence()), "Variants and looks")
    assert first.status == "ok"
    assert "first comparison" in first.sentence
    later = line(audit(evidence(comparisons=4)), "Variants and looks")
    assert later.status == "caution"
    assert "4 comparisons with different settings" in later.sentence
    assert "Corrected for being the best, lora-rag has" in later.sentence
