"""The run folder survives kills, refuses a second writer, and its fingerprints are the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.store import (
    Journal,
    RunFolder,
    cache_folder,
    canonical_json,
    file_hash,
    fingerprint,
    folder_hash,
    write_atomic,
)
from harness.types.data import Message
from harness.types.settings import Decoding, ModelSource

ROOT = Path(__file__).parents[1]
SAID = [Message(role="user", content=c) for c in ("one", "zwei\n\u2028 drei", "四")]


@pytest.fixture
def journal(tmp_path: Path) -> Journal[Message]:
    found = Journal(tmp_path / "new" / "said.jsonl", Message)
    for message in SAID:
        found.append(message)
    return found


def test_a_journal_gives_back_what_was_appended(journal: Journal[Message]) -> None:
    assert list(journal) == SAID
    assert list(Journal(journal.path.with_name("none.jsonl"), Message)) == []


@pytest.mark.parametrize("cut", range(1, 34, 3))
def test_a_line_that_a_kill_tore_is_dropped_and_written_again(journal: Journal[Message], cut: int) -> None:
    raw = journal.path.read_bytes()
    journal.path.write_bytes(raw[:-cut])
    assert list(journal) == SAID[:2]
    journal.append(SAID[2])
    assert journal.path.read_bytes() == raw


def test_a_journal_of_one_torn_line_is_empty(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "said.jsonl", Message)
    journal.path.write_bytes(b'{"role": "us')
    assert list(journal) == []
    assert journal.path.read_bytes() == b""


@pytest.mark.parametrize("bad", [b"", b"{}", b'{"role": "us', b"\xff\xfe", b"null", b"\x00"])
def test_any_other_bad_line_is_an_error_with_its_place(journal: Journal[Message], bad: bytes) -> None:
    lines = journal.path.read_bytes().split(b"\n")
    journal.path.write_bytes(b"\n".join([lines[0], bad, *lines[1:]]))
    with pytest.raises(HarnessError, match=r"said\.jsonl:2: not a message record.*--fresh") as error:
        list(journal)
    assert error.value.exit_code == 1


def test_replace_leaves_the_old_journal_or_the_new(journal: Journal[Message]) -> None:
    journal.replace(SAID[::-1])
    assert list(journal) == SAID[::-1]
    assert [p.name for p in journal.path.parent.iterdir()] == ["said.jsonl"]


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    file, texts = tmp_path / "file", ["a" * 300_000, "b" * 300_000]
    write_atomic(file, texts[0])
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(file.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(20):
        write_atomic(file, texts[i % 2])
    done.set()
    reader.join()
    assert seen <= set(texts)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_atomic(file, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(file, "\ud800")
    assert file.read_text() == "old"


_HOLD = """
import sys
from pathlib import Path
from harness.store import RunFolder
with RunFolder(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_ends_even_by_a_kill(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    command = [sys.executable, "-c", _HOLD, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(HarnessError, match=r"another run is writing to .*--run-dir"), run.lock():
            pass
        other.kill()
    with run.lock():
        assert run.path.is_dir()


def test_fingerprints_are_the_same_in_every_process() -> None:
    code = (
        "from harness.store import fingerprint; from harness.types.settings import Decoding, ModelSource;"
        "print(fingerprint(Decoding(), {'b': 1, 'a': [None, 'é']}, ModelSource(source='fake:')))"
    )
    ours = fingerprint(Decoding(), {"a": [None, "é"], "b": 1}, ModelSource(source="fake:"))
    for seed in ("0", "1"):
        command = [sys.executable, "-c", code]
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
        assert done.stdout.strip() == ours


def test_a_fingerprint_tells_apart_what_differs() -> None:
    different = [(), ("",), (None,), ("a", "b"), ("ab",), (["a", "b"],), (1,), ("1",), (True,), (1.5,)]
    different += [(Decoding(),), (Decoding(temperature=1.0),)]
    assert len({fingerprint(*parts) for parts in different}) == len(different)


def test_canonical_json_is_the_same_bytes_for_the_same_record() -> None:
    text = canonical_json(Decoding(temperature=0.5, max_new_tokens=3))
    assert text == '{\n  "max_new_tokens": 3,\n  "temperature": 0.5\n}\n'
    assert text == canonical_json(Decoding.model_validate_json(text))


def test_a_folder_hash_changes_with_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    file = tmp_path / "a" / "b"
    file.write_text("x")
    first = folder_hash(tmp_path)
    assert len(file_hash(file)) == 64
    file.write_text("y")
    second = folder_hash(tmp_path)
    file.rename(tmp_path / "a" / "c")
    assert len({first, second, folder_hash(tmp_path)}) == 3


def test_reading_gives_none_for_what_is_missing_or_of_another_shape(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.read("decoding.json", Decoding) is None
    for text in ("", "{", '{"unknown": 1}', "[]"):
        run.write("decoding.json", text)
        assert run.read("decoding.json", Decoding) is None
    run.write("decoding.json", Decoding(max_new_tokens=9))
    assert run.read("decoding.json", Decoding) == Decoding(max_new_tokens=9)


def test_siblings_are_the_other_runs_newest_first(tmp_path: Path) -> None:
    for i, name in enumerate(("old", "new", "mine")):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (i, i))
    (tmp_path / "latest").symlink_to("new")
    (tmp_path / "file").touch()
    assert [p.name for p in RunFolder(tmp_path / "mine").siblings()] == ["new", "old"]
    assert RunFolder(tmp_path / "no" / "where").siblings() == []


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("HARNESS_CACHE", raising=False)
    assert cache_folder() == tmp_path / "harness"
    monkeypatch.setenv("HARNESS_CACHE", "/elsewhere")
    assert cache_folder() == Path("/elsewhere")
    monkeypatch.delenv("HARNESS_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "harness"
