"""Some hundred spoilt files of a scenario: each ends `harness validate` with exit code 2 and names its place.

Every one is invalid (or, at the end, valid) by how it is made, so that the code under test is not asked which
it is. Random bytes, where neither is known beforehand, are in ``tests/cli``.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

import harness
from harness import cli

from .sample import QUESTIONS, SETTINGS, article, item, turns

pytestmark = pytest.mark.slow

Spoil = Callable[[Path], None]
SECONDS = 5.0
"""Of processor time for one file, where a tenth is usual."""
LINES = SETTINGS.splitlines()
KEYS = [n for n, line in enumerate(LINES) if re.match(r" *\w+:", line)]
"""Lines of the settings that hold a key."""
SCALARS = [n for n in KEYS if re.search(r": [^&*\[]", LINES[n])]
NUMBERS = [n for n in SCALARS if re.search(r": [\d.]+$", LINES[n])]
FILES = ["train", "dev", "heldout", "    system", "system", "precomputed"]
"""Settings that name a file, ``precomputed`` inside the weights of a variant."""
SPLITS = tuple(QUESTIONS)
BOMB = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))


@dataclass(frozen=True)
class Case:
    """A spoilt scenario."""

    name: str
    spoil: Spoil
    file: str
    """That the message must name."""
    line: int | None = None
    """That the message must name; None where it may be any or none."""


def written(file: str, data: str | bytes | None) -> Spoil:
    """Replace a file; None removes it."""

    def spoil(folder: Path) -> None:
        path = folder / file
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data.encode() if isinstance(data, str) else data)

    return spoil


def settings(name: str, lines: list[str], line: int | None = None, file: str = "scenario.yaml") -> Case:
    text = "\n".join(lines) + "\n"
    return Case(f"yaml-{name}", written("scenario.yaml", text), file, line)


def replaced(n: int, *new: str) -> list[str]:
    return [*LINES[:n], *new, *LINES[n + 1 :]]


def key(n: int) -> str:
    return LINES[n].strip().partition(":")[0]


def valued(n: int, value: str) -> list[str]:
    return replaced(n, f"{LINES[n].partition(':')[0]}: {value}")


def spoilt_keys(rng: random.Random) -> Iterator[Case]:
    for n in KEYS:
        at = LINES[n].index(key(n)) + rng.randrange(1, len(key(n)) + 1)
        # an adapter may have any name: what uses it is told; without its kind, the whole context is
        line = n + 1 if key(n) not in ("tuned", "kind") else None
        yield settings(
            f"renamed-{n + 1}-{key(n)}", replaced(n, LINES[n][:at] + rng.choice("qxz") + LINES[n][at:]), line
        )
    for n in rng.sample(SCALARS, 18):
        yield settings(f"doubled-{n + 1}-{key(n)}", replaced(n, LINES[n], LINES[n]), n + 2)
    for n in rng.sample(SCALARS, 24):
        bad = rng.choice(["{a: [b]}", "[[1]]", ".nan", "!!binary //8=", "{2: 3}", "-.inf"])
        yield settings(f"wrong-type-{n + 1}-{key(n)}", valued(n, bad), n + 1)
    required = ["name", "source", "train", "dev", "heldout", "kb", "kind", "baseline", "metrics"]
    required += ["price_per_hour", "as_of", "monthly_requests"]
    for n in (n for n in KEYS if key(n) in required and LINES[n - 1] != "backend:"):
        # without its only key a mapping is nothing, which is as wrong
        yield settings(f"dropped-{n + 1}-{key(n)}", [*LINES[:n], *LINES[n + 1 :]])


def spoilt_values(rng: random.Random) -> Iterator[Case]:
    huge = [
        "0x" + "f" * 5000,
        "9" * 5000,
        "-1",
        "1" + "0" * 400,
        ".inf",
        "1.0e+999",
        "-9e99",
        "0b" + "1" * 9000,
    ]
    for n in NUMBERS:
        value = rng.choice(huge)
        yield settings(f"number-{n + 1}-{key(n)}={value[:6]}", valued(n, value), n + 1)
    for n in rng.sample(SCALARS, 8):
        tag = rng.choice(
            ["!!python/name:os.system ''", "!x y", "!!timestamp x", "!!int 'x'", "!!omap [1]", "*none"]
        )
        yield settings(f"tag-{n + 1}-{key(n)}", valued(n, tag), n + 1)
    for n in rng.sample(SCALARS, 8):
        control = rng.choice(["\x00", "\x07", "\x1b[31m", "\x7f", "\ufffe"])
        yield settings(f"control-{n + 1}-{key(n)}", replaced(n, LINES[n] + control), n + 1)


def spoilt_paths(rng: random.Random) -> Iterator[Case]:
    outside = [
        "../small/train.jsonl",
        "/etc/passwd",
        "a/../../b",
        '""',
        '" "',
        '"a\\0b"',
        '"\\e[31m"',
        "..",
        "kb/..",
    ]
    named = [
        n
        for n in SCALARS
        if key(n) in ("train", "dev", "heldout", "kb", "system") or "precomputed:" in LINES[n]
    ]
    for n in named:
        kind = "precomputed:" if "precomputed:" in LINES[n] else ""
        for name in rng.sample(outside, 2):
            value = f'"{kind}{name[1:]}' if name.startswith('"') else f"{kind}{name}"
            yield settings(f"outside-{n + 1}-{key(n)}={name}", valued(n, value), n + 1)
        for name in ("none", "x" * 300, "system.md" if key(n) == "kb" else "kb"):
            yield settings(f"nowhere-{n + 1}-{key(n)}={name[:9]}", valued(n, kind + name), file=name)


def spoilt_yaml(rng: random.Random) -> Iterator[Case]:
    end = len(LINES) + 1
    for n in rng.sample(KEYS, 10):
        tabbed = replaced(n, "\t" + LINES[n].lstrip())
        yield settings(f"tab-{n + 1}", tabbed, n + 1)
    for n in rng.sample(KEYS, 6):
        yield settings(f"bracket-{n + 1}", valued(n, rng.choice(["[", "{", "{a: [}", "'", '"'])))
    for depth in (51, 1000, 100_000):
        yield settings(f"deep-{depth}", [*LINES, "more: " + "[" * depth], end)
        yield settings(f"deep-closed-{depth}", [*LINES, "more: " + "[" * depth + "]" * depth], end)
    yield settings("deep-block", [*LINES, *(f"{' ' * i}a:" for i in range(300))])
    for name, text in {
        "bomb": f"a0: &a0 [lol, lol]\n{BOMB}",
        "bomb-of-mappings": "a0: &a0 {b: 1}\n" + BOMB.replace("[", "{x: [").replace("]", "]}"),
        "inside-itself": "a: &a [*a]",
        "merged-with-itself": "a: &a {<<: *a}",
        "unknown-alias": "a: *b",
        "second-document": "---\na: 1",
        "list-as-key": "? [a]\n: b",
        "directive": "%TAG",
    }.items():
        yield settings(name, [*LINES, text])
    whole = SETTINGS.encode()
    last = whole.index(b"  monthly_requests")
    for at in sorted(rng.sample(range(1, last), 15)):
        yield Case(f"yaml-cut-at-{at}", written("scenario.yaml", whole[:at]), "scenario.yaml")
    for at in sorted(rng.sample(range(len(whole)), 10)):
        bad = whole[:at] + rng.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x80"]) + whole[at:]
        line = whole[:at].count(b"\n") + 1
        yield Case(f"yaml-not-utf8-at-{at}", written("scenario.yaml", bad), "scenario.yaml", line)
    for name, text in {
        "empty": "",
        "list": "- a\n",
        "words": "words\n",
        "null": "~\n",
        "comment": "# a\n",
    }.items():
        yield Case(f"yaml-{name}", written("scenario.yaml", text), "scenario.yaml", 1)
    yield Case("yaml-utf16", written("scenario.yaml", SETTINGS.encode("utf-16")), "scenario.yaml", 1)
    yield Case("yaml-none", written("scenario.yaml", None), "scenario.yaml")
    yield Case("yaml-folder", lambda folder: as_folder(folder / "scenario.yaml"), "scenario.yaml")


def as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def as_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def as_link(file: Path) -> None:
    (file.parents[1] / "outside").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(file.parents[1] / "outside")


def as_own_link(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.name)


def spoilt_places() -> Iterator[Case]:
    """Something else where a file is meant."""
    for file in ("train.jsonl", "dev.jsonl", "heldout.jsonl", "system.md", "reader.md", "elsewhere.jsonl"):
        yield Case(f"none-{file}", written(file, None), file)
        for how in (as_folder, as_pipe, as_link, as_own_link):
            yield Case(f"{how.__name__}-{file}", lambda folder, f=file, h=how: h(folder / f), file)  # type: ignore[misc]
    for file in ("kb/lamp.md", "kb/chair.md"):
        for how in (as_folder, as_pipe):
            yield Case(f"{how.__name__}-{file}", lambda folder, f=file, h=how: h(folder / f), file)  # type: ignore[misc]
    for file in ("system.md", "reader.md"):
        for name, data in {
            "empty": b"",
            "blank": b" \n\t",
            "not-utf8": b"ok\n\xe9\n",
            "mark": b"\xef\xbb\xbf",
        }.items():
            yield Case(f"{name}-{file}", written(file, data), file, 2 if name == "not-utf8" else None)


def spoilt_items(rng: random.Random) -> Iterator[Case]:
    fields: dict[str, dict[str, Any]] = {
        "wrong-role": {"messages": [{"role": "tool", "content": "x"}, *turns("new", "a")]},
        "role-is-a-list": {"messages": [{"role": ["user"], "content": "x"}, *turns("new", "a")]},
        "roles-swapped": {"messages": turns("new", "a")[::-1]},
        "late-system": {"messages": [*turns("new"), {"role": "system", "content": "s"}, turns("", "a")[1]]},
        "no-answer": {"messages": turns("new", "a", "b")},
        "empty-message": {"messages": turns("new", "")},
        "blank-message": {"messages": turns(" \n", "a")},
        "content-is-a-list": {
            "messages": [{"role": "user", "content": [{"type": "text"}]}, *turns("", "a")[1:]]
        },
        "extra-in-message": {
            "messages": [{"role": "user", "content": "q", "name": "x"}, *turns("", "a")[1:]]
        },
        "half-a-pair": {"messages": turns("new \ud800", "a")},
        "messages-is-text": {"messages": "hello"},
        "no-messages": {"messages": None},
        "prompt-is-a-list": {"messages": None, "prompt": ["q"], "completion": "a"},
        "blank-completion": {"messages": None, "prompt": "q", "completion": " "},
        "both-forms": {"prompt": "q", "completion": "a"},
        "unknown": {"referenses": ["a"]},
        "long-id": {"id": "x" * 201},
        "number-as-id": {"id": 10**400},
        "abstain-is-text": {"abstain": "sometimes"},
        "abstain-with-facts": {"abstain": True},
        "empty-reference": {"references": ["a", "\u00a0"]},
        "reference-is-null": {"references": [None]},
        "empty-fact": {"facts": {"required": [[]]}},
        "blank-fact": {"facts": {"required": [["a", " "]]}},
        "fact-is-text": {"facts": {"required": ["10 euros"]}},
        "blank-claim": {"facts": {"required": [["a"]], "forbidden": [""]}},
        "unknown-fact": {"facts": {"needed": []}},
        "source-is-elsewhere": {"sources": ["../lamp"]},
        "source-is-text": {"sources": "lamp"},
        "slice-is-a-number": {"slices": {"kind": 1}},
        "same-id": {"id": "train-0", "messages": turns("a new question", "a")},
        "same-question": {"id": "new", "messages": turns("What does a lamp COST?", "a")},
    }
    for name, changes in fields.items():
        split = rng.choice(SPLITS)
        made = item(split, rng.randrange(3), **{"id": "new", "messages": turns("new", "a"), **changes})
        yield from placed(f"item-{name}", split, json.dumps(made), rng)
    yield from placed("item-nothing-to-score", "heldout", '{"prompt": "q", "completion": "a"}', rng)
    long = json.dumps({"prompt": "word " * 2000, "completion": "a"})
    yield from placed("item-too-long", "train", long, rng)
    good = json.dumps(item("train", 0, id="new", messages=turns("new", "a")))
    texts = {
        "list": "[]",
        "null": "null",
        "text": '"x"',
        "nan": '{"id": NaN}',
        "infinity": '{"abstain": -Infinity}',
        "single-quotes": "{'id': 'x'}",
        "comma": good[:-1] + ",}",
        "two": good + good,
        "comment": "// " + good,
        "deep": "[" * 100_000,
        "deep-closed": '{"id": ' + "[" * 90_000 + "]" * 90_000 + "}",
        "deep-slices": good[:-1].replace('"known"', '{"a":' * 900 + "1" + "}" * 900) + "}",
        "digits": good.replace('"new"', "9" * 5000, 1),
        "doubled-key": good[:-1] + ', "id": "other"}',
        "doubled-inner-key": good.replace('{"role"', '{"role": "user", "role"', 1),
        "raw-control": good.replace("new", "n\x00w"),
        "raw-tab": good.replace("new", "n\tw"),
        "mark-inside": "\ufeff" + good,
        "lone-quote": '"',
    }
    for name, text in texts.items():
        yield from placed(f"line-{name}", rng.choice(SPLITS), text, rng)
    for at in sorted(rng.sample(range(1, len(good) - 1), 12)):
        yield from placed(f"line-cut-at-{at}", rng.choice(SPLITS), good[:at], rng)
    for at in sorted(rng.sample(range(1, len(good) - 1), 8)):
        bad = good[:at].encode() + rng.choice([b"\xff", b"\xe9", b"\xf5\x80"]) + good[at:].encode()
        yield from placed(f"line-not-utf8-at-{at}", rng.choice(SPLITS), bad, rng)
    for split in SPLITS:
        for name, data in {
            "empty": b"",
            "blank": b"\n \r\n",
            "zeros": b"\0" * 10,
            "utf16": good.encode("utf-16"),
        }.items():
            yield Case(f"{split}-{name}", written(f"{split}.jsonl", data), f"{split}.jsonl")


def placed(name: str, split: str, line: str | bytes, rng: random.Random) -> Iterator[Case]:
    """A bad line somewhere after the good ones of a split."""
    blank = rng.randrange(3)
    good = "".join(json.dumps(item(split, i)) + "\n" for i in range(3)) + "\n" * blank
    data = (
        good.encode() + (line.encode() if isinstance(line, str) else line) + rng.choice([b"", b"\n", b"\r\n"])
    )
    at = 4 + blank
    yield Case(f"{name}-{split}", written(f"{split}.jsonl", data), f"{split}.jsonl", at)


def spoilt_articles(rng: random.Random) -> Iterator[Case]:
    heads = {
        "unknown": "titel: x",
        "no-date": "updated: soon",
        "no-such-day": "updated: 2026-02-30",
        "list": "- a",
        "bracket": "region: [",
        "tab": "\tregion: eu",
        "doubled": "title: x\ntitle: y",
        "deep": "region: " + "[" * 5000,
        "bomb": "a0: &a0 [x, x]\n" + BOMB,
        "inside-itself": "region: &x [*x]",
        "tag": "region: !!python/name:os.system ''",
        "control": "region: \x01",
        "number": "region: 0x" + "f" * 5000,
        "null-title": "supersedes: {a: 1}",
        "supersedes-none": "supersedes: no-such",
        "number-as-key": "1: 2",
    }
    for name, head in heads.items():
        file = f"kb/{rng.choice(['lamp', 'chair', 'table'])}.md"
        line = {"doubled": 3}.get(name, None if name in ("bracket", "bomb", "supersedes-none") else 2)
        yield Case(f"head-{name}", written(file, f"---\n{head}\n---\nwords\n"), file, line)
    whole = article(0)
    yield Case("head-not-closed", written("kb/lamp.md", whole.replace("\n---\n", "\n")), "kb/lamp.md", 1)
    yield Case("article-empty", written("kb/lamp.md", ""), "kb/lamp.md")
    yield Case("article-only-head", written("kb/lamp.md", whole[: whole.index("A lamp")]), "kb/lamp.md")
    for at in rng.sample(range(len(whole)), 4):
        data = whole[:at].encode() + b"\xe9" + whole[at:].encode()
        yield Case(
            f"article-not-utf8-at-{at}", written("kb/lamp.md", data), "kb/lamp.md", whole[:at].count("\n") + 1
        )


def spoilt_answers(rng: random.Random) -> Iterator[Case]:
    good = {"id": "heldout-2", "text": "12 euros"}
    lines: dict[str, Any] = {
        "cut": json.dumps(good)[:-5],
        "list": "[]",
        "null": "null",
        "words": "words",
        "deep": "[" * 100_000,
        "nan": '{"id": "heldout-2", "text": "x", "total_s": NaN}',
        "infinite": '{"id": "heldout-2", "text": "x", "total_s": 1e999}',
        "control": '{"id": "heldout-2", "text": "a\x01"}',
        "half-a-pair": '{"id": "heldout-2", "text": "\\ud800"}',
        "not-utf8": b'{"id": "heldout-2", "text": "\xe9"}',
        "again": {"id": "heldout-1", "text": "again"},
        "nothing": {"id": "heldout-2"},
        "no-id": {"text": "x"},
        "number-as-id": {"id": 2, "text": "x"},
        "unknown": good | {"cost": 1},
        "negative": good | {"total_s": -1},
        "text-as-time": good | {"first_token_s": "soon"},
        "broken-tokens": good | {"output_tokens": 1.5},
    }
    head = "".join(json.dumps({"id": f"heldout-{i}", "text": "x"}) + "\n" for i in range(2))
    for name, line in lines.items():
        blank = rng.randrange(3)
        text = json.dumps(line) if isinstance(line, dict) else line
        raw = text.encode() if isinstance(text, str) else text
        data = head.encode() + b"\n" * blank + raw + b"\n"
        yield Case(f"answer-{name}", written("elsewhere.jsonl", data), "elsewhere.jsonl", 3 + blank)
    for name, text in {"empty": "", "blank": "\n\n"}.items():
        yield Case(f"answers-{name}", written("elsewhere.jsonl", text), "elsewhere.jsonl")


def all_cases() -> list[Case]:
    rng = random.Random(20261124)
    cases = [*spoilt_keys(rng), *spoilt_values(rng), *spoilt_paths(rng), *spoilt_yaml(rng), *spoilt_places()]
    return [*cases, *spoilt_items(rng), *spoilt_articles(rng), *spoilt_answers(rng)]


INVALID = all_cases()


def reshuffled(folder: Path) -> None:
    """Top-level settings in another order."""
    blocks = re.split(r"(?m)^(?=\w)", SETTINGS)[1:]
    anchor = [b for b in blocks if "&" in b or "*" in b]
    (folder / "scenario.yaml").write_text("".join([*anchor, *(b for b in blocks[::-1] if b not in anchor)]))


def everywhere(change: Callable[[bytes], bytes]) -> Spoil:
    def spoil(folder: Path) -> None:
        for file in folder.rglob("*.*"):
            file.write_bytes(change(file.read_bytes()))

    return spoil


def appended(file: str, text: str) -> Spoil:
    return lambda folder: (folder / file).write_text((folder / file).read_text() + text)  # type: ignore[func-returns-value]


VALID: dict[str, Spoil] = {
    "as it is": lambda folder: None,
    "windows line ends": everywhere(lambda data: data.replace(b"\n", b"\r\n")),
    "byte order marks": everywhere(lambda data: b"\xef\xbb\xbf" + data),
    "no last newline": everywhere(lambda data: data.rstrip(b"\n")),
    "other order": reshuffled,
    "comments": appended("scenario.yaml", "# é 日本\n\n...\n"),
    "JSON is YAML": appended("scenario.yaml", '"description2": 0\n'.replace('"description2": 0', "# {}")),
    "blank lines": appended("train.jsonl", "\n \n\t\n"),
    "prompt and completion": appended("train.jsonl", '{"prompt": "q", "completion": "a"}\n'),
    "tabs between tokens": appended("train.jsonl", '{\t"prompt" :\t"q", "completion":"a" }\t\n'),
    "escapes": appended("train.jsonl", '{"prompt": "\\ud83d\\ude42 \\u0000", "completion": "x\\u2028y"}'),
    "another article": written("kb/new.md", "# New\nwords\n"),
    "an empty head": written("kb/new.md", "---\n---\nwords\n"),
    "files of others": written("kb/image.png", b"\x89PNG\xff"),
    "some answers missing": written("elsewhere.jsonl", '{"id": "heldout-0", "text": ""}\n'),
    "a link inside": lambda folder: (folder / "kb" / "x.md").symlink_to("lamp.md"),
}


@dataclass(frozen=True)
class Said:
    code: object
    text: str
    seconds: float


Run = Callable[..., Said]
COMMAND = typer.main.get_command(cli.app)
"""Made once: making it takes longer than a check of the sample."""


@pytest.fixture
def run(own_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``harness ...`` in this process; an exception other than its exit fails the test."""
    monkeypatch.setattr(cli, "app", COMMAND)
    for name in ("HF_HUB_DISABLE_TELEMETRY", "TOKENIZERS_PARALLELISM"):
        monkeypatch.setenv(name, "1")

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        start = time.process_time()
        with pytest.raises(SystemExit) as end:
            cli.main()
        seconds = time.process_time() - start
        return Said(end.value.code, "".join(capsys.readouterr()), seconds)

    return call


