"""scenario.yaml: every mistake at once, each with its line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InputError, ScenarioError
from harness.scenario.load import find_scenario, load_scenario, read_text

from .sample import SETTINGS, change, line_of


def problems(folder: Path) -> list[tuple[int | None, str]]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(folder)
    assert caught.value.exit_code == 2
    assert {p.file for p in caught.value.problems} == {folder / "scenario.yaml"}
    return [(p.line, p.message) for p in caught.value.problems]


def only(folder: Path) -> tuple[int | None, str]:
    found = problems(folder)
    assert len(found) == 1, found
    return found[0]


def test_the_sample_is_read(folder: Path) -> None:
    scenario = load_scenario(folder)
    assert scenario.name == "small"
    assert [v.name for v in scenario.variants] == ["prompt", "rag", "tuned", "elsewhere"]
    assert scenario.economics.serving == scenario.economics.training


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("seed: 3", "sead: 3", "sead: unknown setting; did you mean 'seed'?"),
        ("  max_words", "  max_word", "style.max_word: unknown setting; did you mean 'max_words'?"),
        ("    epochs: 2", "    epoch: 2", "adapters.tuned.epoch: unknown setting; did you mean 'epochs'?"),
        ("      threshold:", "      treshold:", "did you mean 'threshold'?"),
        ("    price_per_hour", "    price_per_hours", "did you mean 'price_per_hour'?"),
        ("  - name: rag\n    system", "  - name: rag\n    sistem", "did you mean 'system'?"),
    ],
)
def test_an_unknown_setting_names_the_nearest(folder: Path, old: str, new: str, hint: str) -> None:
    line = change(folder, old, new) + new.count("\n")
    found = problems(folder)
    assert line in [at for at, message in found if hint in message]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("baseline: prompt", "baseline: promt", "no variant 'promt'; did you mean 'prompt'?"),
        ("[success,", "[succes,", "unknown metric 'succes'; did you mean 'success'?"),
        ("choice:\n", "margins: {sucess: 0.1}\nchoice:\n", "among the metrics; did you mean 'success'?"),
        ("  name: fake", "  name: fak", "unknown backend 'fak'; did you mean 'fake'?"),
        ("adapter:tuned", "adapter:tund", "no adapter 'tund' under `adapters`; did you mean 'tuned'?"),
        (
            "adapter:tuned",
            "adaptor:tuned",
            "is not base, adapter:<name>, endpoint:<name> or precomputed:<file>",
        ),
        ("adapter:tuned", '"adapter:"', "no adapter ''"),
        ("precomputed:elsewhere.jsonl", '"precomputed:"', "is not base, adapter:<name>"),
        ("adapter:tuned", "base:tuned", "is not base, adapter:<name>, endpoint:<name> or precomputed:<file>"),
        ("- name: tuned", "- name: rag", "two variants are called 'rag'"),
        ("metric: success", "metric: style", "'style', is not among the metrics"),
        ("  kb: kb\n", "", "retrieval needs a knowledge base: set data.kb"),
        ("[100, 100000]", "[100, 100]", "must be two growing positive numbers"),
        ("- don't have", "- don't (have", "not a regular expression"),
        ('source: "fake:"', "source: pipy:a==1/b", "unknown source 'pipy:a==1/b'; did you mean 'pypi'?"),
        ('source: "fake:"', "source: pypi:a/b", "is not pypi:package==version/"),
        ('source: "fake:"', "source: pypi:a==1/b", "needs `sha256`"),
        ('source: "fake:"', 'source: "fake:"\n  sha256: abc', "'abc' is not a SHA-256"),
        ("    rank: 4", "    passages: {distractors: 1}", "needs `retrieval` beside it"),
        ("cost]", "cost, success]", "'success' is listed twice"),
        ("[kind]", "[kind, kind]", "'kind' is listed twice"),
        ("  tuned:\n    epochs", "  ../up:\n    epochs", "'../up' is not a name"),
        ("utilisation: 0.5", "value_of_success: 2\n  cost_of_harm: 1", "needs metric 'harm'"),
        (
            "utilisation: 0.5",
            "people_hours_per_month: {tuned: 2, rug: 1}",
            "no variant 'rug'; did you mean 'rag'?",
        ),
        (
            "utilisation: 0.5",
            "tokens: {rag: {kind: listed, provider: openai, model: gpt-0, as_of: 2026-11-01}}",
            "has no prices of model 'gpt-0' at provider 'openai'",
        ),
    ],
)
def test_settings_that_do_not_fit_each_other(folder: Path, old: str, new: str, message: str) -> None:
    change(folder, old, new)
    assert any(message in found for _, found in problems(folder))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("seed", "-1"), ("timing_items", "0"), ("name", "Has Spaces"), ("    epochs", "many")),
        *(("    k", "0"), ("  temperature", "3"), ("  utilisation", ".nan"), ("    as_of", "yesterday")),
        *(("  batch_size", "[1]"), ("  max_words", "0")),
    ],
)
def test_a_bad_value_is_named_with_its_line_and_what_was_given(
    folder: Path, setting: str, value: str
) -> None:
    start = setting.strip() + ":"
    line = line_of(SETTINGS, start)
    lines = SETTINGS.splitlines()
    lines[line - 1] = f"{lines[line - 1].split(':')[0]}: {value}"
    (folder / "scenario.yaml").write_text("\n".join(lines), encoding="utf-8")
    found = problems(folder)
    assert line in [at for at, _ in found]
    assert all("given: " in m for _, m in found)


def test_a_value_in_a_union_is_placed_inside_it(folder: Path) -> None:
    line = change(folder, "k: 2", "k: two")
    at, message = only(folder)
    assert (at, "variants.1.context.retrieval.k" in message) == (line, True)


def test_a_doubled_key_is_an_error_at_its_second_place(folder: Path) -> None:
    line = change(folder, "seed: 3\n", "seed: 3\nseed: 4\n") + 1
    assert only(folder) == (line, "'seed': the key occurs twice")


def test_a_doubled_key_inside_a_list_is_found(folder: Path) -> None:
    line = (
        change(folder, "    weights: adapter:tuned\n", "    weights: base\n    weights: adapter:tuned\n") + 1
    )
    assert only(folder) == (line, "'weights': the key occurs twice")


def test_all_problems_come_at_once_in_order_of_lines(folder: Path) -> None:
    change(folder, "seed: 3", "seed: many")
    change(folder, "temperature", "temprature")
    change(folder, "monthly_requests: 1000", "monthly_requests: 0")
    change(folder, "baseline: prompt\n", "")
    found = problems(folder)
    assert len(found) == 4
    assert [at for at, _ in found] == sorted(at or 0 for at, _ in found)
    assert any("baseline: this setting is required" in m for _, m in found)


def test_all_problems_between_settings_come_at_once(folder: Path) -> None:
    change(folder, "baseline: prompt", "baseline: none")
    change(folder, "train: train.jsonl", "train: ../train.jsonl")
    change(folder, "adapter:tuned", "adapter:x")
    assert len(problems(folder)) == 3


@pytest.mark.parametrize(
    "name", ["../x.md", "/etc/passwd", "a/../../x", '""', '" "', '"a\\0b"', '"a\\nb"', ".."]
)
@pytest.mark.parametrize(
    "setting", ["train: train.jsonl", "  kb: kb", "\nsystem: system.md", "    system: reader.md"]
)
def test_a_file_must_lie_in_the_folder(folder: Path, setting: str, name: str) -> None:
    line = change(folder, setting, f"{setting.split(':')[0]}: {name}") + setting.count("\n")
    at, message = only(folder)
    assert at == line
    assert message.endswith("must be a file in the scenario's folder, such as data/train.jsonl")


def test_precomputed_answers_must_lie_in_the_folder(folder: Path) -> None:
    line = change(folder, "precomputed:elsewhere.jsonl", "precomputed:../elsewhere.jsonl")
    assert only(folder)[0] == line


def test_a_link_out_of_the_folder_is_refused(folder: Path) -> None:
    outside = folder.parent / "secret.md"
    outside.write_text("secret\n")
    (folder / "system.md").unlink()
    (folder / "system.md").symlink_to(outside)
    assert only(folder) == (
        line_of(SETTINGS, "system:"),
        f"'system.md' is a link to {outside}, outside the scenario's folder",
    )


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / "system.md").unlink()
    (folder / "system.md").symlink_to("reader.md")
    assert load_scenario(folder).system == "system.md"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("name: a\n\tseed: 1\n", 2, "not valid YAML"),
        ("name: a\nseed: [1\n", 3, "not valid YAML"),
        ("name: a\nseed: *who\n", 2, "undefined alias"),
        ("name: a\nseed: !!python/object:os.system x\n", 2, "could not determine a constructor"),
        ("name: a\nseed: !!int x\n", 2, "not a valid int"),
        ("name: a\nas_of: 2026-13-45\n", 2, "not a valid timestamp"),
        ("name: a\n--- \nname: b\n", 2, "expected a single document in the stream but found another"),
        ("name: a\nseed: \x07\n", 2, "character 7 is not allowed"),
        ("- name: a\n", 1, "must be a mapping"),
        ("just words\n", 1, "must be a mapping"),
        ("name: a\nseed: " + "[" * 60 + "]" * 60, 2, "nested too deeply"),
        ("a: &a [x]\nb: &b [*b]\n", 2, "expand without bound"),
        ("a: " + "9" * 5000, 1, "not a valid int"),
    ],
)
def test_broken_yaml_is_placed(folder: Path, text: str, line: int, message: str) -> None:
    (folder / "scenario.yaml").write_text(text, encoding="utf-8")
    at, found = only(folder)
    assert at == line
    assert message in found


def test_an_anchor_bomb_is_refused_at_once(folder: Path) -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    (folder / "scenario.yaml").write_text("\n".join(lines), encoding="utf-8")
    assert "expand without bound" in only(folder)[1]


def test_a_number_too_long_to_print_is_only_an_error(folder: Path) -> None:
    line = change(folder, "seed: 3", "seed: 0x" + "f" * 5000)
    assert only(folder)[0] == line


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_an_empty_file_names_what_is_required(folder: Path, text: str) -> None:
    (folder / "scenario.yaml").write_text(text, encoding="utf-8")
    found = problems(folder)
    required = {"name", "model", "embedder", "data", "variants", "baseline", "metrics", "economics"}
    assert {m.partition(":")[0] for _, m in found} == required


def test_byte_order_mark_and_windows_lines_are_read(folder: Path) -> None:
    before = load_scenario(folder)
    data = b"\xef\xbb\xbf" + SETTINGS.replace("\n", "\r\n").encode()
    (folder / "scenario.yaml").write_bytes(data)
    assert load_scenario(folder) == before
    (folder / "scenario.yaml").write_bytes(data.replace(b"seed: 3", b"seed: x"))
    assert only(folder)[0] == line_of(SETTINGS, "seed:")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_an_error(folder: Path, encoding: str) -> None:
    text = SETTINGS.replace("a shop", "ein Café")
    (folder / "scenario.yaml").write_bytes(text.encode(encoding))
    at, message = only(folder)
    assert at == (line_of(SETTINGS, "description:") if encoding == "latin-1" else 1)
    assert message == "not UTF-8 text; save the file as UTF-8"


def test_a_folder_in_place_of_a_file_is_an_error(folder: Path) -> None:
    with pytest.raises(ScenarioError, match="kb: is not a file"):
        read_text(folder / "kb")


def test_a_pipe_in_place_of_a_file_does_not_hang(folder: Path) -> None:
    import os

    os.mkfifo(folder / "pipe")
    with pytest.raises(ScenarioError, match="pipe: is not a file"):
        read_text(folder / "pipe")


def test_a_scenario_is_found_by_name_and_by_path(tmp_path: Path) -> None:
    from .sample import write_sample

    made = write_sample(tmp_path / "scenarios" / "small")
    assert find_scenario("small", tmp_path) == made
    assert find_scenario(str(made), tmp_path / "elsewhere") == made
    with pytest.raises(InputError, match=r"no scenario 'smal' .* did you mean 'small'\?"):
        find_scenario("smal", tmp_path)


@pytest.mark.parametrize("name", ["x", "", "a" * 5000, "/nowhere", "../.."])
def test_an_unknown_scenario_without_a_scenarios_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="`harness init` makes one"):
        find_scenario(name, tmp_path)
