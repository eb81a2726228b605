"""A scenario with its files and what the command line changes in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InputError, ScenarioError
from harness.scenario.inputs import Options, load_inputs

from .sample import change, item, turns, write_lines


def test_everything_is_read(folder: Path) -> None:
    inputs = load_inputs(folder, Options())
    assert [len(x) for x in (inputs.train, inputs.dev, inputs.heldout, inputs.articles)] == [3] * 4
    assert inputs.prompts == {
        "system.md": "You answer for a shop.\n",
        "reader.md": "Answer from the passages.\n",
    }
    assert not inputs.preview


def test_hashes_change_with_what_they_are_of(folder: Path) -> None:
    before = load_inputs(folder, Options()).hashes()
    assert load_inputs(folder, Options()).hashes() == before
    (folder / "kb" / "lamp.md").write_text("new words\n")
    (folder / "reader.md").write_text("new words\n")
    after = load_inputs(folder, Options()).hashes()
    assert {k for k in after if after[k] != before[k]} == {"knowledge base", "prompts", "system prompt rag"}
    write_lines(folder / "dev.jsonl", item("dev", 0))
    assert load_inputs(folder, Options()).hashes()["dev"] != before["dev"]


def test_the_rules_of_the_gate_change_no_hash(folder: Path) -> None:
    before = load_inputs(folder, Options()).hashes()
    with (folder / "scenario.yaml").open("a") as f:
        f.write("gate: {rules: [{metric: success, at_least: 0.5}]}\n")
    assert load_inputs(folder, Options()).hashes() == before


def test_windows_lines_do_not_change_the_hashes(folder: Path) -> None:
    before = load_inputs(folder, Options()).hashes()
    for file in (*folder.glob("*.jsonl"), *folder.glob("**/*.md"), folder / "scenario.yaml"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert load_inputs(folder, Options()).hashes() == before


def test_a_limit_is_a_seeded_sample_in_the_files_order(folder: Path) -> None:
    more = [item("heldout", 0, id=f"x-{i}", messages=turns(f"q {i}", "a")) for i in range(20)]
    write_lines(folder / "heldout.jsonl", *more)
    chosen = [i.id for i in load_inputs(folder, Options(limit=5)).heldout]
    assert len(chosen) == 5
    assert chosen == sorted(chosen, key=lambda n: int(n[2:]))
    assert [i.id for i in load_inputs(folder, Options(limit=5)).heldout] == chosen
    assert [i.id for i in load_inputs(folder, Options(limit=5, seed=99)).heldout] != chosen
    assert load_inputs(folder, Options(limit=5)).preview


def test_a_limit_of_all_items_is_no_preview(folder: Path) -> None:
    assert not load_inputs(folder, Options(limit=3)).preview
    assert len(load_inputs(folder, Options(limit=99)).heldout) == 3


def test_chosen_variants_keep_the_baseline_and_their_adapters(folder: Path) -> None:
    scenario = load_inputs(folder, Options(variants=("tuned",))).scenario
    assert [v.name for v in scenario.variants] == ["prompt", "tuned"]
    assert set(scenario.adapters) == {"tuned"}
    scenario = load_inputs(folder, Options(variants=("rag",))).scenario
    assert scenario.adapters == {}


def test_an_unknown_variant_names_the_nearest(folder: Path) -> None:
    with pytest.raises(InputError, match=r"--variants: no variant 'tund'; did you mean 'tuned'\?"):
        load_inputs(folder, Options(variants=("tund",)))


def test_quick_only_ever_makes_less(folder: Path) -> None:
    change(folder, "choice:\n", "quick: {limit: 2, examples: 7, epochs: 5, timing_items: 9}\nchoice:\n")
    inputs = load_inputs(folder, Options(quick=True))
    tuned = inputs.scenario.adapters["tuned"]
    assert (tuned.epochs, tuned.examples, inputs.scenario.timing_items) == (2, 7, 2)
    assert len(inputs.heldout) == 2
    assert inputs.preview


def test_a_seed_replaces_the_scenarios(folder: Path) -> None:
    assert load_inputs(folder, Options(seed=0)).scenario.seed == 0
    assert load_inputs(folder, Options()).scenario.seed == 3


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_an_input_error(folder: Path, seed: int) -> None:
    with pytest.raises(InputError, match="--seed"):
        load_inputs(folder, Options(seed=seed))


def test_problems_of_all_files_are_told_at_once(folder: Path) -> None:
    write_lines(folder / "train.jsonl", "{")
    (folder / "heldout.jsonl").unlink()
    (folder / "reader.md").write_bytes(b"\xff")
    (folder / "kb" / "lamp.md").write_text("")
    with pytest.raises(ScenarioError) as caught:
        load_inputs(folder, Options())
    assert sorted(p.file.name for p in caught.value.problems) == [
        *("heldout.jsonl", "lamp.md", "reader.md", "train.jsonl")
    ]