def assert_told(case: Case, folder: Path, text: str) -> None:
    place = f"{folder / case.file}:{case.line}:" if case.line else case.file
    assert place in text, text[:2000]
    assert "Traceback" not in text
    assert len(text) < 20_000, "the message repeats what it was given"
    assert all(c.isprintable() or c == "\n" for c in text), "control characters reach the terminal"


def test_enough_of_them_differ() -> None:
    assert len({c.name for c in INVALID}) == len(INVALID)
    assert len(INVALID) >= 200


@pytest.mark.parametrize("case", INVALID, ids=lambda c: c.name)
def test_a_spoilt_file_is_told_with_its_place(case: Case, folder: Path, run: Run) -> None:
    case.spoil(folder)
    said = run("validate", str(folder))
    assert said.code == 2, said.text[:2000]
    assert_told(case, folder, said.text)
    assert said.seconds < SECONDS


@pytest.mark.parametrize("name", VALID)
def test_what_only_looks_odd_is_valid(name: str, folder: Path, run: Run) -> None:
    VALID[name](folder)
    said = run("validate", str(folder))
    assert said.code == 0, said.text
    assert said.text.endswith("no problems\n")


HANDFUL = [
    c
    for c in INVALID
    if c.name.startswith(("yaml-bomb", "yaml-deep-block", "as_", "answer-half", "item-same-id"))
]
HANDFUL += [
    c for c in INVALID if c.name.startswith(("yaml-outside-12", "line-not-utf8", "head-deep", "none-"))
][::3]


@pytest.mark.parametrize("case", HANDFUL, ids=lambda c: c.name)
def test_a_comparison_does_not_begin(case: Case, folder: Path, run: Run) -> None:
    case.spoil(folder)
    said = run("compare", str(folder), "--run-dir", str(folder.parent / "run"))
    assert said.code == 2, said.text[:2000]
    assert_told(case, folder, said.text)
    assert "nothing was run" in said.text
    assert not (folder.parent / "run").exists()


@pytest.mark.parametrize("start", ["yaml-bomb", "yaml-deep-100000", "line-deep-closed", "as_pipe-train"])
def test_a_real_process_needs_little_memory_and_time(start: str, folder: Path, own_cache: Path) -> None:
    case = next(c for c in INVALID if c.name.startswith(start))
    case.spoil(folder)
    root = str(Path(harness.__file__).parents[1])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-m", "harness", "validate", str(folder)],
        env=os.environ | threads | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31)),
    )
    assert done.returncode == 2, done
    assert_told(case, folder, done.stdout + done.stderr)


def test_the_questions_of_the_sample_differ() -> None:
    assert len({q.format("x") for q in QUESTIONS.values()}) == len(SPLITS)
