"""Ways to spoil the files of a scenario, and a few that leave it whole."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import yaml

Change = Callable[[str, random.Random], str | bytes | None]
Kind = Literal["invalid", "valid", "either"]


@dataclass(frozen=True)
class Mutation:
    name: str
    files: tuple[str, ...]
    kind: Kind
    change: Change
    """New contents of one of ``files``; None removes it."""


MUTATIONS: list[Mutation] = []
SETTINGS = ("scenario.yaml",)
ITEMS = ("train.jsonl", "dev.jsonl", "heldout.jsonl")
HELDOUT = ("heldout.jsonl",)
ARTICLE = ("kb/lamp.md",)
PROMPTS = ("system.md", "reader.md")
EVERY = (*SETTINGS, *ITEMS, *ARTICLE, *PROMPTS)
CONTROL = [chr(c) for c in range(1, 32) if chr(c) not in "\t\n\r"]
MACHINES = ("serving", "training")


def mutation(files: tuple[str, ...], kind: Kind = "invalid") -> Callable[[Change], Change]:
    def register(change: Change) -> Change:
        MUTATIONS.append(Mutation(change.__name__.strip("_"), files, kind, change))
        return change

    return register


def insert(text: str, at: int, what: str) -> str:
    return text[:at] + what + text[at:]


# --- any text ------------------------------------------------------------------------------------


@mutation(EVERY)
def _not_utf8(text: str, rng: random.Random) -> bytes:
    raw, at = text.encode(), rng.randrange(len(text))
    return raw[:at] + rng.choice([b"\xff", b"\xc0", b"\xe9 ", b"\x80"]) + raw[at:]


@mutation(EVERY)
def _empty(text: str, rng: random.Random) -> str:
    return rng.choice(["", "\n", " \n\n", "\ufeff"])


@mutation((*ITEMS, *PROMPTS, "scenario.yaml"))
def _removed(text: str, rng: random.Random) -> None:
    return None


@mutation(EVERY, "valid")
def _byte_order_mark(text: str, rng: random.Random) -> str:
    return "\ufeff" + text


@mutation(EVERY, "valid")
def _windows_line_ends(text: str, rng: random.Random) -> str:
    return text.replace("\n", "\r\n")


@mutation((*SETTINGS, *ITEMS), "either")
def _truncated(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text))]


@mutation((*SETTINGS, *ITEMS, *ARTICLE), "either")
def _punctuation(text: str, rng: random.Random) -> str:
    return insert(text, rng.randrange(len(text)), rng.choice("{}[]:,&*#?|-<>=!%@\"'`\t\\"))


@mutation((*SETTINGS, *ITEMS, *ARTICLE), "either")
def _flipped_bits(text: str, rng: random.Random) -> bytes:
    raw = bytearray(text.encode())
    for _ in range(3):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(raw)


@mutation((*SETTINGS, *ITEMS, *ARTICLE), "either")
def _line_deleted(text: str, rng: random.Random) -> str:
    lines = text.splitlines()
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines) + "\n"


# --- scenario.yaml -------------------------------------------------------------------------------


def settings(kind: Kind = "invalid") -> Callable[[Callable[[Any, random.Random], None]], None]:
    """Register a change of the parsed settings."""

    def register(edit: Callable[[Any, random.Random], None]) -> None:
        def change(text: str, rng: random.Random) -> str:
            data = yaml.safe_load(text)
            edit(data, rng)
            return yaml.safe_dump(data, sort_keys=False)

        change.__name__ = edit.__name__
        mutation(SETTINGS, kind)(change)

    return register


def leaves(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every (mapping or list, key) that holds a scalar."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if isinstance(value, dict | list):
            yield from leaves(value)
        else:
            yield data, key


def number(data: Any, rng: random.Random) -> tuple[Any, Any]:
    return rng.choice([(d, k) for d, k in leaves(data) if type(d[k]) in (int, float)])


@settings()
def _required_setting_dropped(data: Any, rng: random.Random) -> None:
    top = ["name", "model", "embedder", "data", "variants", "baseline", "metrics", "economics"]
    machine = data["economics"][rng.choice(MACHINES)]
    variant = rng.choice([v["context"] for v in data["variants"] if "context" in v])
    owner, keys = rng.choice(
        [(data, top), (machine, list(machine)), (variant, ["kind"]), (data["data"], ["train", "dev"])]
    )
    del owner[rng.choice(keys)]


@settings()
def _setting_renamed(data: Any, rng: random.Random) -> None:
    parts = [data, data["backend"], data["economics"], data["quick"], data["adapters"]["tuned"]]
    owner = rng.choice([*parts, *data["variants"]])
    key = rng.choice(list(owner))
    owner[insert(key, rng.randrange(len(key)), rng.choice("xyz"))] = owner.pop(key)


@settings()
def _setting_added(data: Any, rng: random.Random) -> None:
    owner = rng.choice([data, data["data"], data["style"], rng.choice(data["variants"])])
    owner[rng.choice(["extra", "\x1b[2J", "a\nb", "é" * 300])] = rng.choice([1, "x" * 10_000, [1], {}])


@settings()
def _scalar_became_mapping(data: Any, rng: random.Random) -> None:
    owner, key = rng.choice(list(leaves(data)))
    owner[key] = {"a": [1]}


@settings()
def _number_not_finite(data: Any, rng: random.Random) -> None:
    owner, key = number(data, rng)
    owner[key] = rng.choice([float("nan"), float("inf"), -float("inf")])


@settings()
def _number_is_text(data: Any, rng: random.Random) -> None:
    owner, key = number(data, rng)
    owner[key] = rng.choice(["many", "1,000", "", "0x", "١٢x"])


@settings("either")
def _number_huge(data: Any, rng: random.Random) -> None:
    owner, key = number(data, rng)
    owner[key] = rng.choice([10**40, -(10**40), 10**400, 2**63, -1, 0])


@settings("either")
def _value_nulled(data: Any, rng: random.Random) -> None:
    owner, key = rng.choice(list(leaves(data)))
    owner[key] = None


@settings()
def _name_of_nothing(data: Any, rng: random.Random) -> None:
    variant = rng.choice([v for v in data["variants"] if "weights" in v])
    choices = [(data, "baseline"), (data["backend"], "name"), (data["model"], "source"), (variant, "weights")]
    choices += [(data["metrics"], rng.randrange(len(data["metrics"])))]
    owner, key = rng.choice(choices)
    owner[key] = rng.choice(["nonsense", "base:", "\u202e", "adapter:", "pypi:", "a" * 5000])


@settings()
def _bad_variant_name(data: Any, rng: random.Random) -> None:
    bad = ["", "../x", "a/b", "A", "a b", "x" * 41, "é", "<b>", "prompt"]
    data["variants"][-1]["name"] = rng.choice(bad)


@settings()
def _path_traversal(data: Any, rng: random.Random) -> None:
    bad = [
        "../system.md",
        "/etc/passwd",
        "a/../../b",
        "",
        " ",
        "a\0b",
        "prompts/\x1b[31m",
        "../" * 40 + "etc",
    ]
    owner, key = rng.choice([(data, "system"), (data["data"], "train"), (data["data"], "kb")])
    owner[key] = rng.choice(bad)


@settings()
def _file_that_is_not_there(data: Any, rng: random.Random) -> None:
    owner, key = rng.choice([(data, "system"), (data["data"], rng.choice(list(data["data"])))])
    owner[key] = rng.choice(["none.txt", "kb/none", "x" * 5000, "~/none", "system.md/none"])


@settings()
def _bad_pattern(data: Any, rng: random.Random) -> None:
    data["style"][rng.choice(["forbidden", "required"])] = [
        rng.choice(["(", "*", "a{99999999999}", "[z-a]", "(?P<n", "(" * 3000, "\\"])
    ]


@mutation(SETTINGS)
def _key_twice(text: str, rng: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    at = rng.choice([i for i, line in enumerate(lines) if line[0].isalpha() and not line.endswith(":\n")])
    return "".join([*lines[: at + 1], lines[at], *lines[at + 1 :]])


@mutation(SETTINGS)
def _yaml_control_character(text: str, rng: random.Random) -> str:
    return insert(text, rng.randrange(len(text)), rng.choice(CONTROL))


@mutation(SETTINGS)
def _yaml_nested_deeply(text: str, rng: random.Random) -> str:
    deep = rng.choice([60, 900, 50_000])
    block = "".join(f"{' ' * i}a:\n" for i in range(200))
    flow = "[" * deep + ("]" * deep if rng.random() < 0.5 else "")
    return text + rng.choice([f"extra: {flow}\n", block])


@mutation(SETTINGS)
def _yaml_bomb(text: str, rng: random.Random) -> str:
    levels = "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, rng.randrange(5, 40))
    )
    return rng.choice(["a0: &a0 [x, x]\n" + levels, "a: &a {b: *a}\n", "a: &a [*a, *a]\n"]) + text


@mutation(SETTINGS)
def _yaml_tag(text: str, rng: random.Random) -> str:
    tags = ["!!python/object/apply:os.getcwd []", "!!timestamp x", "!!bool x", "!x y", "!!binary '*'"]
    return text.replace("seed: 3", f"seed: {rng.choice([*tags, '2026-02-30', '!!set {a, a}'])}")


@mutation(SETTINGS)
def _yaml_other_shape(text: str, rng: random.Random) -> str:
    return rng.choice(
        ["- a\n", "words\n", "1\n", "null\n", "{}\n", text + "---\n" + text, "? [a]\n: b\n", "%"]
    )


@mutation(SETTINGS, "either")
def _yaml_tab(text: str, rng: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    at = rng.choice([i for i, line in enumerate(lines) if line.startswith("  ")])
    lines[at] = "\t" + lines[at].lstrip()
    return "".join(lines)


@mutation(SETTINGS, "valid")
def _yaml_comments(text: str, rng: random.Random) -> str:
    return "# é 日本\n\n" + text.replace("\n", "  # why\n", 3) + "\n...\n"


# --- JSON lines ----------------------------------------------------------------------------------


def items(
    kind: Kind = "invalid", files: tuple[str, ...] = ITEMS
) -> Callable[[Callable[[Any, random.Random], None]], None]:
    """Register a change of one parsed line."""

    def register(edit: Callable[[Any, random.Random], None]) -> None:
        def change(text: str, rng: random.Random) -> str:
            lines = text.splitlines()
            at = rng.randrange(len(lines))
            data = json.loads(lines[at])
            edit(data, rng)
            lines[at] = json.dumps(data)
            return "\n".join(lines) + "\n"

        change.__name__ = edit.__name__
        mutation(files, kind)(change)

    return register


@items()
def _field_renamed(data: Any, rng: random.Random) -> None:
    key = rng.choice(list(data))
    data[insert(key, rng.randrange(len(key)), "q")] = data.pop(key)


@items()
def _field_of_wrong_type(data: Any, rng: random.Random) -> None:
    data[rng.choice(list(data))] = rng.choice([7, None, 1e400, [[7]], {"a": {}}])


@items()
def _wrong_role(data: Any, rng: random.Random) -> None:
    rng.choice(data["messages"])["role"] = rng.choice(["tool", "System", "", None, 3, "system"])


@items()
def _bad_message(data: Any, rng: random.Random) -> None:
    bad = ["", " \n", None, 5, ["x"], {"text": "x"}, "\ud800"]
    rng.choice(data["messages"])["content"] = rng.choice(bad)


@items()
def _messages_out_of_order(data: Any, rng: random.Random) -> None:
    m = data["messages"]
    data["messages"] = rng.choice([m[::-1], m[:1], [], m + m[:1], [*m[:1], *m], [*m[:1], {}], "hello"])


@items()
def _source_of_nowhere(data: Any, rng: random.Random) -> None:
    data["sources"] = [rng.choice(["lamps", "../lamp", "LAMP", "lamp.md", "", "\0"])]


@items()
def _empty_reference_or_fact(data: Any, rng: random.Random) -> None:
    bad = [{"required": [[]]}, {"required": [[" "]]}, {"forbidden": [""]}, {"required": "all"}]
    data |= rng.choice([{"references": [""]}, {"facts": rng.choice(bad)}])


@items()
def _id_or_slice_is_bad(data: Any, rng: random.Random) -> None:
    data |= rng.choice([{"id": "x" * 300}, {"slices": {"kind": 3}}, {"slices": ["a"]}, {"id": ["a"]}])


@items(files=HELDOUT)
def _nothing_to_score(data: Any, rng: random.Random) -> None:
    data |= rng.choice([{"facts": {}, "abstain": False}, {"facts": {"required": [["a"]]}, "abstain": True}])


@items(files=("train.jsonl",))
def _too_long_to_train_on(data: Any, rng: random.Random) -> None:
    data["messages"][rng.randrange(2)]["content"] = "words and words " * rng.randrange(300, 3000)


@items("valid")
def _fields_reordered(data: Any, rng: random.Random) -> None:
    pairs = list(data.items())
    rng.shuffle(pairs)
    data.clear()
    data.update(pairs)


@mutation(ITEMS)
def _asked_in_another_split(text: str, rng: random.Random) -> str:
    extra = {
        "prompt": rng.choice(["What does a LAMP cost?", "price of the lamp.", "how much is one lamp please"])
    }
    return text + json.dumps({**extra, "completion": "10", "abstain": True}) + "\n"


@mutation(ITEMS)
def _line_doubled(text: str, rng: random.Random) -> str:
    return text + rng.choice(text.splitlines()) + "\n"


def spoil_line(text: str, rng: random.Random, spoil: Callable[[str], str]) -> str:
    lines = text.splitlines()
    at = rng.randrange(len(lines))
    lines[at] = spoil(lines[at])
    return "\n".join(lines)


@mutation(ITEMS)
def _line_cut(text: str, rng: random.Random) -> str:
    return spoil_line(text, rng, lambda line: line[: rng.randrange(1, len(line) - 1)])


@mutation(ITEMS)
def _json_control_character(text: str, rng: random.Random) -> str:
    return spoil_line(text, rng, lambda line: insert(line, rng.randrange(len(line)), "\x01"))


@mutation(ITEMS)
def _json_is_not_json(text: str, rng: random.Random) -> str:
    deep = "[" * 50_000
    bad = [
        "NaN",
        "[]",
        '"x"',
        '{"a": Infinity}',
        "{'a': 1}",
        '{"id": "a", "id": "b"}',
        deep,
        "9" * 5000,
        "//",
    ]
    return spoil_line(text, rng, lambda _: rng.choice(bad))


# --- Markdown with front matter ------------------------------------------------------------------


@mutation(ARTICLE)
def _front_matter_spoilt(text: str, rng: random.Random) -> str:
    bad = [
        "titel: x",
        "updated: soon",
        "updated: 2026-02-30",
        "- a",
        "region: [",
        "supersedes: {a: 1}",
        "a:\tb: c",
    ]
    bad += ["title: again", "region: " + "[" * 9000, "x: &x [*x]", "supersedes: no-such", "\x02", "1: 2", "&"]
    return text.replace("---\n", f"---\n{rng.choice(bad)}\n", 1)


@mutation(ARTICLE)
def _front_matter_not_closed(text: str, rng: random.Random) -> str:
    return text.replace("\n---\n", rng.choice(["\n--\n", "\n", "\n --- \n"]), 1)
