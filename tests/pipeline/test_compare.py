"""The whole flow on the fake backend: files, resuming, what is asked again after a change, options."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.small_scenario import VARIANTS

from harness.errors import HarnessError, InputError, ScenarioError
from harness.pipeline import compare
from harness.runs import newest_run, read_run
from harness.scenario.inputs import Options
from harness.store import RunFolder

from .runs import Asked, Quiet, change, command, contents, environment, finish, run

pytestmark = pytest.mark.slow

NAMES = tuple(str(v["name"]) for v in VARIANTS)
ASKING = len(NAMES) - 1
"""Variants that ask the backend: all but the precomputed one."""


def test_every_file_of_a_run_appears(folder: Path) -> None:
    found = set(contents(run(folder).folder.path))
    expected = {f"{part}/{n}.jsonl" for part in ("answers", "scores") for n in NAMES}
    expected |= {"training/tuned.json", "scenario.json", "items.jsonl", "passages.jsonl", "leaks.json"}
    expected |= {"comparison.json", "manifest.json", "report.html", ".lock"}
    assert expected <= found
    assert {f.partition("/")[0] for f in found - expected} == {"csv"}
    assert not [f for f in found if f.endswith(".part")]


def test_a_run_read_from_its_files_is_the_run(folder: Path) -> None:
    made = run(folder)
    read = read_run(made.folder.path)
    assert (read.comparison, read.scenario, read.manifest) == (made.comparison, made.scenario, made.manifest)
    assert list(read.answers) == list(made.answers)
    assert list(read.scores) == list(made.scores)
    assert len(read.answers) == len(NAMES) * (12 + 3)
    assert set(read.trainings) == {"tuned"}
    shown = {h.passage for a in read.answers for h in a.retrieved}
    assert shown == set(read.passages) != set()


def test_every_variant_is_asked_every_item_and_timed_on_the_same_ones(folder: Path) -> None:
    answers = run(folder).answers
    for name in NAMES:
        quality = {a.item for a in answers if a.variant == name and a.phase == "quality"}
        assert quality == {f"held-{i}" for i in range(12)}
    timed = {n: {a.item for a in answers if a.variant == n and a.phase == "timing"} for n in NAMES}
    assert len(timed["prompt"]) == 3
    assert len({frozenset(t) for t in timed.values()}) == 1


def test_a_second_run_asks_nothing_and_changes_no_byte(folder: Path, asked: Asked) -> None:
    first = run(folder)
    before = contents(first.folder.path)
    asked.clear()
    quiet = Quiet()
    again = compare(folder, Options(run_dir=first.folder.path), quiet)
    assert contents(first.folder.path) == before
    assert (asked.quality, asked.timing) == ([], [])
    assert quiet.notes == ["nothing changed since the last run"]
    assert again.comparison == first.comparison


def test_a_second_run_loads_no_torch_and_no_engine(folder: Path, own_cache: Path, tmp_path: Path) -> None:
    finish(folder, tmp_path / "runs" / "one", own_cache)
    tail = command(folder, tmp_path / "runs" / "one")[1:]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *tail],
        env=environment(own_cache),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "harness" in loaded
    heavy = {"torch", "transformers", "peft", "faiss", "sentence_transformers", "evaluate", "pandas"}
    assert loaded & heavy == set()


def test_another_folder_gives_the_same_comparison(folder: Path, tmp_path: Path) -> None:
    one, two = run(folder, tmp_path / "a" / "one"), run(folder, tmp_path / "b" / "two", fresh=True)
    files = [r.folder.path / "comparison.json" for r in (one, two)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_changed_prompt_asks_its_variant_again_and_no_other(folder: Path, asked: Asked) -> None:
    before = run(folder)
    asked.clear()
    (folder / "reader.md").write_text("Read, then answer.\n")
    after = run(folder)
    assert [r.item for r in asked.quality] == [f"held-{i}" for i in range(12)]
    assert len(asked.timing) == 3
    assert {r.messages[0].content for r in (*asked.quality, *asked.timing)} == {"Read, then answer."}
    assert after.comparison != before.comparison
    for name in set(NAMES) - {"rag"}:
        assert [a for a in after.answers if a.variant == name] == [
            a for a in before.answers if a.variant == name
        ]


def test_a_change_taken_back_finds_its_answers_again(folder: Path, asked: Asked) -> None:
    """The journal then holds lines of both settings; run and report use those of the present one."""
    first = run(folder)
    text = (folder / "reader.md").read_text()
    (folder / "reader.md").write_text("Read, then answer.\n")
    run(folder)
    (folder / "reader.md").write_text(text)
    asked.clear()
    back = run(folder)
    assert asked.quality == []
    assert list(back.answers) == list(first.answers)
    assert back.comparison == first.comparison
    assert read_run(back.folder.path).answers == first.answers


def test_a_changed_price_asks_nothing_and_changes_the_costs(folder: Path, asked: Asked) -> None:
    before = run(folder)
    asked.clear()
    change(folder, lambda s: s["economics"]["serving"].update(price_per_hour=0.2))
    after = run(folder)
    assert (asked.quality, asked.timing) == ([], [])
    old, new = (r.comparison.costs[0].serving_per_1000.value for r in (before, after))
    assert old is not None
    assert new == pytest.approx(2 * old, rel=1e-4)


def test_a_new_variant_asks_for_itself_alone(folder: Path, asked: Asked) -> None:
    run(folder)
    asked.clear()
    change(folder, lambda s: s["variants"].append({"name": "brief", "system": "reader.md"}))
    after = run(folder)
    assert {r.messages[0].content for r in asked.quality} == {"Answer from the passages."}
    assert len(asked.quality) == 12
    assert "brief" in after.comparison.variants


def test_a_run_beside_it_reuses_answers_but_measures_its_own_times(folder: Path, asked: Asked) -> None:
    first = run(folder, folder.parent / "runs" / "one")
    asked.clear()
    second = run(folder, folder.parent / "runs" / "two")
    assert asked.quality == []
    assert len(asked.timing) == 3 * ASKING
    assert second.comparison == first.comparison


def test_fresh_asks_and_trains_again_and_leaves_the_cache_alone(
    folder: Path, asked: Asked, own_cache: Path
) -> None:
    run(folder)
    before = contents(own_cache)
    asked.clear()
    quiet = Quiet()
    compare(folder, Options(run_dir=folder.parent / "runs" / "one", fresh=True), quiet)
    assert len(asked.quality) == 12 * ASKING
    assert "training tuned" in quiet.stages
    assert contents(own_cache) == before


def test_an_adapter_is_trained_once_for_all_its_variants_and_runs(folder: Path) -> None:
    quiet = Quiet()
    compare(folder, Options(run_dir=folder.parent / "runs" / "one"), quiet)
    compare(folder, Options(run_dir=folder.parent / "runs" / "two"), quiet)
    assert quiet.stages.count("training tuned") == 1


# --- failures -----------------------------------------------------------------------------------


def test_a_question_that_does_not_fit_is_a_counted_failure(folder: Path) -> None:
    lines = (folder / "heldout.jsonl").read_text().splitlines()
    long = json.loads(lines[0])
    long["messages"][0]["content"] = "word " * 5000
    (folder / "heldout.jsonl").write_text("\n".join([json.dumps(long), *lines[1:]]) + "\n")
    found = run(folder)
    for name in ("prompt", "rag", "tuned"):
        [failed] = [a for a in found.answers if (a.variant, a.item, a.phase) == (name, "held-0", "quality")]
        assert failed.text is None
        assert failed.error is not None
        assert "the model's context 4096" in failed.error
        assert failed.attempts == 2
        [estimate] = [
            e.estimate
            for e in found.comparison.estimates
            if (e.variant, e.metric, e.slice) == (name, "success", "all")
        ]
        assert (estimate.n, estimate.n_missing) == (11, 1)


def test_the_answer_that_a_precomputed_file_lacks_is_counted(folder: Path) -> None:
    found = run(folder)
    [estimate] = [
        e.estimate
        for e in found.comparison.estimates
        if (e.variant, e.metric, e.slice) == ("elsewhere", "success", "all")
    ]
    assert (estimate.value, estimate.n, estimate.n_missing) == (1.0, 11, 1)


def test_bad_lines_of_a_precomputed_file_stop_the_run_before_anything_is_asked(
    folder: Path, asked: Asked
) -> None:
    with (folder / "elsewhere.jsonl").open("a") as f:
        f.write("{broken\n")
    with pytest.raises(ScenarioError, match=r"elsewhere\.jsonl:12: "):
        run(folder)
    assert asked.quality == []


def test_a_damaged_journal_is_an_error_that_names_its_line(folder: Path) -> None:
    path = run(folder).folder.answers("rag").path
    lines = path.read_text().splitlines()
    lines[2] = "{}"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(HarnessError, match=r"rag\.jsonl:3: not a"):
        run(folder)


def test_a_second_run_on_the_same_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path / "runs" / "one").lock(),
        pytest.raises(HarnessError, match="another run is writing"),
    ):
        run(folder)


def test_an_unfinished_folder_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no finished run"):
        read_run(tmp_path)


# --- options ------------------------------------------------------------------------------------


def test_limit_takes_a_seeded_sample_and_marks_a_preview(folder: Path, tmp_path: Path) -> None:
    first, again = run(folder, limit=5), run(folder, tmp_path / "again" / "r", limit=5)
    assert first.comparison.n_items == len(first.items) == 5
    assert list(again.items) == list(first.items)
    assert first.comparison.preview
    assert first.manifest.preview
    other = run(folder, tmp_path / "other" / "r", limit=5, seed=99)
    assert list(other.items) != list(first.items)


@pytest.mark.parametrize("limit", [12, 100])
def test_a_limit_that_leaves_nothing_out_is_no_preview(folder: Path, limit: int) -> None:
    assert not run(folder, limit=limit).comparison.preview


def test_variants_keeps_these_and_the_baseline(folder: Path, asked: Asked) -> None:
    found = run(folder, variants=("rag",))
    assert found.comparison.variants == ("prompt", "rag")
    assert not found.comparison.preview
    assert len(asked.quality) == 24
    assert found.trainings == {}


def test_an_unknown_variant_is_an_input_error_with_the_nearest(folder: Path) -> None:
    with pytest.raises(InputError, match=r"--variants: no variant 'ragg'; did you mean 'rag'\?"):
        run(folder, variants=("ragg",))


def test_a_seed_asks_everything_again_and_is_recorded(folder: Path, asked: Asked) -> None:
    before = run(folder)
    asked.clear()
    after = run(folder, seed=8)
    assert len(asked.quality) == 12 * ASKING
    assert (before.manifest.seed, after.manifest.seed, after.comparison.seed) == (3, 8, 8)


def test_quick_is_a_preview_with_less_of_everything(folder: Path) -> None:
    full, quick = run(folder), run(folder, folder.parent / "quick" / "r", quick=True)
    assert not full.comparison.preview
    assert quick.comparison.preview
    assert quick.manifest.preview
    assert quick.comparison.n_items == 6
    assert len({a.item for a in quick.answers if a.phase == "timing"}) == 2
    assert (len(quick.trainings["tuned"].epochs), quick.trainings["tuned"].examples) == (1, 5)
    assert "preview" in (quick.folder.path / "report.html").read_text().casefold()


def test_the_default_folder_tells_previews_apart_and_the_newest_is_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no finished run"):
        newest_run("small")
    full = compare(folder, Options(), Quiet()).folder.path
    quick = compare(folder, Options(quick=True), Quiet()).folder.path
    assert full.parent == quick.parent == Path("reports/small")
    assert full.name.startswith("full-")
    assert quick.name.startswith("preview-")
    assert newest_run("small") == quick
    assert compare(folder, Options(), Quiet()).folder.path == full


def test_the_manifest_says_where_the_run_came_from(folder: Path) -> None:
    manifest = run(folder, command="harness compare small").manifest
    assert manifest.command == "harness compare small"
    assert manifest.versions["harness"]
    assert {"settings", "train", "heldout", "knowledge base", "model", "variant rag"} <= set(manifest.hashes)
    assert manifest.hardware["processor"]
